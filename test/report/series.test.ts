import { expect, it } from 'vitest';
import type { LogRecord } from '../../src/report/logRecord.ts';
import {
  envelope,
  lowest,
  niceTicks,
  quantile,
  sampleEvenly,
  seriesOf,
  smooth,
  tickLabels,
} from '../../src/report/series.ts';

const record = (step: number, figures: object): LogRecord => ({ step, tokens: 0, timeMs: 0, ...figures }) as LogRecord;
const points = (values: readonly number[]) => values.map((value, i) => ({ step: i + 1, value }));
const values = (series: readonly { value: number }[]) => series.map(({ value }) => value);

it('takes a quantity by step, later records over earlier ones, and no values that are not finite', () => {
  const log = [
    record(1, { loss: 4 }),
    record(2, { loss: 3, validationLoss: 3.5 }),
    record(3, { loss: 2 }),
    record(4, { loss: 1 }),
    record(3, { loss: 2.5 }),
    record(4, { loss: Number.NaN }),
    record(5, { loss: null }),
    record(6, { loss: Number.POSITIVE_INFINITY }),
  ];
  expect(seriesOf(log, 'loss')).toEqual([
    { step: 1, value: 4 },
    { step: 2, value: 3 },
    { step: 3, value: 2.5 },
  ]);
  expect(seriesOf(log, 'validationLoss')).toEqual([{ step: 2, value: 3.5 }]);
});

it('smooths without shifting a straight line, and keeps the first value', () => {
  const line = points(Array.from({ length: 1000 }, (_, i) => 10 - i / 100));
  const smoothed = values(smooth(line));
  for (let i = 0; i < 900; i++) expect(smoothed[i]).toBeCloseTo(line[i].value, 10);
  expect(smoothed[0]).toBe(10);
  expect(smoothed[999]).toBeCloseTo(10 - (999 - 7.5) / 100, 10);
  expect(smooth([])).toEqual([]);
  expect(smooth(points([3]))).toEqual(points([3]));
});

it('averages noise away', () => {
  const noise = values(smooth(points(Array.from({ length: 2000 }, (_, i) => (i % 2 === 0 ? 1 : 3)))));
  for (const value of noise.slice(100)) expect(Math.abs(value - 2)).toBeLessThan(0.1);
});

it('keeps every spike when it thins', () => {
  const many = Array.from({ length: 10_000 }, (_, i) => (i === 7777 ? 99 : i === 1234 ? -99 : Math.sin(i)));
  const thin = envelope(points(many), 100);
  expect(thin.length).toBeLessThanOrEqual(200);
  expect(Math.max(...values(thin))).toBe(99);
  expect(Math.min(...values(thin))).toBe(-99);
  expect(thin.every(({ step }, i) => i === 0 || step >= thin[i - 1].step)).toBe(true);
  expect(envelope(points([1, 2]), 100)).toEqual(points([1, 2]));
});

it('samples evenly with both ends', () => {
  expect(sampleEvenly([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 3)).toEqual([0, 5, 10]);
  expect(sampleEvenly([1, 2], 3)).toEqual([1, 2]);
});

it('finds the lowest point and quantiles', () => {
  expect(lowest(points([3, 1, 2, 1]))).toEqual({ step: 2, value: 1 });
  expect(lowest([])).toBeUndefined();
  expect(quantile([5, 1, 4, 2, 3], 0.5)).toBe(3);
  expect(quantile([5, 1], 1)).toBe(5);
  expect(quantile([], 0.5)).toBeNaN();
});

it.each([
  [0, 2000, 5],
  [1.37, 4.42, 8],
  [-3, 0.001, 4],
  [0, 1e-9, 3],
  [5, 5, 3],
  [0, 0, 3],
  [0, 3e30, 4],
])('makes round ticks that enclose %f to %f', (low, high, wanted) => {
  const ticks = niceTicks(low, high, wanted);
  expect(ticks.length).toBeGreaterThanOrEqual(2);
  expect(ticks.length).toBeLessThanOrEqual(2 * wanted + 2);
  expect(ticks[0]).toBeLessThanOrEqual(low);
  expect(ticks.at(-1)).toBeGreaterThanOrEqual(high);
  const lead = Number((ticks[1] - ticks[0]).toExponential(6).slice(0, 8));
  expect([1, 2, 5]).toContain(lead);
  expect(new Set(tickLabels(ticks)).size).toBe(ticks.length);
});

it('labels ticks with the digits that they need', () => {
  expect(tickLabels([1, 1.5, 2])).toEqual(['1.0', '1.5', '2.0']);
  expect(tickLabels([0, 500, 1000])).toEqual(['0', '500', '1,000']);
  expect(tickLabels([0, 20_000, 40_000])).toEqual(['0', '20k', '40k']);
  expect(tickLabels([0, 500_000, 1_000_000])).toEqual(['0.0', '0.5M', '1.0M']);
  expect(tickLabels([0, 2e-7])).toEqual(['0e0', '2e-7']);
});
