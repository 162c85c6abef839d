import { describe, expect, it } from 'vitest';
import { fitTemperature, negativeLogLikelihood, softmax } from '../../../src/tasks/metrics/temperature.ts';
import { mix } from '../../../src/text/windows/permutation.ts';

const uniform = (a: number, b: number): number => (mix(a, b) + 0.5) / 2 ** 32;

/** Logits whose softmax at `temperature` is the distribution that the labels are drawn from. */
function drawn(count: number, temperature: number) {
  const logits = Array.from({ length: count }, (_, i) => [0, 1, 2].map((c) => temperature * (6 * uniform(i, c) - 3)));
  const labels = logits.map((row, i) => {
    let left = uniform(i, 99);
    const label = softmax(row, temperature).findIndex((p) => (left -= p) <= 0);
    return Math.max(0, label);
  });
  return { logits, labels };
}
const lossAt = (logits: number[][], labels: number[], temperature: number): number =>
  negativeLogLikelihood(
    logits.map((row) => softmax(row, temperature)),
    labels,
  );

describe('softmax', () => {
  it('divides by the temperature and survives large logits', () => {
    expect([...softmax([0, Math.log(3)])][1]).toBeCloseTo(0.75, 15);
    expect([...softmax([0, Math.log(3)], 0.5)][1]).toBeCloseTo(0.9, 15);
    expect([...softmax([5000, 5000])]).toEqual([0.5, 0.5]);
  });
});

describe('fitTemperature', () => {
  it('solves the case that can be worked by hand', () => {
    // Logits (0, z), right three times in four: softmax must say 3/4, so z / T = ln 3.
    const logits = Array.from({ length: 4 }, () => [0, 2]);
    expect(fitTemperature(logits, [1, 1, 0, 1])).toBeCloseTo(2 / Math.log(3), 9);
  });

  it.each([0.5, 1, 3])('finds the temperature %d that the labels were drawn at', (temperature) => {
    const { logits, labels } = drawn(4000, temperature);
    const found = fitTemperature(logits, labels);
    expect(found / temperature).toBeGreaterThan(0.9);
    expect(found / temperature).toBeLessThan(1.1);
    for (const factor of [0.98, 1.02]) {
      expect(lossAt(logits, labels, found)).toBeLessThan(lossAt(logits, labels, factor * found));
    }
  });

  it('stays within its bounds where the likelihood has no maximum', () => {
    expect(fitTemperature([[0, 1]], [1])).toBeCloseTo(0.05, 6);
    expect(fitTemperature([[0, 1]], [0])).toBeCloseTo(20, 6);
  });

  it('throws without examples and on NaN', () => {
    expect(() => fitTemperature([], [])).toThrow(/no validation examples/);
    expect(() => fitTemperature([[0, Number.NaN]], [0])).toThrow(/not finite/);
  });
});
