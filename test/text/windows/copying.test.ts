import { expect, it } from 'vitest';
import { CopyingWindows } from '../../../src/text/windows/copying.ts';
import { Windows } from '../../../src/text/windows/windows.ts';

const TOKENS = Uint16Array.from({ length: 4000 }, (_, i) => (i * i) % 997);
const options = { batchSize: 3, blockSize: 64, seed: 5, piecesOf: (index: number) => (index < 10 ? 4 : 1) };
const windows = new Windows(TOKENS, options);
const copying = new CopyingWindows(windows, options);

/** After how many tokens a piece begins again. */
const periodOf = (read: readonly number[]): number =>
  read.findIndex((_, period) => period > 0 && read.every((id, i) => i < period || id === read[i - period]));

it('windows say again and again the same few tokens of the batch, which each piece draws anew', () => {
  const periods = new Set<number>();
  for (let index = 0; index < 20; index++) {
    const { inputs, targets } = copying.batch(index);
    const known = new Set(windows.batch(index).inputs);
    const length = options.blockSize / options.piecesOf(index);
    const begun = new Set<string>();
    for (let start = 0; start < inputs.length; start += length) {
      const [read, wanted] = [inputs, targets].map((all) => [...all.subarray(start, start + length)]);
      const period = periodOf(read);
      expect(read.every((id) => known.has(id))).toBe(true);
      expect(period).toBeLessThanOrEqual(length / 2);
      expect(wanted).toEqual([...read.slice(1), read[length % period]]);
      periods.add(period);
      begun.add(read.join());
    }
    expect(begun.size).toBe(inputs.length / length);
  }
  expect(Math.min(...periods)).toBeGreaterThan(0);
  expect(Math.max(...periods)).toBeGreaterThan(12);
});

it('are a pure function of the seed and their number', () => {
  const later = copying.batch(9);
  expect(new CopyingWindows(windows, options).batch(9)).toEqual(later);
  expect(new CopyingWindows(windows, { ...options, seed: 6 }).batch(9)).not.toEqual(later);
});

it.each([1, 2, 3, 5])('windows of %i tokens are no longer than they were', (blockSize) => {
  const short = { ...options, blockSize, piecesOf: () => 1 };
  const { inputs, targets } = new CopyingWindows(new Windows(TOKENS, short), short).batch(0);
  expect([inputs.length, targets.length]).toEqual([3 * blockSize, 3 * blockSize]);
  expect([...inputs, ...targets].every((id) => id < 997)).toBe(true);
});
