/** The page of an audit: where a text comes from, what it is made of, and what in it one should know of before training on it. */
import type { Chart } from '../chart.ts';
import { bytes, count, exact, NOTHING, plural } from '../format.ts';
import { html, type Part } from '../html.ts';
import * as page from '../page.ts';
import type { AuditCard, AuditPart } from './audit.ts';
import { duplicatesSection, overlapSection } from './auditDuplicates.ts';
import { AUDIT_STYLE, boilerplateSection, encodingSection, privateSection, toxicSection } from './auditFindings.ts';
import { groupsSection } from './auditGroups.ts';
import { foundOf, inShort, perThousand, total, warnings } from './auditWords.ts';

/** Parts that tables name; the others are summed. */
const MOST_PARTS = 24;

/** Languages of a part that the page names, and their least share; of less text a list of names may be one. */
const [MOST_LANGUAGES, LEAST_SHARE] = [8, 0.001];

/** The page as a whole HTML document. */
export function renderAudit(card: AuditCard): string {
  const words = total(card, 'words');
  const copies = card.duplicates.documents.copies + card.duplicates.near.copies;
  return page.renderPage({
    title: `Audit of ${card.name}`,
    over: 'A text looked through before it is learned from',
    abstract: inShort(card),
    notices: warnings(card),
    figures: [
      ['Words', count(words), `${count(total(card, 'characters'))} characters`],
      ['Copies', exact(copies), `of ${plural(total(card, 'documents'), 'document')}`],
      ['Private items', exact(foundOf(card.private)), 'in twelve forms'],
      ['Toxic words', exact(foundOf(card.toxic)), `${perThousand(foundOf(card.toxic), words)} in a thousand words`],
      ['Encoding faults', exact(foundOf(card.encoding)), bytes(total(card, 'bytes'))],
    ],
    sections: [
      partsSection(card.parts),
      languageSection(card.parts),
      lengthSection(card),
      duplicatesSection(card),
      overlapSection(card),
      privateSection(card),
      toxicSection(card),
      encodingSection(card),
      boilerplateSection(card),
      groupsSection(card.groups, words),
    ],
    footer:
      'Made by dawnlm. Nothing private stands on this page: what was found is masked. What a detector does not know it does not find.',
    style: AUDIT_STYLE,
  });
}

const sumOf = (parts: readonly AuditPart[], name: string) => {
  const sum = (of: (part: AuditPart) => number): number => parts.reduce((all, part) => all + of(part), 0);
  return {
    ...{ name, documents: sum((part) => part.documents), characters: sum((part) => part.characters) },
    ...{ bytes: sum((part) => part.bytes), words: sum((part) => part.words), lines: sum((part) => part.lines) },
  };
};

function partsSection(parts: readonly AuditPart[]): Part {
  const shown = parts.slice(0, MOST_PARTS);
  const rest = parts.length > MOST_PARTS ? [sumOf(parts.slice(MOST_PARTS), `${parts.length - MOST_PARTS} more`)] : [];
  const all = parts.length > 1 ? [sumOf(parts, 'all')] : [];
  return page.section(
    'What it is made of',
    page.table(
      [...shown, ...rest],
      [
        ['Part', ({ name }) => name],
        ['Documents', ({ documents }) => exact(documents), 'number'],
        ['Words', ({ words }) => exact(words), 'number'],
        ['Characters', ({ characters }) => exact(characters), 'number'],
        ['Bytes', (part) => exact(part.bytes), 'number'],
        ['Lines', ({ lines }) => exact(lines), 'number'],
      ],
      all,
    ),
    page.block('Where it comes from, and what may be done with it', origins(parts)),
  );
}

/** One row for all parts that come from one place. */
function origins(parts: readonly AuditPart[]): Part {
  const keyOf = ({ source, licence, sha256 = '' }: AuditPart): string => JSON.stringify([source, licence, sha256]);
  const origins = [...new Map(parts.map((part) => [keyOf(part), part])).values()];
  return page.table(origins, [
    ['Source', ({ source }) => source, 'long'],
    ['Licence', ({ licence }) => licence, 'long'],
    ['Use that it allows', ({ use }) => use, 'long'],
    ['SHA-256', ({ sha256 }) => (sha256 ? html`<code title="${sha256}">${sha256.slice(0, 12)}…</code>` : NOTHING)],
  ]);
}

function languageSection(parts: readonly AuditPart[]): Part {
  const rows = parts.slice(0, MOST_PARTS).flatMap(({ name: part, languages, undetermined }) => {
    const shown = languages.filter(({ share }, i) => i === 0 || (i < MOST_LANGUAGES && share >= LEAST_SHARE));
    const others = languages.slice(shown.length);
    const rest = others.reduce((sum, { share }) => sum + share, 0);
    const more = (name: string, share: number) => (share > 0 ? [{ part, name, code: '', share, line: undefined }] : []);
    return [
      ...shown.map((language) => ({ part, ...language })),
      ...more(`${others.length} more, of little text each`, rest),
      ...more('too short to tell', undetermined),
    ];
  });
  return page.section(
    'Languages',
    page.table(rows, [
      ...(parts.length > 1 ? [['Part', ({ part }: (typeof rows)[number]) => part] as const] : []),
      ['Language', ({ name, code }) => (code ? html`${name} <small>${code}</small>` : name)],
      ['Share of letters', ({ share }) => share, 'share'],
      ['First in line', ({ line }) => (line === undefined ? undefined : exact(line)), 'number'],
    ]),
    page.caption(
      'By the trigrams of passages of 300 characters; shorter ones are joined. Of large parts a sample. What is of little text may be a list of names or a dialect: look at its line.',
    ),
  );
}

function lengthSection({ lengths }: AuditCard): Part {
  const points = (bins: AuditCard['lengths']['lines']) => {
    const all = bins.reduce((sum, bin) => sum + bin.count, 0);
    const behind = bins.slice(-1).map(({ from }) => ({ from: Math.ceil(1.42 * from), count: 0 }));
    return [...bins, ...behind].map((bin) => ({ step: bin.from, value: (100 * bin.count) / all }));
  };
  const [documents, lines] = [points(lengths.documents), points(lengths.lines)];
  const highest = [...documents, ...lines].reduce((most, { value }) => Math.max(most, value), 0);
  const chart: Chart = {
    title: 'Lengths of documents and lines',
    curves: [
      { name: 'documents', tone: 'training', points: documents },
      { name: 'lines', tone: 'validation', points: lines, dashes: '6 3' },
    ],
    range: [0, highest],
    format: (value) => `${value.toFixed(1)}%`,
    unit: 'characters',
    scale: 'log10',
  };
  const longest = `the longest document has ${exact(lengths.longestDocument)}, the longest line ${exact(lengths.longestLine)}`;
  return page.section(
    'Lengths',
    documents.length > 0 &&
      page.figure(chart, `Share of documents and of lines by characters, in half doublings; ${longest}.`),
  );
}
