import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readTextStream } from '../../../src/node/files.ts';
import type { CorpusSource } from '../../../src/train/run/material.ts';
import { type Document, type DocumentSource, textDocuments, writtenOf } from '../../../src/trust/data/documents.ts';
import type { OnFault } from '../../../src/trust/data/lenient.ts';
import { LONGEST_DOCUMENT, paragraphs } from '../../../src/trust/data/paragraphs.ts';
import { tableDocuments } from '../../../src/trust/data/tables.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-documents-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function* inPieces(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}
async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
const cut = async (text: string, size = 7) => all(paragraphs(inPieces(text, size)));
const asWritten = (documents: readonly Document[]): string => documents.map(writtenOf).join('');
const written = async (source: DocumentSource, onFault?: OnFault): Promise<string> =>
  asWritten(await all(source.documents(onFault)));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
}
const corpus = (path: string): CorpusSource => ({
  ...{ name: 'it', source: path, path, licence: 'none' },
  bytes: () => readTextStream(path),
});

describe('paragraphs', () => {
  it('end at blank lines, whatever the system, and keep wrapped lines together', async () => {
    expect(await cut('one\ntwo\n\nthree\r\n \t\r\n\r\nfour\rfive\r\rsix')).toEqual([
      { line: 1, text: 'one\ntwo', end: '\n\n' },
      { line: 4, text: 'three', end: '\r\n \t\r\n\r\n' },
      { line: 7, text: 'four\rfive', end: '\r\r' },
      { line: 10, text: 'six', end: '' },
    ]);
  });

  it('are the text, one after the other, however it comes', async () => {
    const signs = ['a', ' ', '\n', '\r', '\r\n', '\t', '\u{1f600}', '\n\n'];
    let state = 1;
    const text = Array.from({ length: 3000 }, () => signs[(state = (state * 48271) % 2147483647) % signs.length]).join(
      '',
    );
    const once = await cut(text, text.length);
    expect(once.map((one) => one.text + one.end).join('')).toBe(text);
    for (const size of [1, 2, 3, 64]) expect(await cut(text, size)).toEqual(once);
    for (const one of once) {
      const before = text.slice(
        0,
        once.slice(0, once.indexOf(one)).reduce((sum, o) => sum + o.text.length + o.end.length, 0),
      );
      expect(one.line).toBe(before.split(/\r\n|\r|\n/).length);
      expect(one.text).not.toMatch(/(?:\r\n|\n|\r(?!\n))[ \t]*(?:\r|\n)/);
    }
  });

  it('begin with nothing where a text begins with blank lines', async () => {
    expect(await cut('\n\n one\n')).toEqual([
      { line: 1, text: '', end: '\n\n' },
      { line: 3, text: ' one', end: '\n' },
    ]);
    expect(await cut('')).toEqual([]);
  });

  it('give way to lines where more comes than a paragraph has', async () => {
    const entries = Array.from({ length: 4000 }, (_, i) => `entry ${i} is of so many words`);
    const text = `title\n\n${entries.join('\n')}\n\none\nparagraph\n`;
    const documents = await cut(text, 1000);
    expect(documents.map(({ text: one }) => one)).toEqual(['title', ...entries, 'one\nparagraph']);
    expect(documents.map(({ line }) => line)).toEqual([1, ...entries.map((_, i) => i + 3), 4004]);
    expect(documents.map((one) => one.text + one.end).join('')).toBe(text);
  });

  it.each([
    ['words', 'word '.repeat(60_000)],
    ['one word', 'x'.repeat(300_000)],
    ['pairs', `x${'\u{1f600}'.repeat(150_000)}`],
    ['lines', 'a line of text\n'.repeat(9_000)],
    ['blank lines', `a${'\n'.repeat(300_000)}b`],
    ['spaces', `a\n${' '.repeat(300_000)}\nb`],
  ])('are cut where they are too long: %s', async (_, text) => {
    const pieces = await cut(text, 50_000);
    expect(pieces.map((one) => one.text + one.end).join('')).toBe(text);
    for (const one of pieces) {
      expect(one.text.length).toBeLessThanOrEqual(LONGEST_DOCUMENT);
      expect(one.end.length).toBeLessThanOrEqual(2 * LONGEST_DOCUMENT);
      expect(Buffer.from(one.text).toString()).toBe(one.text); // no half of a pair
    }
  });
});

