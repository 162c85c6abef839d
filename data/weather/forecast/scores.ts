/** How good forecasts are. */
import { mix } from '../../../src/text/windows/permutation.ts';
import { range } from './series.ts';

/** An anomaly that is forecast, (P), for the step `now + lead` from what is known at the step `now`. */
export type Forecast = (now: number, lead: number) => ArrayLike<number>;

/** What forecasts are held against. */
export interface Truth {
  /** Anomalies as they came, against the climatology of the training part: N of (P). */
  readonly truth: readonly Float32Array[];
  /** Steps that are forecast: those of the test part. */
  readonly targets: readonly number[];
  /** What each of the P numbers counts for; they sum to 1. */
  readonly weights: ArrayLike<number>;
}

/** The skill of a forecast at one lead. */
export interface Skill {
  /** Root of the weighted mean square error over all targets. */
  readonly rmse: number;
  /**
   * Anomaly correlation as WeatherBench has it (Rasp et al., 2020): sum w f y / sqrt(sum w f^2 sum w y^2) over all numbers of
   * all targets. 0 where nothing is forecast, as by the climatology.
   */
  readonly correlation: number;
  /** Weighted mean square error of each target. */
  readonly squares: readonly number[];
}

/** The skill of `forecast` so many steps ahead. */
export function skillOf({ truth, targets, weights }: Truth, forecast: Forecast, lead: number): Skill {
  let [fy, ff, yy] = [0, 0, 0];
  const squares = targets.map((target) => {
    const y = truth[target];
    const f = forecast(target - lead, lead);
    let square = 0;
    for (let p = 0; p < y.length; p++) {
      const w = weights[p];
      square += w * (f[p] - y[p]) ** 2;
      fy += w * f[p] * y[p];
      ff += w * f[p] * f[p];
      yy += w * y[p] * y[p];
    }
    return square;
  });
  const correlation = ff > 0 && yy > 0 ? fy / Math.sqrt(ff * yy) : 0;
  return { rmse: rootMean(squares), correlation, squares };
}

const rootMean = (squares: readonly number[]): number =>
  Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);

const DRAWS = 2000;

/**
 * By how much of the other's error a forecast's error is less, in percent, with the 95% band of a bootstrap over stretches of
 * `block` targets in a row, for neighbours err alike (Künsch, 1989).
 */
export function gainOver(own: Skill, other: Skill, block: number): { percent: number; low: number; high: number } {
  const n = own.squares.length;
  const gain = (over: readonly number[]): number => {
    const error = ({ squares }: Skill): number => rootMean(over.map((i) => squares[i]));
    return 100 * (1 - error(own) / error(other));
  };
  const draws = range(0, DRAWS).map((draw) => {
    const picked = range(0, n).map((i) => (mix(draw, Math.floor(i / block)) + (i % block)) % n);
    return gain(picked);
  });
  draws.sort((a, b) => a - b);
  const at = (share: number): number => draws[Math.floor(share * (DRAWS - 1))];
  return { percent: gain(range(0, n)), low: at(0.025), high: at(0.975) };
}
