/** Sections of an audit's page on what stands in a text more than once, and in its training part and a held-out one. */
import { exact, percent } from '../format.ts';
import { html, type Part } from '../html.ts';
import * as page from '../page.ts';
import type { AuditCard } from './audit.ts';
import type { OverlapCard, Repeats } from './duplicates.ts';

/** Groups of copies that the page shows. */
const MOST_SHOWN = 10;
/** Lines that a row names. */
const MOST_LINES = 12;

const share = (part: number, all: number): number => (all > 0 ? part / all : 0);

/** Copies of documents and lines. */
export function duplicatesSection({ duplicates }: AuditCard): Part {
  const { documents, near, lines, forgotten, phrases } = duplicates;
  const rows: (readonly [what: string, repeats: Repeats])[] = [
    ['documents, exactly', documents],
    ['documents, nearly', near],
    ['lines, exactly', lines],
  ];
  const notes = [
    `Nearly: 0.8 or more of the runs of five words are shared (MinHash finds the candidates, which are then compared). ${exact(phrases)} documents of fewer than five words and lines of fewer than 24 characters are not looked at.`,
    forgotten > 0 && ` There were more than can be remembered: copies of ${exact(forgotten)} are not counted.`,
  ];
  return page.section(
    'What is there more than once',
    page.table(rows, [
      ['Copies of', ([what]) => what],
      ['Looked at', ([, { looked }]) => exact(looked), 'number'],
      ['Came before', ([, { copies }]) => exact(copies), 'number'],
      ['Characters', ([, { characters }]) => exact(characters), 'number'],
      ['Share', ([, { copies, looked }]) => share(copies, looked), 'share'],
    ]),
    page.caption(notes.filter(Boolean).join('')),
    rows.map(([what, repeats]) => groups(what, repeats)),
  );
}

const groups = (what: string, { groups: all }: Repeats): Part =>
  page.folded(
    `${what}: those with the most copies`,
    all.length > 0 &&
      html`<div class="places">${page.table(all.slice(0, MOST_SHOWN), [
        ['Times', ({ times }) => exact(times), 'number'],
        ['First in', ({ first }) => `${first.part}, line ${exact(first.line)}`],
        ['Then in', ({ others }) => others.map(({ part, line }) => `${part}, line ${exact(line)}`).join('; '), 'long'],
        ['How it begins, masked', ({ excerpt }) => excerpt, 'long'],
      ])}</div>`,
  );

/** Held-out parts against the training part. */
export const overlapSection = ({ overlaps }: AuditCard): Part =>
  page.section(
    'Held out, but known from training',
    page.table(overlaps, [
      ['Part', ({ part }) => part],
      ['Documents', ({ documents }) => exact(documents), 'number'],
      ['The same', ({ exact: n }) => exact(n), 'number'],
      ['Nearly', ({ near }) => exact(near), 'number'],
      ['Known', (one) => share(one.exact + one.near, one.documents), 'share'],
      ['In lines', linesInWords, 'long'],
    ]),
    overlaps.flatMap((one) => passagesInWords(one) ?? []),
  );

function linesInWords({ places }: OverlapCard): string {
  const named = places.slice(0, MOST_LINES).map(({ line }) => exact(line));
  return named.join(', ') + (places.length > MOST_LINES ? ` and ${places.length - MOST_LINES} more` : '');
}

function passagesInWords({ lines, knownLines, passages, knownPassages }: OverlapCard): Part {
  if (lines === undefined || passages === undefined) return undefined;
  const known = knownPassages ?? 0;
  return page.caption(
    `The end that training holds out, a tenth of the text: of its ${exact(lines)} lines of 24 characters or more ${exact(knownLines?.length ?? 0)} stand in the rest too, of its ${exact(passages)} passages of 128 characters ${exact(known)} (${percent(share(known, passages))}).`,
  );
}
