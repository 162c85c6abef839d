import { describe, expect, it } from 'vitest';
import { NgramCounts } from '../../../src/text/ngrams/ngrams.ts';
import { sortPositions } from '../../../src/text/ngrams/sortPositions.ts';
import { countPlainly, hashedTokens, key } from './plain.ts';

describe.each([
  ['two symbols', hashedTokens(300, 2), 2],
  ['seven symbols', hashedTokens(400, 7), 7],
  ['one symbol', new Uint16Array(50), 1],
  ['one token', Uint16Array.of(3), 5],
  ['less than the order', Uint16Array.of(2, 1, 2), 3],
  ['none', new Uint16Array(0), 3],
  ['a large vocabulary', hashedTokens(400, 300), 50_000],
  ['more than 16 bits', Uint32Array.from(hashedTokens(200, 9), (token) => 70_000 * token), 630_001],
])('counts over %s', (_, tokens, vocabSize) => {
  it.each([1, 2, 5])('are exact up to order %i', (order) => {
    const counts = new NgramCounts(tokens, order, vocabSize);
    const plain = countPlainly(tokens, order);
    for (let n = 1; n <= order; n++) {
      const level = counts.levels[n];
      expect(level.size).toBe([...plain.count.keys()].filter((ngram) => ngram.split(' ').length === n).length);
    }
    expect(counts.levels[0].count[0]).toBe(tokens.length);
    for (const [ngram, count] of plain.count) {
      const ids = ngram.split(' ').map(Number);
      expect(counts.count(ids), ngram).toBe(count);
      const { continuation } = counts.levels[ids.length];
      if (ids.length < order) expect(continuation[counts.find(ids)], ngram).toBe(plain.preceding.get(ngram)!.size);
    }
  });
});

describe('n-grams', () => {
  it('that never occur are not found, nor what goes beyond the end', () => {
    const counts = new NgramCounts(Uint16Array.of(0, 1, 2, 1), 3, 9);
    expect(counts.find([1, 0])).toBe(-1);
    expect(counts.find([8])).toBe(-1);
    expect(counts.count([2, 1, 0])).toBe(0);
    expect(counts.count([])).toBe(4);
    expect(counts.count([1])).toBe(2);
  });

  it('refuse tokens of another vocabulary, and orders that are none', () => {
    expect(() => new NgramCounts(Uint16Array.of(0, 7), 2, 7)).toThrow(/token 7 .* vocabulary of 7/);
    for (const order of [0, -1, 1.5]) expect(() => new NgramCounts(Uint16Array.of(0), order, 1)).toThrow(RangeError);
  });
});

it.each([
  [2, 5],
  [40, 5],
  [300, 4],
  [70_000, 3],
])('positions of a text over %i symbols are sorted by %i tokens, equal ones in order', (vocabSize, depth) => {
  const tokens = Uint32Array.from(hashedTokens(1000, 40), (token) => token % vocabSize);
  const follows = (position: number): string =>
    [...tokens.subarray(position, position + depth)].map((token) => String(token).padStart(6, '0')).join();
  const expected = Array.from(tokens.keys()).sort((a, b) =>
    follows(a) < follows(b) ? -1 : follows(a) > follows(b) ? 1 : a - b,
  );
  expect(Array.from(sortPositions(tokens, depth, vocabSize))).toEqual(expected);
});

it('the plain counts are what they are by hand', () => {
  const { count, preceding } = countPlainly(Uint16Array.of(0, 1, 0, 1), 2);
  expect([...count]).toEqual([
    ['0', 2],
    ['0 1', 2],
    ['1', 2],
    ['1 0', 1],
  ]);
  expect(preceding.get(key([0]))).toEqual(new Set(['beginning', '1']));
});
