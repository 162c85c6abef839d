/** Figures with bands: how far they would move if other words, templates or rows had been drawn. */
import { mean, quantileSorted, sampleCorrelation, sum } from 'simple-statistics';
import type { Estimate } from '../../report/trust/bias.ts';
import { wilsonInterval } from '../../tasks/metrics/classification.ts';
import { threefry } from '../../tensor/random.ts';

/** Bootstrap draws of every band. */
export const DRAWS = 1000;

/** Of fewer items, drawing them anew says nothing of others. */
const FEWEST_DRAWN = 4;

/** A value of a row (filler) and a column (template, pair of names). */
export interface Cell {
  readonly row: number;
  readonly column: number;
  readonly value: number;
}

/** How often each of `count` items is drawn when `count` are drawn with replacement. */
function drawWeights(count: number, seed: number, stream: number, draw: number): Uint32Array {
  const weights = new Uint32Array(count);
  for (let i = 0; i < count; i++) weights[threefry(seed, stream, draw, i)[0] % count]++;
  return weights;
}

/** The middle 95% of values; null of fewer than half of the draws. */
function middle(values: readonly number[]): Pick<Estimate, 'low' | 'high'> {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length < DRAWS / 2) return { low: null, high: null };
  return { low: quantileSorted(sorted, 0.025), high: quantileSorted(sorted, 0.975) };
}

/**
 * The mean of a table's cells, with the band of drawing rows and columns anew, each by itself: the pigeonhole bootstrap (Owen 2007, "The
 * pigeonhole bootstrap"), for cells of a row, and of a column, have something in common. It is rather too wide than too narrow. A
 * single row or column is kept as it is; without four of either there is no band.
 */
export function meanOfCells(cells: readonly Cell[], seed: number): Estimate {
  const rows = 1 + cells.reduce((most, { row }) => Math.max(most, row), -1);
  const columns = 1 + cells.reduce((most, { column }) => Math.max(most, column), -1);
  const value = mean(cells.map((cell) => cell.value));
  if (Math.max(rows, columns) < FEWEST_DRAWN) return { value, low: null, high: null };
  const draws = Array.from({ length: DRAWS }, (_, draw) => {
    const ofRow = drawWeights(rows, seed, 0, draw);
    const ofColumn = drawWeights(columns, seed, 1, draw);
    let [total, weight] = [0, 0];
    for (const { row, column, value: one } of cells) {
      const both = ofRow[row] * ofColumn[column];
      total += both * one;
      weight += both;
    }
    return total / weight;
  });
  return { value, ...middle(draws) };
}

/**
 * The share of the values that are 1, with the band of drawing rows and columns anew, and never narrower than Wilson's interval of one
 * value a row: where all are alike, drawing them anew gives no band at all.
 */
export function shareOfCells(cells: readonly Cell[], seed: number): Estimate {
  const { value, low, high } = meanOfCells(cells, seed);
  const rows = 1 + cells.reduce((most, { row }) => Math.max(most, row), -1);
  const [least, most] = wilsonInterval(value * rows, rows);
  return { value, low: Math.min(low ?? 1, least), high: Math.max(high ?? 0, most) };
}

/** A statistic of items, with the band of drawing the items anew (Efron 1979); without `fewest` items there is no band. */
export function estimateOf<T>(
  items: readonly T[],
  statistic: (items: readonly T[]) => number,
  seed: number,
  fewest = FEWEST_DRAWN,
): Estimate {
  return differenceOf([items], ([drawn]) => statistic(drawn), seed, fewest);
}

/** A statistic of several groups of items, each drawn anew by itself. */
export function differenceOf<T>(
  groups: readonly (readonly T[])[],
  statistic: (groups: readonly (readonly T[])[]) => number,
  seed: number,
  fewest = FEWEST_DRAWN,
): Estimate {
  const value = statistic(groups);
  if (groups.some(({ length }) => length < fewest)) return { value, low: null, high: null };
  const pick = (items: readonly T[], stream: number, draw: number): T[] =>
    items.map((_, i) => items[threefry(seed, stream, draw, i)[0] % items.length]);
  const draws = Array.from({ length: DRAWS }, (_, draw) =>
    statistic(groups.map((items, stream) => pick(items, stream, draw))),
  );
  return { value, ...middle(draws) };
}

/** Points that a correlation is said of at least. */
const FEWEST = 8;

/** Pearson's correlation of two figures over the same items; undefined of fewer than eight, or where one does not vary. */
export function correlationOf(points: readonly (readonly [number, number])[], seed: number): Estimate | undefined {
  if (points.length < FEWEST) return undefined;
  const r = (drawn: typeof points): number =>
    sampleCorrelation(
      drawn.map(([x]) => x),
      drawn.map(([, y]) => y),
    );
  const found = estimateOf(points, r, seed);
  return Number.isFinite(found.value) ? found : undefined;
}

/** Quantile of the normal distribution for a two-sided 95%. */
const Z95 = 1.959963984540054;

/** How often something has the one side and the other. */
export interface SideCounts {
  readonly first: number;
  readonly second: number;
}

/**
 * log of first to second. Both counts have some places more, shared as `atAll` shares them, half a place for the rarer side: of few
 * places the ratio is near what it is anyway. That is the informative prior of Monroe, Colaresi and Quinn (2008, "Fightin' words"), with
 * their band by the normal law, variance the sum of 1 / (count + prior). It takes each place in the text as drawn by itself: words
 * come in clusters, so that it is rather too narrow.
 * @param atAll how often the sides are there at all; alike unless given
 * @param relative whether the log ratio of that is taken off
 */
export function logRatio(
  { first, second }: SideCounts,
  atAll: SideCounts = { first: 0, second: 0 },
  relative = false,
): Estimate {
  const [allFirst, allSecond] = [atAll.first + 0.5, atAll.second + 0.5];
  const rarer = Math.min(allFirst, allSecond);
  const [one, other] = [first + (0.5 * allFirst) / rarer, second + (0.5 * allSecond) / rarer];
  const value = Math.log(one / other) - (relative ? Math.log(allFirst / allSecond) : 0);
  const ofBase = relative ? [allFirst, allSecond] : [];
  const half = Z95 * Math.sqrt(sum([one, other, ...ofBase].map((count) => 1 / count)));
  return { value, low: value - half, high: value + half };
}
