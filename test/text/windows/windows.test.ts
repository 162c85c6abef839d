import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/errors.ts';
import { mix, permute } from '../../../src/text/windows/permutation.ts';
import { evaluationBatches, IGNORE, lineBegins, Windows } from '../../../src/text/windows/windows.ts';

const counting = (length: number) => Uint32Array.from({ length }, (_, i) => i + 1);

describe('permute', () => {
  it('is one to one for every size and differs by key', () => {
    for (const size of [1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 1000, 4097]) {
      const image = Array.from({ length: size }, (_, i) => permute(i, size, 42));
      expect([...image].sort((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, i) => i));
      if (size > 15) expect(image).not.toEqual(Array.from({ length: size }, (_, i) => permute(i, size, 43)));
    }
  });

  it('spreads evenly: a place gets each tenth of the indices about as often', () => {
    const tenths = new Array<number>(10).fill(0);
    for (let key = 0; key < 10_000; key++) tenths[Math.floor(permute(7, 1000, key) / 100)]++;
    // Binomial(10,000, 0.1) has a standard deviation of 30; five of them.
    for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('breaks neighbours up', () => {
    const steps = Array.from({ length: 999 }, (_, i) => Math.abs(permute(i + 1, 1000, 1) - permute(i, 1000, 1)));
    const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
    // Two random places are size / 3 apart on average.
    expect(Math.abs(mean - 333)).toBeLessThan(40);
  });

  it('reaches the largest sizes', () => {
    const size = 2 ** 32 - 5;
    for (const index of [0, 1, size - 1]) {
      const image = permute(index, size, 9);
      expect(Number.isInteger(image) && image >= 0 && image < size).toBe(true);
    }
  });
});

describe('Windows', () => {
  const cases = [
    [5, 4],
    [7, 4],
    [8, 4],
    [9, 4],
    [1000, 7],
    [1003, 64],
    [2, 1],
  ] as const;

  it.each(cases)('%i tokens in blocks of %i: each window once an epoch, without overlap', (length, blockSize) => {
    const windows = new Windows(counting(length), { batchSize: 3, blockSize, seed: 5 });
    const perEpoch = windows.windowsPerEpoch;
    expect(perEpoch).toBeGreaterThan(0);
    expect(perEpoch * blockSize).toBeGreaterThanOrEqual(Math.min(length - 1, length - 2 * blockSize));
    for (let epoch = 0; epoch < 20; epoch++) {
      const starts = Array.from({ length: perEpoch }, (_, i) => windows.windowStart(epoch * perEpoch + i));
      const sorted = starts.sort((a, b) => a - b);
      expect(sorted).toEqual(sorted.map((_, i) => sorted[0] + i * blockSize));
      expect(sorted[0]).toBeLessThan(blockSize);
      expect(sorted[perEpoch - 1] + blockSize).toBeLessThan(length);
    }
  });

  it('uses every offset and another order in each epoch', () => {
    const windows = new Windows(counting(1000), { batchSize: 1, blockSize: 8, seed: 1 });
    const perEpoch = windows.windowsPerEpoch;
    const epochs = Array.from({ length: 200 }, (_, epoch) =>
      Array.from({ length: perEpoch }, (_, i) => windows.windowStart(epoch * perEpoch + i)),
    );
    expect(new Set(epochs.map((starts) => starts[0] % 8)).size).toBe(8);
    expect(new Set(epochs.map((starts) => starts.map((start) => Math.floor(start / 8)).join())).size).toBe(200);
  });

  it('pairs each input with the token that follows it, across the end of an epoch too', () => {
    const windows = new Windows(counting(100), { batchSize: 4, blockSize: 10, seed: 3 });
    expect(windows.windowsPerEpoch).toBe(9);
    const epochs = Array.from({ length: 9 }, (_, step) => {
      const { inputs, targets, epoch } = windows.batch(step);
      expect(inputs).toHaveLength(40);
      expect(Array.from(targets)).toEqual(Array.from(inputs, (token) => token + 1));
      for (let row = 0; row < 4; row++) expect(inputs[row * 10] - 1).toBe(windows.windowStart(step * 4 + row));
      return epoch;
    });
    expect(epochs).toEqual([0, 0, 0, 1, 1, 2, 2, 3, 3]);
  });

  it('is a function of seed and step alone', () => {
    const make = (seed: number) => new Windows(counting(5000), { batchSize: 4, blockSize: 16, seed });
    const first = make(11);
    const straight = Array.from({ length: 300 }, (_, step) => first.batch(step));
    const backwards = make(11);
    for (let step = 299; step >= 0; step -= 13) expect(backwards.batch(step)).toEqual(straight[step]);
    expect(make(12).batch(0)).not.toEqual(straight[0]);
  });

  it('keeps 16-bit tokens as they are', () => {
    const windows = new Windows(Uint16Array.of(65_535, 65_534), { batchSize: 1, blockSize: 1, seed: 0 });
    expect(windows.batch(0)).toEqual({ inputs: Uint32Array.of(65_535), targets: Uint32Array.of(65_534), epoch: 0 });
  });

  it('refuses a text without a window', () => {
    const make = () => new Windows(counting(8), { batchSize: 1, blockSize: 8, seed: 0 });
    expect(make).toThrow(UserError);
    expect(make).toThrow(/8 tokens, but a window takes 9/);
  });
});

describe('evaluationBatches', () => {
  it.each([2, 3, 12, 13, 14, 25, 100])('predicts each of %i tokens but the first exactly once, in order', (length) => {
    const predicted: number[] = [];
    for (const { inputs, targets, count } of evaluationBatches(counting(length), 3, 4).batches()) {
      expect(inputs).toHaveLength(12);
      const real = Array.from(targets.keys()).filter((i) => targets[i] !== IGNORE);
      expect(real).toHaveLength(count);
      for (const i of real) {
        expect(inputs[i]).toBe(targets[i] - 1);
        predicted.push(targets[i]);
      }
      expect(Array.from(inputs).every((token, i) => targets[i] !== IGNORE || token === 0)).toBe(true);
    }
    expect(predicted).toEqual(Array.from(counting(length).subarray(1)));
  });

  it('gives nothing for a single token', () => {
    expect([...evaluationBatches(counting(1), 3, 4).batches()]).toEqual([]);
  });
});

describe('windows that begin where lines do', () => {
  const END = 0;
  const isEnd = Array.from({ length: 100 }, (_, id) => id === END);
  /** Lines of tokens that say their line, each with its end. */
  const lines = (...lengths: number[]) => Uint32Array.from(lengths.flatMap((n, i) => [...Array(n).fill(i + 1), END]));

  it('may begin at the end of each line but the last, and within one that is longer than they are', () => {
    expect([...lineBegins(lines(3, 2, 4, 1), isEnd, 5)]).toEqual([0, 3, 6, 11]);
    expect([...lineBegins(lines(9), isEnd, 4)]).toEqual([0, 4, 8]);
  });

  it('learn all of a text without lines', () => {
    const tokens = Uint32Array.from({ length: 41 }, (_, i) => i + 1);
    const windows = new Windows(tokens, { batchSize: 1, blockSize: 8, seed: 1, lines: lineBegins(tokens, isEnd, 8) });
    const starts = Array.from({ length: windows.windowsPerEpoch }, (_, i) => windows.windowStart(i));
    expect(starts.sort((a, b) => a - b)).toEqual([0, 8, 16, 24, 32]);
  });

  it('end with a whole line where they are scored, unless it is longer than they are', () => {
    const lengths = (tokens: Uint32Array, blockSize: number) =>
      Array.from(
        evaluationBatches(tokens, 1, blockSize, lineBegins(tokens, isEnd, blockSize)).batches(),
        ({ count }) => count,
      );
    expect(lengths(lines(3, 2, 4, 1), 7)).toEqual([6, 7]);
    expect(lengths(lines(3, 2, 4, 1), 5)).toEqual([3, 3, 5, 2]);
    expect(lengths(lines(9), 4)).toEqual([4, 4, 1]);
  });

  it('give a picture of blockSize - 1 tokens and its end a window each', () => {
    const tokens = lines(7, 7, 7);
    const windows = new Windows(tokens, { batchSize: 1, blockSize: 8, seed: 1, lines: lineBegins(tokens, isEnd, 8) });
    expect(windows.windowsPerEpoch).toBe(3);
    const starts = [0, 1, 2].map((i) => windows.windowStart(i));
    expect(starts.sort((a, b) => a - b)).toEqual([0, 7, 15]);
    const whole = [0, 1, 2].map((i) => windows.batch(i)).find(({ inputs }) => inputs[1] === 2);
    expect([...whole!.targets]).toEqual([2, 2, 2, 2, 2, 2, 2, END]);
  });

  it('begin with long lines as often as with short ones', () => {
    const lengths = Array.from({ length: 3000 }, (_, i) => (mix(7, i) % 3 === 0 ? 13 : 3)); // a third of them long
    const tokens = lines(...lengths);
    const windows = new Windows(tokens, { batchSize: 1, blockSize: 20, seed: 1, lines: lineBegins(tokens, isEnd, 20) });
    expect(windows.windowsPerEpoch).toBe(999); // of three lines each, one left out for the offset
    const begun = new Set<number>();
    let long = 0;
    for (let i = 0; i < 3 * windows.windowsPerEpoch; i++) {
      const start = windows.windowStart(i);
      begun.add(start);
      if (isEnd[tokens[start + 14]]) long++;
    }
    expect(Math.abs(long / 2997 - 1 / 3)).toBeLessThan(0.03);
    expect(begun.size).toBeGreaterThan(1500); // from another offset each epoch
  });

  it.each([4, 5, 7, 16])('predicts each token but the first exactly once in windows of %i', (blockSize) => {
    const tokens = lines(3, 2, 4, 1, 12, 5, 5, 1, 1, 1, 1, 6, 2);
    const begins = lineBegins(tokens, isEnd, blockSize);
    let next = 1;
    for (const { inputs, targets, count } of evaluationBatches(tokens, 3, blockSize, begins).batches()) {
      const real = [...targets.keys()].filter((i) => targets[i] !== IGNORE);
      expect(real).toHaveLength(count);
      for (const i of real) {
        expect(inputs[i]).toBe(tokens[next - 1]);
        expect(targets[i]).toBe(tokens[next++]);
      }
    }
    expect(next).toBe(tokens.length);
  });
});
