/** Round numbers on the axes of pictures in the terminal. */

import { largest } from '../../numbers.ts';
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
  const most = largest(ticks.map(Math.abs));
  if (most >= 1e9 || most < 1e-3) return ticks.map((tick) => tick.toExponential().replace('+', ''));
  const [size, unit] = most >= 1e6 ? [1e6, 'M'] : most >= 20_000 ? [1e3, 'k'] : [1, ''];
  const digits = Math.max(0, -Math.floor(Math.log10(step / size) + 1e-9));
  return ticks.map((tick) => {
    const text = (tick / size).toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return tick === 0 ? text : text + unit;
  });
}
