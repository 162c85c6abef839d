/** Curves of a run: taken from its log, smoothed, thinned and given axes. Shared by the report and the terminal. */
import type { LogRecord } from './logRecord.ts';

export interface Point {
  readonly step: number;
  readonly value: number;
}

type Quantity = Exclude<keyof LogRecord, 'step'>;

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

/** At most 2 `buckets` points: the lowest and the highest of each stretch in their order, so that no spike is lost. */
export function envelope(points: readonly Point[], buckets: number): Point[] {
  if (points.length <= 2 * buckets) return [...points];
  return Array.from({ length: buckets }, (_, i) => {
    const start = Math.floor((i * points.length) / buckets);
    const stretch = points.slice(start, Math.floor(((i + 1) * points.length) / buckets));
    const low = stretch.reduce((least, point) => (point.value < least.value ? point : least));
    const high = stretch.reduce((most, point) => (point.value > most.value ? point : most));
    return low.step < high.step ? [low, high] : [high, low];
  }).flat();
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

/** The value below which the share `q` of the values lies; NaN of none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] : Number.NaN;
}

/**
 * Round numbers (1, 2 or 5 times a power of ten apart) that enclose [low, high], about `wanted` of them. An empty range is
 * widened first, so that there are always two at least.
 */
export function niceTicks(low: number, high: number, wanted: number): number[] {
  const wide = high - low > 1e-12 * Math.max(Math.abs(low), Math.abs(high));
  const [from, to] = wide ? [low, high] : [low - (Math.abs(low) * 0.1 || 1), high + (Math.abs(high) * 0.1 || 1)];
  const step = niceStep((to - from) / Math.max(1, wanted - 1));
  const first = Math.floor(from / step + 1e-9);
  const last = Math.ceil(to / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const lead = [1, 2, 5, 10].find((candidate) => rough / power <= candidate * 1.000001) ?? 10;
  return lead * power;
}

/** Ticks as labels, all with the digits that their distance calls for: 1.5, 2.0; 500, 1,000; 50k, 100k; 2e-7, 4e-7. */
export function tickLabels(ticks: readonly number[]): string[] {
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : 1;
  const largest = Math.max(...ticks.map(Math.abs));
  if (largest >= 1e9 || largest < 1e-3) return ticks.map((tick) => tick.toExponential().replace('+', ''));
  const [size, unit] = largest >= 1e6 ? [1e6, 'M'] : largest >= 20_000 ? [1e3, 'k'] : [1, ''];
  const digits = Math.max(0, -Math.floor(Math.log10(step / size) + 1e-9));
  return ticks.map((tick) => {
    const text = (tick / size).toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return tick === 0 ? text : text + unit;
  });
}
