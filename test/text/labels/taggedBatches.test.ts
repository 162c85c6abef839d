import { expect, it } from 'vitest';
import { entitiesOf } from '../../../src/text/labels/entities.ts';
import { paddedLength } from '../../../src/text/labels/labelledBatches.ts';
import { padSegments, segmentsOf } from '../../../src/text/labels/taggedBatches.ts';
import { splitWords } from '../../../src/text/labels/words.ts';
import { trainTokenizer } from '../../../src/text/tokenizers/tokenizer.ts';
import { IGNORE } from '../../../src/text/windows/windows.ts';
import { inChunks, randomText } from '../tokenizers/samples.ts';

const tokenizer = await trainTokenizer('byte', inChunks(''));
const SENTENCES = [
  ['Anna', 'met', 'Bob'],
  [],
  ['a'.repeat(50), 'b'],
  ...Array.from({ length: 20 }, (_, i) => randomText(i, 20).split(/\s+/)),
];

it('cuts sentences into segments that hold each word once and fit the context', () => {
  for (const context of [1, 5, 24, 1000]) {
    const segments = segmentsOf(tokenizer, SENTENCES, context);
    for (const [s, words] of SENTENCES.entries()) {
      const own = segments.filter(({ sentence }) => sentence === s);
      expect(own.flatMap(({ firstWord, last }) => last.map((_, w) => firstWord + w))).toEqual([...words.keys()]);
    }
    for (const { ids, last } of segments) {
      expect(ids.length).toBeLessThanOrEqual(context);
      expect(last.at(-1)).toBe(ids.length - 1);
    }
  }
});

it('pads to few lengths', () => {
  expect([1, 16, 17, 25, 33, 49].map((pieces) => paddedLength(pieces, 64))).toEqual([16, 16, 24, 32, 48, 64]);
  expect([1, 17, 50, 97].map((pieces) => paddedLength(pieces, 100))).toEqual([16, 24, 64, 100]);
  expect(paddedLength(3, 8)).toBe(8);
});

it('puts each class at the last piece of its word, and IGNORE everywhere else', () => {
  const segments = segmentsOf(tokenizer, [['ab', 'c'], ['d']], 16);
  const { length, ids, lengths, targets } = padSegments(segments, { batchSize: 3, context: 16 }, [[5, 0], [7]]);
  expect(length).toBe(16);
  expect(Array.from(lengths)).toEqual([5, 2, 1]);
  expect(tokenizer.decode(ids.subarray(0, 5))).toBe(' ab c');
  const labelled = [...targets.entries()].filter(([, target]) => target !== IGNORE);
  expect(labelled).toEqual([
    [2, 5],
    [4, 0],
    [17, 7],
  ]);
  expect(padSegments(segments, { batchSize: 2, context: 16 }).targets.every((target) => target === IGNORE)).toBe(true);
});

it('finds entities in the text that the words are of', () => {
  const text = '  Anna  Smith,\nof St. Ives';
  const words = splitWords(text);
  expect(words.map((word) => word.text)).toEqual(['Anna', 'Smith', ',', 'of', 'St.', 'Ives']);
  expect(entitiesOf(text, words, ['B-PER', 'I-PER', 'O', 'O', 'B-LOC', 'I-LOC'])).toEqual([
    { type: 'PER', start: 2, end: 13, text: 'Anna  Smith' },
    { type: 'LOC', start: 18, end: 26, text: 'St. Ives' },
  ]);
});

it('reads words of characters that the tokenizer never saw', async () => {
  const known = await trainTokenizer('char', inChunks(' abc'));
  const [{ ids, last }] = segmentsOf(known, [['aéb', '鯨', 'c']], 16);
  expect(last).toEqual([2, 3, 5]);
  expect(known.decode(ids)).toBe(' ab  c');
  const [bare] = segmentsOf(await trainTokenizer('char', inChunks('abc')), [['鯨', 'c']], 16);
  expect(bare.last).toEqual([0, 1]);
});
