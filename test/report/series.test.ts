import { expect, it } from 'vitest';
import type { LogRecord } from '../../src/report/logRecord.ts';
import { lowest, sampleEvenly, seriesOf, smooth } from '../../src/report/series.ts';

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

it('samples evenly with both ends', () => {
  expect(sampleEvenly([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 3)).toEqual([0, 5, 10]);
  expect(sampleEvenly([1, 2], 3)).toEqual([1, 2]);
});

it('finds the lowest point', () => {
  expect(lowest(points([3, 1, 2, 1]))).toEqual({ step: 2, value: 1 });
  expect(lowest([])).toBeUndefined();
});
