/** What the losses of a run say by themselves: where it stands, how much single batches scatter, and where it is going. */
import { linearRegression, mean, standardDeviation } from 'simple-statistics';
import type { LogRecord } from '../report/logRecord.ts';
import { lowest, type Point, seriesOf, smooth } from '../report/series.ts';

export interface Curve {
  readonly training: readonly Point[];
  readonly smoothed: readonly Point[];
  readonly validation: readonly Point[];
  readonly norms: readonly Point[];
  /** Loss of the first step, and mean of the last steps: nats a token. */
  readonly first: number;
  readonly last: number;
  /** Of the held-out text, where it was scored. */
  readonly lastValidation?: Point;
  readonly best?: Point;
  /** Standard deviation of a batch's loss around the smoothed curve, in the second half. */
  readonly scatter: number;
  /** How much lower the smoothed curve ends than it was at two thirds of the steps. */
  readonly lateGain: number;
}

/** Undefined of a log with fewer than 10 steps, of which nothing can be said. */
export function curveOf(log: readonly LogRecord[]): Curve | undefined {
  const training = seriesOf(log, 'loss');
  if (training.length < 10) return undefined;
  const smoothed = smooth(training);
  const validation = seriesOf(log, 'validationLoss');
  const half = Math.floor(training.length / 2);
  const tail = training.slice(-Math.max(5, Math.round(training.length / 20)));
  const last = mean(tail.map(({ value }) => value));
  const third = Math.floor((2 * training.length) / 3);
  const before = mean(training.slice(third - tail.length, third + tail.length).map(({ value }) => value));
  return {
    ...{ training, smoothed, validation, norms: seriesOf(log, 'gradientNorm') },
    ...{ first: training[0].value, last, lastValidation: validation.at(-1), best: lowest(validation) },
    scatter: standardDeviation(training.slice(half).map(({ value }, i) => value - smoothed[half + i].value)),
    lateGain: before - last,
  };
}

/** What twice the steps would bring, in nats, with the half width of its 95% band. */
export interface Forecast {
  readonly gain: number;
  readonly band: number;
}

/**
 * The trend of the last half of the steps, as a straight line in the logarithm of tokens (what a power law is over one doubling),
 * prolonged by ln 2. The band is that of the line's slope under the scatter of batches; that the rate falls to its end makes the
 * line steeper than another run of twice the steps would be.
 */
export function forecastOf({ training }: Pick<Curve, 'training'>): Forecast {
  const points = training.slice(Math.floor(training.length / 2)).map(({ step, value }) => [Math.log(step), value]);
  const { m, b } = linearRegression(points);
  const center = mean(points.map(([x]) => x));
  const squares = points.reduce((sum, [x]) => sum + (x - center) ** 2, 0);
  const residual = points.reduce((sum, [x, y]) => sum + (y - m * x - b) ** 2, 0) / Math.max(1, points.length - 2);
  return { gain: -m * Math.LN2, band: 1.96 * Math.LN2 * Math.sqrt(residual / squares) };
}
