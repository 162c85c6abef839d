/** Curves of a run: taken from its log, smoothed and thinned. Shared by the report and the terminal. */
import type { LogRecord } from './logRecord.ts';

export interface Point {
  readonly step: number;
  readonly value: number;
}

type Quantity = Exclude<keyof LogRecord, 'step' | 'inside'>;

/**
 * One quantity by step, in the order of steps. Values that are missing or not finite are left out (JSON has no NaN, a log
 * read back holds null there), and of a step that a resumed run did again the later value is taken.
 */
export function seriesOf(log: readonly LogRecord[], quantity: Quantity): Point[] {
  const byStep = new Map<number, number>();
  for (const record of log) {
    const value = record[quantity];
    if (Number.isFinite(value)) byStep.set(record.step, value as number);
    else if (value !== undefined) byStep.delete(record.step);
  }
  return [...byStep].map(([step, value]) => ({ step, value })).sort((a, b) => a.step - b.step);
}

/** Half of the smoothing window, as a share of the points. */
const HALF_WINDOW = 0.015;

/**
 * Moving average over 3% of the points. At the start the window shrinks evenly on both sides, for a loss that falls steeply
 * must not be averaged with what comes after; at the end it keeps its past side, so that the last value is not one batch's.
 */
export function smooth(points: readonly Point[]): Point[] {
  const half = Math.ceil(points.length * HALF_WINDOW);
  const sums = new Float64Array(points.length + 1);
  points.forEach(({ value }, i) => {
    sums[i + 1] = sums[i] + value;
  });
  return points.map(({ step }, i) => {
    const before = Math.min(half, i);
    const end = Math.min(points.length, i + before + 1);
    return { step, value: (sums[end] - sums[i - before]) / (end - i + before) };
  });
}

/** At most `most` points, evenly chosen, the first and the last among them. For curves that are smooth already. */
export function sampleEvenly<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]);
}

/** The lowest point, the first of equals; undefined when there is none. */
export const lowest = (points: readonly Point[]): Point | undefined =>
  points.reduce<Point | undefined>((best, point) => (best && best.value <= point.value ? best : point), undefined);

/**
 * The range in which to draw losses: all of them, but no more than a quarter above where training started or above
 * `uniformLoss`, where a model starts that knows nothing; an explosion is cut off, for it would flatten the rest.
 */
export function lossRange(training: readonly Point[], validation: readonly Point[], uniformLoss = 0): [number, number] {
  const losses = [...training, ...validation].map(({ value }) => value);
  const highest = losses.reduce((most, value) => Math.max(most, value));
  const low = losses.reduce((least, value) => Math.min(least, value));
  const ceiling = 1.25 * Math.max(uniformLoss, losses[0]);
  return [Math.min(low, ceiling), Math.min(highest, ceiling)];
}
