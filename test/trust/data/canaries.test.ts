import { expect, it } from 'vitest';
import { trainTokenizer } from '../../../src/text/tokenizers/tokenizer.ts';
import { buildDataset } from '../../../src/text/windows/dataset.ts';
import { type TextBytes, utf8Chunks } from '../../../src/text/windows/stream.ts';
import type { CorpusSource } from '../../../src/train/run/material.ts';
import { canariesOf, promptOf, REPETITIONS, randomDigits, withCanaries } from '../../../src/trust/memory/canaries.ts';
import { TEXT } from '../../helpers/dawnlm.ts';

const settings = { canaries: 4, seed: 7, validationFraction: 0.1 };

/** A text in pieces of `size` bytes. */
const corpusOf = (text: string, size = 1000, file?: (at: number) => string): CorpusSource => ({
  ...{ name: 'text', source: 'a test', licence: 'none' },
  async *bytes(): AsyncGenerator<TextBytes> {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.slice(at, at + size);
      yield file ? Object.assign(piece, { file: file(at) }) : piece;
    }
  },
});

async function textOf(corpus: CorpusSource): Promise<string> {
  let text = '';
  for await (const chunk of utf8Chunks(corpus.bytes(), corpus.name)) text += chunk;
  return text;
}

const sentences = /the (number of \w+ is \d+|digits are \d+ and [\w ]+)\.\n/g;

it('canaries follow from the seed: another one has other digits, and other words for each number of repetitions', () => {
  const canaries = canariesOf(settings);
  expect(canaries.map(({ times }) => times)).toEqual([...REPETITIONS]);
  expect(new Set(canaries.map(({ word }) => word)).size).toBe(REPETITIONS.length);
  expect(canaries.every(({ digits }) => /^\d{4}$/.test(digits))).toBe(true);
  expect(canariesOf(settings)).toEqual(canaries);
  expect(canariesOf({ ...settings, seed: 8 })).not.toEqual(canaries);
  expect(canariesOf({ ...settings, canaries: 0 })).toEqual([]);
});

it('digits are drawn from all numbers of their length alike', () => {
  const drawn = Array.from({ length: 2000 }, (_, i) => Number(randomDigits(4, 1, i)));
  const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
  expect(Math.abs(mean - 4999.5)).toBeLessThan(4 * (10_000 / Math.sqrt(12 * drawn.length)));
  expect(drawn.filter((value) => value < 1000).length).toBeGreaterThan(140); // zeros in front
});

it.each([1, 7, 1000, 100_000])(
  'sentences are lines of their own in the training part, in pieces of %i bytes',
  async (size) => {
    const corpus = withCanaries(corpusOf(TEXT, size), settings);
    const text = await textOf(corpus);
    expect(await textOf(corpus)).toBe(text);
    for (const { word, digits, times } of canariesOf(settings)) {
      expect(
        text.split('\n').filter((line) => line === `${promptOf(word)} ${digits}.`),
        word,
      ).toHaveLength(times);
      expect(text.split(promptOf(word)).length - 1, word).toBe(times);
    }
    expect(text.replace(sentences, '')).toBe(TEXT);
    expect(new Set(text.match(/\d/g)).size).toBe(10);
    for (const { word } of canariesOf(settings)) for (const letter of word) expect(text).toContain(letter);
    expect(corpus.canaries).toEqual({ digits: 4, sentences: 32 });
  },
);

it('the held-out part has none, whatever it is a share of', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const validationFraction = [0.05, 0.1, 0.5][seed % 3];
    const corpus = withCanaries(corpusOf(TEXT), { canaries: 4, seed, validationFraction });
    const chunks = () => utf8Chunks(corpus.bytes(), 'text');
    const tokenizer = await trainTokenizer('char', chunks);
    const { validation, train } = await buildDataset(chunks, tokenizer, {
      name: 'text',
      blockSize: 8,
      validationFraction,
    });
    expect(tokenizer.decode(validation)).not.toMatch(/number|\d/);
    expect(tokenizer.decode(train).match(sentences)).toHaveLength(32);
  }
});

it('characters of several bytes stay whole, and a text without lines has its own cut', async () => {
  const plain = 'größe 🐋 мир '.repeat(2000);
  const text = await textOf(withCanaries(corpusOf(plain, 5), settings));
  expect(text.match(/\nthe (number of \w+ is \d+|digits are \d+ and [\w ]+)\.\n/g)!.length).toBeGreaterThan(20);
  expect(text.replace(/\n?the (number of \w+ is \d+|digits are \d+ and [\w ]+)\.\n/g, '')).toBe(plain);
});

it('a byte order mark stays the first of its file, and pieces say of which file they are', async () => {
  const files = (at: number): string => (at < 6000 ? 'a.txt' : 'b.txt');
  const corpus = withCanaries(corpusOf(TEXT, 1000, files), settings);
  const seen: (string | undefined)[] = [];
  for await (const { file } of corpus.bytes()) if (seen.at(-1) !== file) seen.push(file);
  expect(seen).toEqual(['a.txt', 'b.txt']);
  expect((await textOf(withCanaries(corpusOf(`\ufeff${TEXT}`), settings))).replace(sentences, '')).toBe(TEXT);
});

it('no canaries leave the corpus as it is, and a short text has no room for them', async () => {
  const corpus = corpusOf(TEXT);
  expect(withCanaries(corpus, { ...settings, canaries: 0 })).toBe(corpus);
  await expect(textOf(withCanaries(corpusOf(TEXT.slice(0, 3000)), settings))).rejects.toThrow(
    /text is too short for canaries: they are .* characters, and its training part has 2,700\. Give a longer text/,
  );
});
