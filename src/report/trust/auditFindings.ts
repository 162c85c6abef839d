/** Sections of an audit's page that list what was found, by kind and place. */
import { exact } from '../format.ts';
import { html, type Part } from '../html.ts';
import * as page from '../page.ts';
import type { AuditCard, FindingCard } from './audit.ts';
import { foundOf, perThousand } from './auditWords.ts';

export const AUDIT_STYLE = /* css */ `
.places td { overflow-wrap: anywhere; } .places td:last-child { font: .84rem/1.5 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; min-width: 14rem; }
.none { color: var(--muted); } .more { color: var(--validation); } .less { color: var(--training); }`;

/** Places of a kind that the page shows; JSON has more of them. */
const MOST_SHOWN = 20;

const none = (text: string): Part => html`<p class="none">${text}</p>`;

/** Findings by kind: how many, in which parts, and the first places, folded up. */
function findings(found: readonly FindingCard[], nothing: string): Part {
  if (found.length === 0) return none(nothing);
  return [
    page.table(found, [
      ['Kind', ({ kind }) => kind],
      ['Found', ({ count }) => exact(count), 'number'],
      ['Parts', ({ parts }) => partsInWords(parts), 'long'],
    ]),
    found.map(places),
  ];
}

/** Parts with their counts, those with most first. */
function partsInWords(parts: FindingCard['parts']): string {
  const sorted = Object.entries(parts).sort(([, a], [, b]) => b - a);
  const named = sorted.slice(0, 4).map(([part, n]) => `${part} (${exact(n)})`);
  return [...named, ...(sorted.length > 4 ? [`${sorted.length - 4} more`] : [])].join(', ');
}

function places({ kind, count, places: all }: FindingCard): Part {
  const shown = all.slice(0, MOST_SHOWN);
  const heading = `${kind}: ${shown.length < count ? `the first ${shown.length} of ${exact(count)}` : exact(count)}`;
  return page.folded(
    heading,
    html`<div class="places">${page.table(shown, [
      ['Part', ({ part }) => part],
      ['Line', ({ line }) => exact(line), 'number'],
      ['Masked', ({ excerpt }) => excerpt, 'long'],
    ])}</div>`,
  );
}

export const privateSection = ({ private: found }: AuditCard): Part =>
  page.section(
    'Private data',
    findings(found, 'None of the twelve forms was found.'),
    page.caption(
      'By form, context and checksum; names are not looked for. Numbers that only look so are among them, and what is written out in words is not.',
    ),
  );

export function toxicSection({ toxic, parts }: AuditCard): Part {
  const [found] = toxic;
  const rows = parts.map(({ name, words }) => ({ name, words, n: found?.parts[name] ?? 0 }));
  const some = rows.filter(({ n }) => n > 0).sort((a, b) => b.n / b.words - a.n / a.words);
  return page.section(
    'Toxic words',
    found
      ? [
          page.table(some.slice(0, 24), [
            ['Part', ({ name }) => name],
            ['Found', ({ n }) => exact(n), 'number'],
            ['In a thousand words', ({ n, words }) => perThousand(n, words), 'number'],
          ]),
          places(found),
        ]
      : none('None of the listed words was found.'),
    page.caption(
      'Words from a list, however they are spelt. A list knows no meaning: hatred without such words is not found.',
    ),
  );
}

export function encodingSection({ encoding, parts }: AuditCard): Part {
  const mixed = parts.filter(({ lineEnds }) => Object.values(lineEnds).filter((n) => n > 0).length > 1);
  return page.section(
    'Encoding',
    findings(encoding, 'Every character is one.'),
    page.block(
      'Parts whose lines end in several ways',
      page.table(mixed.slice(0, 24), [
        ['Part', ({ name }) => name],
        ['Line feed', ({ lineEnds }) => exact(lineEnds.lf), 'number'],
        ['Return and line feed', ({ lineEnds }) => exact(lineEnds.crlf), 'number'],
        ['Return', ({ lineEnds }) => exact(lineEnds.cr), 'number'],
      ]),
    ),
  );
}

export const boilerplateSection = ({ boilerplate: { known, recurring } }: AuditCard): Part =>
  page.section(
    'Lines that are nobody’s text',
    foundOf(known) + recurring.length === 0
      ? none('No licence headers, navigation or lines that recur in ten documents or more.')
      : findings(known, 'No licence headers, navigation and the like.'),
    page.block(
      'Lines that stand in many documents',
      page.table(recurring.slice(0, MOST_SHOWN), [
        ['Line, its digits as 0', ({ text }) => text, 'long'],
        ['Documents', ({ documents }) => exact(documents), 'number'],
        ['First in', ({ part, line }) => `${part}, line ${exact(line)}`],
      ]),
    ),
  );
