import { mean } from 'simple-statistics';
import { describe, expect, it } from 'vitest';
import { normals } from '../../../src/tensor/random.ts';
import {
  correlationOf,
  differenceOf,
  estimateOf,
  logRatio,
  meanOfCells,
  shareOfCells,
} from '../../../src/trust/bias/bands.ts';

/** Cells with an effect of the row, one of the column, and noise; their mean is 1. */
function tableOf(rows: number, columns: number, seed: number) {
  const [ofRow, ofColumn, noise] = [rows, columns, rows * columns].map((count, i) => normals(count, 0.5, seed, i));
  return Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return { row, column, value: 1 + ofRow[row] + ofColumn[column] + noise[i] };
  });
}
const holds = ({ low, high }: { low: number | null; high: number | null }, value: number): boolean =>
  low !== null && high !== null && low <= value && value <= high;

describe('bands', () => {
  it('of crossed tables hold the true mean in 95 of 100 tables, nearly; drawing cells alone would not', () => {
    const tables = Array.from({ length: 40 }, (_, seed) => tableOf(12, 8, seed));
    const crossed = tables.filter((cells, seed) => holds(meanOfCells(cells, seed), 1)).length;
    const cellsAlone = tables.filter((cells, seed) =>
      holds(
        estimateOf(
          cells.map(({ value }) => value),
          mean,
          seed,
        ),
        1,
      ),
    ).length;
    expect(crossed / 40).toBeGreaterThan(0.85);
    expect(cellsAlone / 40).toBeLessThan(0.75);
  });

  it('are there only where there is something to draw from, and the same for the same seed', () => {
    expect(meanOfCells([{ row: 0, column: 0, value: 2 }], 1)).toEqual({ value: 2, low: null, high: null });
    expect(estimateOf([3, 4, 5], mean, 1)).toEqual({ value: 4, low: null, high: null });
    const cells = tableOf(5, 3, 1);
    expect(meanOfCells(cells, 4)).toEqual(meanOfCells(cells, 4));
    expect(meanOfCells(cells, 4)).not.toEqual(meanOfCells(cells, 5));
  });

  it('of shares are wide where all are alike, and never narrower than one value a row allows', () => {
    const alike = tableOf(24, 4, 1).map((cell) => ({ ...cell, value: 0 }));
    expect(meanOfCells(alike, 1)).toEqual({ value: 0, low: 0, high: 0 });
    const { low, high } = shareOfCells(alike, 1);
    expect(low).toBe(0);
    expect(high).toBeCloseTo(0.138, 2); // Wilson's of 0 in 24
    expect(shareOfCells([{ row: 0, column: 0, value: 1 }], 1).low).toBeLessThan(0.3);
  });

  it('of differences draw each group by itself', () => {
    const [a, b] = [normals(200, 1, 1, 0), normals(300, 1, 2, 0)].map((values) => Array.from(values));
    const shifted = a.map((value) => value + 1);
    const gap = differenceOf([shifted, b], ([x, y]) => mean(x) - mean(y), 3);
    expect(gap.value).toBeCloseTo(mean(shifted) - mean(b), 12);
    expect(holds(gap, 1)).toBe(true);
    expect(gap.high! - gap.low!).toBeCloseTo(2 * 1.96 * Math.sqrt(1 / 200 + 1 / 300), 1);
  });

  it('of correlations: of points in a line 1, of too few or of equal ones none', () => {
    const line = Array.from({ length: 12 }, (_, i) => [i, 3 * i - 1] as const);
    expect(correlationOf(line, 1)!.value).toBeCloseTo(1, 10);
    expect(correlationOf(line.slice(0, 7), 1)).toBeUndefined();
    expect(
      correlationOf(
        line.map(([x]) => [x, 2] as const),
        1,
      ),
    ).toBeUndefined();
  });
});

describe('the log ratio of counts', () => {
  it('is that of the counts, with the band of the normal law', () => {
    const { value, low, high } = logRatio({ first: 80, second: 20 });
    expect(value).toBeCloseTo(Math.log(80.5 / 20.5), 12);
    expect((high! - low!) / 2).toBeCloseTo(1.96 * Math.sqrt(1 / 80.5 + 1 / 20.5), 3);
    expect(holds({ low, high }, Math.log(4))).toBe(true);
  });

  it('of nothing is what is so anyway, with a wide band', () => {
    const nothing = logRatio({ first: 0, second: 0 });
    expect(nothing.value).toBe(0);
    expect(nothing.high).toBeGreaterThan(3);
    const anyway = logRatio({ first: 0, second: 0 }, { first: 100, second: 900 });
    expect(anyway.value).toBeCloseTo(Math.log(1 / 9), 1);
    // a single place does not turn ten to one around
    expect(logRatio({ first: 1, second: 0 }, { first: 100, second: 900 }).value).toBeLessThan(-1);
  });

  it('is held against how often the sides occur at all', () => {
    // 10 of 1000 against 10 of 100: ten times as rare
    const relative = logRatio({ first: 10, second: 10 }, { first: 1000, second: 100 }, true);
    expect(relative.value).toBeLessThan(-1.8); // -2.3 less what half a place a side takes off
    expect(holds(relative, -Math.log(10))).toBe(true);
    expect(logRatio({ first: 0, second: 0 }, { first: 1000, second: 100 }, true).value).toBeCloseTo(0, 12);
  });
});
