import { describe, expect, it } from 'vitest';
import { batchesByLength, encodeText, padTexts, trainingBatches } from '../../../src/text/labels/labelledBatches.ts';
import { ByteTokenizer } from '../../../src/text/tokenizers/byteTokenizer.ts';
import { CharTokenizer } from '../../../src/text/tokenizers/charTokenizer.ts';

const bytes = new ByteTokenizer();
const textsOf = (...lengths: number[]) => lengths.map((length) => encodeText(bytes, 'x'.repeat(length), 64));

describe('encodeText', () => {
  it('keeps the beginning of what exceeds the context, and says so', () => {
    expect(encodeText(bytes, 'abc', 3)).toEqual({ ids: [97, 98, 99], cut: false });
    expect(encodeText(bytes, 'abcd', 3)).toEqual({ ids: [97, 98, 99], cut: true });
  });

  it('leaves out characters that a character tokenizer never saw', () => {
    expect(encodeText(new CharTokenizer('ab'), 'aüb', 8).ids).toEqual([0, 1]);
  });

  it('refuses what leaves nothing', () => {
    expect(() => encodeText(bytes, '', 8)).toThrow('a text is empty; leave it out');
    expect(() => encodeText(new CharTokenizer('ab'), 'üö', 8)).toThrow('has no character that the model knows ("üö")');
  });
});

it('pads texts behind, and a batch with rows of one token', () => {
  const batch = padTexts(textsOf(2, 30), 3, 64);
  expect(batch.length).toBe(32);
  expect(batch.lengths).toEqual([2, 30, 1]);
  expect([...batch.ids.subarray(0, 4)]).toEqual([120, 120, 0, 0]);
  expect([...batch.ids.subarray(32, 64)].filter((id) => id === 120)).toHaveLength(30);
  expect(batch.ids.subarray(64).every((id) => id === 0)).toBe(true);
  expect(padTexts(textsOf(9), 1, 10).length).toBe(10);
});

it('gathers every text once, like lengths together', () => {
  expect(batchesByLength(textsOf(5, 1, 9, 1), 2)).toEqual([
    [1, 3],
    [0, 2],
  ]);
});

describe('trainingBatches', () => {
  const take = (texts: ReturnType<typeof textsOf>, batchSize: number, seed: number, count: number) => {
    const batches = trainingBatches(texts, batchSize, seed);
    return Array.from({ length: count }, () => batches.next().value as number[]);
  };

  it('shows each text once an epoch, in an order of the seed', () => {
    const texts = textsOf(...Array.from({ length: 24 }, (_, i) => 1 + i));
    const batches = take(texts, 4, 7, 12);
    const sorted = (part: number[][]) => part.flat().sort((a, b) => a - b);
    for (const epoch of [batches.slice(0, 6), batches.slice(6)]) expect(sorted(epoch)).toEqual(texts.map((_, i) => i));
    expect(take(texts, 4, 7, 12)).toEqual(batches);
    expect(take(texts, 4, 8, 12)).not.toEqual(batches);
    expect(batches.slice(0, 6)).not.toEqual(batches.slice(6));
  });

  it('fills batches that are larger than the set with as many of each text as may be', () => {
    for (const batch of take(textsOf(1, 2, 3), 8, 1, 4)) {
      expect(batch).toHaveLength(8);
      for (const i of [0, 1, 2]) expect(batch.filter((index) => index === i).length).toBeGreaterThanOrEqual(2);
    }
  });
});
