import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { readTextStream } from '../../../src/node/files.ts';
import { wentInWords } from '../../../src/report/dataCard.ts';
import { CleanCard, type CleanRule, cleanRules } from '../../../src/text/windows/cleaning.ts';
import { resolveConfig } from '../../../src/train/config.ts';
import type { CorpusSource } from '../../../src/train/run/material.ts';
import { cleaned, cleanedCorpus } from '../../../src/trust/data/clean.ts';
import { type DocumentSource, writtenOf } from '../../../src/trust/data/documents.ts';
import { sourceOf } from './texts.ts';

const corpus = (text: string): CorpusSource => ({
  ...{ name: 'made', source: 'made', licence: 'none' },
  async *bytes() {
    yield new TextEncoder().encode(text);
  },
});

async function clean(text: string, ...rules: CleanRule[]) {
  const left = await cleanedCorpus(corpus(text), rules);
  let written = '';
  for await (const bytes of left.bytes()) written += new TextDecoder().decode(bytes);
  const card = CleanCard.parse(left.clean);
  expect(card).toMatchObject({ rules, characters: text.length, keptCharacters: written.length });
  return { text: written, card };
}

const ONE =
  'It was the best of times, it was the worst\nof times, it was the age of wisdom, it was the age of foolishness.';
const TWO = 'Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse.';
const words = Array.from({ length: 60 }, (_, i) => `word${i}`);

describe('a text is freed of', () => {
  it('nothing by no rule, to the last byte', async () => {
    const text = `\n\n${ONE}\r\n\r\n${TWO}\n \n${ONE}\n`;
    expect((await clean(text)).text).toBe(text);
  });

  it('duplicates, however they are wrapped only where near ones go too', async () => {
    const text = `${ONE}\n\n${TWO}\n\n${ONE.replace('\n', ' ')}\n\nYes.\n\n${TWO}\r\n\r\nYes.\n`;
    const exact = await clean(text, 'duplicates');
    expect(exact.text).toBe(`${ONE}\n\n${TWO}\n\n${ONE.replace('\n', ' ')}\n\nYes.\n\nYes.\n`);
    expect(exact.card).toMatchObject({
      documents: 6,
      kept: 5,
      went: { duplicates: { documents: 1, characters: 106 } },
    });
    const near = await clean(text, 'near-duplicates');
    expect(near.text).toBe(`${ONE}\n\n${TWO}\n\nYes.\n\nYes.\n`);
    expect(near.card.went).toMatchObject({ 'near-duplicates': { documents: 2 } });
    const both = await clean(text, 'duplicates', 'near-duplicates');
    expect(both.text).toBe(near.text);
    expect(both.card.went).toMatchObject({ duplicates: { documents: 1 }, 'near-duplicates': { documents: 1 } });
  });

  it('near-duplicates of what stays, and of nothing else', async () => {
    const edit = (at: number): string => words.map((word, i) => (i === at ? 'other' : word)).join(' ');
    const half = words.map((word, i) => (i < 30 ? `new${i}` : word)).join(' ');
    const { text } = await clean([words.join(' '), edit(30), half, edit(0)].join('\n\n'), 'near-duplicates');
    expect(text).toBe(`${words.join(' ')}\n\n${half}\n\n`);
  });

  it('lines that came before, planted ones in the midst of paragraphs', async () => {
    const planted = 'the number of alder is 4711.';
    const text = `${ONE}\n${planted}\nand\n\n${planted}\n\nso it goes\n${planted}\n\nend`;
    const { text: left, card } = await clean(text, 'duplicate-lines');
    expect(left).toBe(`${ONE}\n${planted}\nand\n\nso it goes\n\nend`);
    expect(card.went).toMatchObject({ 'duplicate-lines': { documents: 1, lines: 1, characters: 59 } });
  });

  it('private data, in place', async () => {
    const { text, card } = await clean(`Write to ada@example.com\nor bob@example.org, today.\n\n${TWO}`, 'private');
    expect(text).toBe(`Write to <EMAIL>\nor <EMAIL>, today.\n\n${TWO}`);
    expect(card.went.private).toMatchObject({ items: 2, documents: 0, kinds: { email: 2 }, characters: 30 });
    expect(wentInWords(card)).toMatch(/^private: 2 items masked \(2 email\) \(\d+(\.\d)?% of the characters\)$/);
  });

  it('toxic lines', async () => {
    const { text, card } = await clean(`${ONE}\nyou fucking bastard\n\nfuck you\n\n${TWO}`, 'toxic');
    expect(text).toBe(`${ONE}\n\n${TWO}`);
    expect(card.went.toxic).toMatchObject({ documents: 1, lines: 1 });
  });

  it('copies in other files, and tells of which file what is left is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dawnlm-clean-'));
    for (const [file, text] of Object.entries({ 'a.txt': ONE, 'b.txt': `${ONE}\n\n${TWO}` }))
      writeFileSync(join(folder, file), text);
    const files = { name: 'it', source: folder, path: folder, licence: 'none', bytes: () => readTextStream(folder) };
    const left: unknown[] = [];
    for await (const bytes of (await cleanedCorpus(files, ['duplicates'])).bytes()) {
      left.push([bytes.file, new TextDecoder().decode(bytes)]);
    }
    expect(left).toEqual([
      ['a.txt', ONE],
      ['b.txt', TWO],
    ]);
    rmSync(folder, { recursive: true });
  });

  it('all, and says when nothing stays', async () => {
    await expect(clean('fuck you', 'toxic')).rejects.toThrow('Nothing of made stays by clean: toxic.');
  });
});

it('rows go whole, or are written with private data masked', async () => {
  const rows = [
    'my mail is ada@example.com',
    'fuck you all',
    'a harmless row of text',
    'a harmless row of text',
    'no ada@example.com',
  ];
  const source = sourceOf(rows);
  const table: DocumentSource = {
    ...source,
    async *documents() {
      for await (const row of source.documents()) {
        const written = (text: string) => (text.startsWith('no ') && text !== row.text ? undefined : `x,${text}`);
        yield { ...row, end: '\n', written };
      }
    },
  };
  const { documents, card } = cleaned(table, ['duplicates', 'toxic', 'private']);
  let left = '';
  for await (const row of documents) left += writtenOf(row);
  expect(left).toBe('x,my mail is <EMAIL>\nx,a harmless row of text\n');
  expect(card().went).toMatchObject({
    duplicates: { documents: 1 },
    toxic: { documents: 1 },
    private: { documents: 1, items: 1 },
  });
});

it('rules are known by name, and settings hold no others', () => {
  expect(cleanRules(' private, near-duplicates,private')).toEqual(['near-duplicates', 'private']);
  expect(cleanRules('')).toEqual([]);
  expect(() => resolveConfig('tiny', { clean: 'near-duplicate' })).toThrow(UsageError);
  expect(() => resolveConfig('tiny', { clean: 'near-duplicate' })).toThrow(
    'clean: there is no rule "near-duplicate"; the rules are duplicates, near-duplicates, duplicate-lines, toxic, private',
  );
  expect(resolveConfig('tiny', { clean: 'private' }).clean).toBe('private');
});