describe('texts', () => {
  it('are a part each file of a folder, lines counted anew', async () => {
    file('some/a.txt', 'first\n\nsecond');
    file('some/deep/b.md', 'third');
    const source = await textDocuments(corpus(join(folder, 'some')));
    expect(source.parts.map(({ name }) => name)).toEqual(['a.txt', 'deep/b.md']);
    expect(await all(source.documents())).toEqual([
      { part: 'a.txt', line: 1, text: 'first', end: '\n\n' },
      { part: 'a.txt', line: 3, text: 'second', end: '' },
      { part: 'deep/b.md', line: 1, text: 'third', end: '' },
    ]);
  });

  it('that are no UTF-8 are refused, or read with their faults counted', async () => {
    const bad = file('bad.txt', Uint8Array.of(65, 10, 0xff, 66, 0xef, 0xbf, 0xbd, 10, 0xc3));
    const source = await textDocuments(corpus(bad));
    await expect(all(source.documents())).rejects.toThrow('not UTF-8 in line 2');
    const faults: unknown[] = [];
    const [{ text }] = await all(source.documents((fault) => faults.push(fault)));
    expect(text).toBe('A\n\ufffdB\ufffd\n\ufffd');
    expect(faults).toEqual([
      { part: 'it', kind: 'not UTF-8', line: 2, count: 1 },
      { part: 'it', kind: 'not UTF-8', line: 3, count: 1 },
    ]);
  });

  it('of UTF-16 are read as that, and told', async () => {
    const wide = file('wide.txt', Buffer.concat([Uint8Array.of(0xff, 0xfe), Buffer.from('Grüße', 'utf16le')]));
    const faults: unknown[] = [];
    const source = await textDocuments(corpus(wide));
    expect(await all(source.documents((fault) => faults.push(fault)))).toMatchObject([{ text: 'Grüße' }]);
    expect(faults).toEqual([{ part: 'it', kind: 'UTF-16', line: 1, count: 1 }]);
  });
});

describe('tables', () => {
  it('of separated values are read by row and can be written with other texts', async () => {
    const path = file('t.csv', 'label;text\nx;"one\ntwo"\ny;three, four\n');
    const rows = await all(tableDocuments(path).documents());
    expect(rows.map(({ line, text }) => [line, text])).toEqual([
      [1, ''],
      [2, 'one\ntwo'],
      [4, 'three, four'],
    ]);
    expect(asWritten(rows)).toBe('label,text\nx,"one\ntwo"\ny,"three, four"\n');
    expect(rows[2].written!('<EMAIL>')).toBe('y,<EMAIL>');
    expect(() => tableDocuments(path, { text: 'body' })).not.toThrow();
    await expect(all(tableDocuments(path, { text: 'body' }).documents())).rejects.toThrow('has no column "body"');
  });

  it('take the longest texts where no column is called so', async () => {
    const path = file('u.tsv', 'id\tbody\n1\tlong words\n2\tmore words\n');
    expect((await all(tableDocuments(path).documents())).map(({ text }) => text)).toEqual([
      '',
      'long words',
      'more words',
    ]);
    expect(await written(tableDocuments(path))).toBe('id\tbody\n1\tlong words\n2\tmore words\n');
  });

  it('of JSON lines stream; a broken one is refused, or told and taken for text', async () => {
    const path = file('t.jsonl', '{"text":"one","label":1}\n\n{"prompt":"q","answer":"a"}\n{"text": \n');
    await expect(all(tableDocuments(path).documents())).rejects.toThrow('line 4: each line must be one JSON object');
    const faults: unknown[] = [];
    const rows = await all(tableDocuments(path).documents((fault) => faults.push(fault)));
    expect(rows.map(({ line, text }) => [line, text])).toEqual([
      [1, 'one'],
      [3, 'q\na'],
      [4, '{"text": '],
    ]);
    expect(faults).toEqual([{ part: 't.jsonl', kind: 'broken row', line: 4, count: 1 }]);
    expect(rows[0].written!('two')).toBe('{"text":"two","label":1}');
    expect(rows[1].written!('two')).toBeUndefined();
  });

  it('of words and tags are sentences', async () => {
    const content = '# sent_id = 1\n1 Ada B-PER\n2 wrote O\n\n1 Paris B-LOC\n2 , O\n';
    const rows = await all(tableDocuments(file('t.conll', content)).documents());
    expect(rows.map(({ text }) => text)).toEqual(['Ada wrote', 'Paris ,']);
    expect(asWritten(rows)).toBe(content);
    expect(rows[0].written!('<NAME> wrote')).toBe('# sent_id = 1\n1 <NAME> B-PER\n2 wrote O');
    expect(rows[0].written!('somebody else wrote')).toBeUndefined();
  });
});
