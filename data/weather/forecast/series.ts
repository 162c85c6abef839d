/** What is forecast: numbers over time, their usual course through the year, and what differs from it. */
import { solve, zeros } from './linear.ts';

/** N steps of time of P numbers each, without gaps. */
export interface Series {
  readonly steps: readonly Float32Array[];
  /** How much of its year has passed at each step: from 0 to below 1. */
  readonly season: readonly number[];
}

/** What is usual at a time of the year: (P). */
export type Climatology = (season: number) => Float32Array;

/** Whole numbers from `first` to before `end`. */
export const range = (first: number, end: number): number[] =>
  Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);

const MONTHS = 12;
/** The month, from 0, of a time of the year. */
export const monthOf = (season: number): number => Math.floor(season * MONTHS + 1e-9);

/** The mean of each calendar month over some steps, every month among them. */
export function monthlyMeans({ steps, season }: Series, over: readonly number[]): Climatology {
  const means = range(0, MONTHS).map((month) => {
    const own = over.filter((t) => monthOf(season[t]) === month);
    const sum = new Float64Array(steps[0].length);
    for (const t of own) {
      const step = steps[t];
      for (let p = 0; p < sum.length; p++) sum[p] += step[p];
    }
    return Float32Array.from(sum, (value) => value / own.length);
  });
  return (at) => means[monthOf(at)];
}

/** Waves a year that a smooth course has. */
const WAVES = 2;

const wavesAt = (season: number): number[] => [
  1,
  ...range(1, WAVES + 1).flatMap((k) => [Math.cos(2 * Math.PI * k * season), Math.sin(2 * Math.PI * k * season)]),
];

/** A mean and two waves a year, by least squares over some steps: a smooth course, where a mean of each day would be noise. */
export function smoothCourse({ steps, season }: Series, over: readonly number[]): Climatology {
  const size = 1 + 2 * WAVES;
  const normal = zeros(size, size);
  const P = steps[0].length;
  const sides = zeros(P, size);
  for (const t of over) {
    const waves = wavesAt(season[t]);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) normal[i][j] += waves[i] * waves[j];
      for (let p = 0; p < P; p++) sides[p][i] += waves[i] * steps[t][p];
    }
  }
  const factors = sides.map((side) => solve(normal, side));
  return (at) => {
    const waves = wavesAt(at);
    return Float32Array.from(factors, (factor) => waves.reduce((sum, wave, i) => sum + wave * factor[i], 0));
  };
}

/** By how much each step differs from what is usual: N of (P). */
export const anomalies = ({ steps, season }: Series, climatology: Climatology): Float32Array[] =>
  steps.map((step, t) => {
    const usual = climatology(season[t]);
    return step.map((value, p) => value - usual[p]);
  });
