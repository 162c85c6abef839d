import { describe, expect, it } from 'vitest';
import { compareCurves } from '../../../experiments/transfer/labelsNeeded.ts';
import { deviation, pairedT, studentTail } from '../../../src/tasks/metrics/statistics.ts';

const curve = (points: Record<number, number[]>) =>
  Object.entries(points).map(([n, scores]) => ({ n: Number(n), scores }));

describe('statistics', () => {
  it.each([
    // Critical values of Student's t as textbooks print them.
    [12.706, 1, 0.05],
    [4.303, 2, 0.05],
    [3.182, 3, 0.05],
    [2.776, 4, 0.05],
    [4.604, 4, 0.01],
    [-2.776, 4, 0.05],
    [2.262, 9, 0.05],
    [0, 4, 1],
  ])('P(|T| >= %d) with %i degrees of freedom is %d', (t, degrees, p) => {
    expect(Math.abs(studentTail(t, degrees) / p - 1)).toBeLessThan(2e-3);
  });

  it('the paired t test by hand', () => {
    // Mean 3, deviation sqrt(2.5), t = 3 / sqrt(2.5 / 5) = 3 sqrt 2.
    const { t, p } = pairedT([1, 2, 3, 4, 5]);
    expect(t).toBeCloseTo(3 * Math.SQRT2, 12);
    expect(p).toBeCloseTo(0.0132, 4);
    expect(pairedT([1, -1, 0])).toEqual({ t: 0, p: 1 });
    expect(pairedT([0, 0])).toEqual({ t: 0, p: 1 });
    for (const nothing of [[], [1], [0.5, 0.5], [0.7 - 0.4, 0.8 - 0.5, 0.3]]) expect(pairedT(nothing).p).toBeNaN();
    expect(pairedT([0.5, 0.501]).p).toBeCloseTo(0.00064, 5);
  });

  it('the deviation divides by n - 1', () => {
    expect(deviation([1, 3])).toBeCloseTo(Math.SQRT2, 14);
    expect(deviation([7])).toBe(0);
  });
});

describe('compareCurves: gains', () => {
  const { gains } = compareCurves(
    curve({ 8: [0.5, 0.6, 0.7], 16: [0.8, 0.8, 0.8], 64: [0.9, 0.9, 0.9] }),
    curve({ 8: [0.4, 0.4, 0.7], 16: [0.4, 0.5, 0.6], 32: [0.9, 0.9, 0.9] }),
  );

  it('are those of the n that both have, seed by seed', () => {
    expect(gains.map(({ n }) => n)).toEqual([8, 16]);
    expect(gains[0]).toMatchObject({ wins: 2, seeds: 3 });
    expect(gains[0].gain).toBeCloseTo(0.1, 12);
    expect(gains[0].gainDeviation).toBeCloseTo(0.1, 12);
    // t = 0.1 / (0.1 / sqrt 3) = sqrt 3 with 2 degrees of freedom: p = 1 - sqrt(3 / 5).
    expect(gains[0].p).toBeCloseTo(1 - Math.sqrt(3 / 5), 12);
  });

  it('are beyond the spread when the bands lie apart', () => {
    expect(gains[0].beyondSpread).toBe(false);
    expect(gains[1].beyondSpread).toBe(true);
    expect([gains[1].firstDeviation, gains[1].secondDeviation].map((x) => x.toFixed(3))).toEqual(['0.000', '0.100']);
  });

  it('have no p of a single seed', () => {
    expect(compareCurves(curve({ 8: [0.5] }), curve({ 8: [0.4] })).gains[0]).toMatchObject({
      p: null,
      wins: 1,
      seeds: 1,
    });
  });
});

describe('compareCurves: labels needed', () => {
  const second = curve({ 8: [0.2, 0.4], 32: [0.5], 128: [0.7], 512: [0.6], 2048: [0.8] });
  const needed = (score: number, n = 8) =>
    compareCurves(
      curve({ [n]: [score] }),
      second.map(({ n, scores }) => ({ n, scores: scores.slice(0, 1) })),
    ).labelsNeeded[0];

  it('interpolates in log n', () => {
    // 0.6 lies half way from 0.5 at 32 to 0.7 at 128: at 64.
    expect(needed(0.6)).toMatchObject({ n: 8, score: 0.6, bound: 'about' });
    expect(needed(0.6).labels).toBeCloseTo(64, 9);
    expect(needed(0.6).factor).toBeCloseTo(8, 9);
  });

  it('is the measured n where the score was measured', () => {
    expect(needed(0.5).labels).toBeCloseTo(32, 9);
    expect(needed(0.8).labels).toBeCloseTo(2048, 6);
  });

  it('takes the first time that the score is reached', () => {
    expect(needed(0.65).labels).toBeLessThan(128);
    expect(needed(0.75).labels).toBeGreaterThan(512);
  });

  it('knows only a bound outside of what was measured', () => {
    expect(needed(0.1, 16)).toEqual({ n: 16, score: 0.1, bound: 'at most', labels: 8, factor: 0.5 });
    expect(needed(0.9)).toEqual({ n: 8, score: 0.9, bound: 'more than', labels: 2048, factor: 256 });
  });

  it('uses the mean of the seeds, in any order of n', () => {
    const backwards = [...curve({ 8: [0.2, 0.4], 32: [0.5, 0.7] })].reverse();
    const { labelsNeeded } = compareCurves(curve({ 8: [0.4, 0.5] }), backwards);
    expect(labelsNeeded[0].labels).toBeCloseTo(16, 9);
  });
});

it.each([
  ['no points', [], curve({ 8: [1] }), /without points/],
  [
    'n twice',
    [
      { n: 8, scores: [1] },
      { n: 8, scores: [1] },
    ],
    curve({ 8: [1] }),
    /twice/,
  ],
  ['n of 0', curve({ 0: [1] }), curve({ 8: [1] }), /n = 0/],
  ['NaN', curve({ 8: [Number.NaN] }), curve({ 8: [1] }), /no score at n = 8/],
  ['no seeds', curve({ 8: [1] }), curve({ 8: [] }), /no score at n = 8/],
  ['different seeds', curve({ 8: [1, 2] }), curve({ 8: [1] }), /different numbers of seeds at n = 8/],
])('refuses %s', (_, first, second, message) => {
  expect(() => compareCurves(first, second)).toThrow(message);
});
