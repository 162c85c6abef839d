/** Months ahead by regression: a small transformer over the patches of a map, which corrects what is forecast cell by cell. */
import type { Engine } from '../../src/tensor/engine.ts';
import { resolveConfig, type TrainConfig } from '../../src/train/config.ts';
import { type Example, type Fit, fitRegressor, Regressor } from '../weather/forecast/regressor.ts';
import type { Forecast } from '../weather/forecast/scores.ts';
import { range } from '../weather/forecast/series.ts';
import { type CellFactors, CHANNELS, cellForecast, type Sample } from './cells.ts';
import { NUMBERS } from './fields.ts';
import { AHEAD } from './line.ts';
import { patchPlaces } from './patches.ts';

/** Cells of a patch: 15 degrees a side. */
const SIDE = 6;
const PLACES = patchPlaces(SIDE, SIDE);
const SIZE = NUMBERS / PLACES.length;
/** What is known of each number of a patch, and the time of the year. */
const INPUTS = CHANNELS * SIZE + 2;
const OUTPUTS = AHEAD * SIZE;

/** A small model and few steps, for there are some eighty months to learn from. */
export const SETTINGS: Partial<TrainConfig> = {
  ...{ nLayer: 2, nHead: 4, nEmbd: 64, blockSize: PLACES.length, dropout: 0.2, batchSize: 4 },
  ...{ steps: 400, warmupSteps: 40, learningRate: 1e-3, minLearningRate: 1e-4, weightDecay: 0.3, evalEvery: 20 },
};

/** Metres a second that are reckoned as 1. */
const UNIT = 2.5;

/** What is learned from and forecast from. */
export interface WindSamples {
  readonly train: readonly Sample[];
  readonly validation: readonly Sample[];
  /** From 0 to below 1, by step. */
  readonly season: readonly number[];
  /** cos(latitude) of each number; they sum to 1. */
  readonly weights: ArrayLike<number>;
  readonly factors: CellFactors;
}

/** Roots of the weights, of mean 1: errors times them are squared as scores square them. */
const rootsOf = (weights: ArrayLike<number>): Float32Array =>
  Float32Array.from(weights, (weight) => Math.sqrt(weight * NUMBERS));

/** Fields as (T, fields x SIZE), starting at `offset` of each of T rows of `width`. */
function spread(
  fields: readonly Float32Array[],
  into: Float32Array,
  width: number,
  factor: (p: number) => number,
): void {
  fields.forEach((field, channel) => {
    PLACES.forEach((places, patch) => {
      const at = patch * width + channel * SIZE;
      for (let i = 0; i < SIZE; i++) into[at + i] = field[places[i]] * factor(places[i]);
    });
  });
}

function inputsOf({ known, now }: Pick<Sample, 'known' | 'now'>, { season, weights }: WindSamples): Float32Array {
  const roots = rootsOf(weights);
  const x = new Float32Array(PLACES.length * INPUTS);
  spread(known, x, INPUTS, (p) => roots[p] / UNIT);
  const angle = 2 * Math.PI * season[now];
  for (const patch of range(0, PLACES.length)) x.set([Math.cos(angle), Math.sin(angle)], (patch + 1) * INPUTS - 2);
  return x;
}

/** What the regression by cells leaves to be said. */
function exampleOf(sample: Sample, data: WindSamples): Example {
  const base = cellForecast(data.factors, sample.known);
  const rest = sample.ahead.map((field, lead) => field.map((value, p) => value - base[lead][p]));
  const roots = rootsOf(data.weights);
  const y = new Float32Array(PLACES.length * OUTPUTS);
  spread(rest, y, OUTPUTS, (p) => roots[p] / UNIT);
  return { x: inputsOf(sample, data), y };
}

/** The fields that a regressor's numbers stand for. */
function fieldsOf(answer: Float32Array, roots: Float32Array): Float32Array[] {
  return range(0, AHEAD).map((lead) => {
    const field = new Float32Array(NUMBERS);
    PLACES.forEach((places, patch) => {
      const at = patch * OUTPUTS + lead * SIZE;
      for (let i = 0; i < SIZE; i++)
        field[places[i]] = roots[places[i]] > 0 ? (answer[at + i] * UNIT) / roots[places[i]] : 0;
    });
    return field;
  });
}

/** Forecasts from `starts` by a regression that is trained here, from a seed. */
export async function regressionForecast(
  engine: Engine,
  data: WindSamples,
  starts: readonly Pick<Sample, 'known' | 'now'>[],
  options: {
    seed: number;
    settings?: Partial<TrainConfig>;
    signal?: AbortSignal;
    onStep?: (step: number, of: number) => void;
  },
): Promise<{ forecast: Forecast; fit: Fit }> {
  const { seed, settings, signal, onStep } = options;
  const config = resolveConfig('nano', SETTINGS, settings ?? {}, { seed });
  const shape = { inputs: INPUTS, outputs: OUTPUTS, causal: false };
  const regressor = new Regressor(engine, shape, config).initialize(seed);
  const examples = (samples: readonly Sample[]): Example[] => samples.map((sample) => exampleOf(sample, data));
  const fit = await fitRegressor(regressor, {
    train: examples(data.train),
    validation: examples(data.validation),
    signal,
    onStep,
  });
  const answers = await regressor.predict(starts.map((start) => inputsOf(start, data)));
  regressor.dispose();
  const roots = rootsOf(data.weights);
  const corrected = starts.map(({ known, now }, n): [number, Float32Array[]] => {
    const rest = fieldsOf(answers[n], roots);
    return [
      now,
      cellForecast(data.factors, known).map((field, lead) => field.map((value, p) => value + rest[lead][p])),
    ];
  });
  const byStart = new Map(corrected);
  return { forecast: (now, lead) => byStart.get(now)![lead - 1], fit };
}
