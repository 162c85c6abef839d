/**
 * Days ahead by regression: a small transformer over the last days, each token a day, each answering with what damped
 * persistence misses of the days after it.
 */
import type { Engine } from '../../src/tensor/engine.ts';
import { resolveConfig, type TrainConfig } from '../../src/train/config.ts';
import { type Day, QUANTITIES, SKIES } from './days.ts';
import { type Example, fitRegressor, Regressor } from './forecast/regressor.ts';
import type { Forecast } from './forecast/scores.ts';
import { range } from './forecast/series.ts';
import { AHEAD } from './line.ts';

/** Days that are read. */
export const READ = 16;

const WIDTH = QUANTITIES.length;
const INPUTS = WIDTH + SKIES.length + 2;
const OUTPUTS = AHEAD * WIDTH;

/** What the regression learns from: days, and their anomalies in units of their spread. */
export interface RegressionData {
  readonly days: readonly Day[];
  readonly season: readonly number[];
  /** (WIDTH) each */
  readonly anomalies: readonly Float32Array[];
  readonly trainEnd: number;
  readonly validationEnd: number;
  /** What the transformer is to correct. */
  readonly base: Forecast;
}

/** A small model and few steps, for days are few. */
export const SETTINGS: Partial<TrainConfig> = {
  ...{ nLayer: 2, nHead: 4, nEmbd: 32, blockSize: READ, dropout: 0.1, batchSize: 32 },
  ...{ steps: 600, warmupSteps: 50, learningRate: 2e-3, minLearningRate: 2e-4, weightDecay: 0.1, evalEvery: 50 },
};

/** Days up to `now` as (READ, INPUTS). */
function inputsAt({ days, season, anomalies }: RegressionData, now: number): Float32Array {
  const x = new Float32Array(READ * INPUTS);
  for (const i of range(0, READ)) {
    const t = now - READ + 1 + i;
    const angle = 2 * Math.PI * season[t];
    const sky = SKIES.map((one) => Number(days[t].sky === one));
    x.set([...anomalies[t], ...sky, Math.cos(angle), Math.sin(angle)], i * INPUTS);
  }
  return x;
}

/** The example whose last day read is `now`: each of its days answers with the AHEAD days after it. */
function exampleAt(data: RegressionData, now: number): Example {
  const y = new Float32Array(READ * OUTPUTS);
  for (const i of range(0, READ)) {
    const day = now - READ + 1 + i;
    for (const lead of range(1, AHEAD + 1)) {
      const base = data.base(day, lead);
      y.set(
        data.anomalies[day + lead].map((value, p) => value - base[p]),
        i * OUTPUTS + (lead - 1) * WIDTH,
      );
    }
  }
  return { x: inputsAt(data, now), y };
}

/**
 * Forecasts from `starts` by a regression that is trained here, from a seed. What training and validation answer with lies in the
 * training and the validation part.
 */
export async function regressionForecast(
  engine: Engine,
  data: RegressionData,
  starts: readonly number[],
  options: { seed: number; quick: boolean; signal?: AbortSignal },
): Promise<Forecast> {
  const { seed, quick, signal } = options;
  const settings = resolveConfig('nano', SETTINGS, { seed }, quick ? { steps: 100 } : {});
  const regressor = new Regressor(engine, { inputs: INPUTS, outputs: OUTPUTS, causal: true }, settings).initialize(
    seed,
  );
  const { trainEnd, validationEnd } = data;
  const examples = (first: number, end: number): Example[] =>
    range(first, end - AHEAD).map((now) => exampleAt(data, now));
  await fitRegressor(regressor, {
    train: examples(READ - 1, trainEnd),
    validation: examples(trainEnd + READ - 1, validationEnd),
    signal,
  });
  const answers = await regressor.predict(starts.map((now) => ({ x: inputsAt(data, now) })));
  regressor.dispose();
  const last = (READ - 1) * OUTPUTS;
  const byStart = new Map(starts.map((now, i) => [now, answers[i].subarray(last, last + OUTPUTS)]));
  return (now, lead) => {
    const base = data.base(now, lead);
    return byStart
      .get(now)!
      .subarray((lead - 1) * WIDTH, lead * WIDTH)
      .map((value, p) => value + base[p]);
  };
}
