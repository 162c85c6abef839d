import { expect, it } from 'vitest';
import { SuffixArray, sortSuffixes } from '../../../src/text/ngrams/suffixArray.ts';
import { mix } from '../../../src/text/windows/permutation.ts';

/** Random bytes below `largest`, with repeated stretches. */
function randomText(length: number, largest: number, seed: number): Uint8Array<ArrayBuffer> {
  const text = Uint8Array.from({ length }, (_, i) => mix(seed, i) % largest);
  for (let i = 0; i + 40 < length; i += 97)
    text.copyWithin(i, mix(seed, i + length) % (length - 40), (mix(seed, i + length) % (length - 40)) + 30);
  return text;
}

/** The longest common substring, by dynamic programming. */
function naive(text: Uint8Array, bytes: Uint8Array): number {
  let [best, row] = [0, new Uint16Array(text.length + 1)];
  for (const byte of bytes) {
    const next = new Uint16Array(text.length + 1);
    for (let j = 1; j <= text.length; j++) if (text[j - 1] === byte) best = Math.max(best, (next[j] = row[j - 1] + 1));
    row = next;
  }
  return best;
}

it('suffixes are in order, of texts of all kinds', () => {
  const texts = [
    [],
    [7],
    [1, 0],
    [0, 1],
    [5, 5, 5, 5],
    [2, 1, 2, 1, 2, 1],
    [1, 2, 1, 2, 1, 2],
    [0, 255, 0, 255, 255],
  ].map((text) => Uint8Array.from(text) as Uint8Array);
  for (let seed = 0; seed < 60; seed++) texts.push(randomText(1 + ((seed * 7) % 300), [1, 2, 3, 256][seed % 4], seed));
  for (const text of texts) {
    const expected = Array.from(text, (_, i) => i).sort((a, b) => Buffer.compare(text.subarray(a), text.subarray(b)));
    expect([...sortSuffixes(text, 255)]).toEqual(expected);
  }
});

it('the longest shared passage of 200 samples is what a naive search finds, and stands where it says', () => {
  const text = randomText(3000, 4, 1);
  const index = new SuffixArray(text);
  for (let sample = 0; sample < 200; sample++) {
    const bytes = randomText(80, 4, 100 + sample);
    if (sample % 4 === 0) bytes.set(text.subarray(sample * 10, sample * 10 + 25), 20);
    const { length, at, from } = index.longestShared(bytes);
    expect(length).toBe(naive(text, bytes));
    expect(text.subarray(at, at + length)).toEqual(bytes.subarray(from, from + length));
  }
});

it('finds all places of a passage, and those that are there more than once', () => {
  const text = new TextEncoder().encode('to be or not to be, that is to be');
  const index = new SuffixArray(text);
  const places = (words: string): number[] => [...index.places(new TextEncoder().encode(words))].sort((a, b) => a - b);
  expect(places('to be')).toEqual([0, 13, 28]);
  expect(places('be')).toEqual([3, 16, 31]);
  expect(places('be, ')).toEqual([16]);
  expect(places('question')).toEqual([]);
  expect(places('zzz')).toEqual([]);
  const repeated: number[] = [];
  index.eachRepeated(5, (at) => repeated.push(at));
  expect(repeated.sort((a, b) => a - b)).toEqual([0, 12, 13, 27, 28]); // 'to be' and ' to b';
  expect(index.longestMatch(Uint8Array.of(250))).toEqual({ length: 0, at: 0 });
});

it('takes texts that repeat throughout in linear time', () => {
  for (const text of [new Uint8Array(300_000).fill(97), new Uint8Array(300_000).map((_, i) => i % 3)]) {
    const index = new SuffixArray(text);
    expect(index.longestShared(text.subarray(5, 105))).toMatchObject({ length: 100, from: 0 });
  }
});
