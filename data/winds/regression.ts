/** Months ahead by regression: a small transformer over the patches of a map, which says by how much what is known there goes on. */
import type { Engine } from '../../src/tensor/engine.ts';
import { resolveConfig, type TrainConfig } from '../../src/train/config.ts';
import { type Example, type Fit, fitRegressor, Regressor } from '../weather/forecast/regressor.ts';
import type { Forecast } from '../weather/forecast/scores.ts';
import { range } from '../weather/forecast/series.ts';
import { CHANNELS, type Sample } from './cells.ts';
import { CELLS, NUMBERS } from './fields.ts';
import { AHEAD } from './line.ts';
import { patchPlaces } from './patches.ts';

/** Cells of a patch: 15 degrees a side. */
const SIDE = 6;
const PLACES = patchPlaces(SIDE, SIDE);
const GROUPS = NUMBERS / CELLS;
const SIZE = SIDE * SIDE;
/** What the transformer reads of a patch: the mean of each channel and component, and the time of the year. */
const MEANS = GROUPS * CHANNELS;
const INPUTS = MEANS + 2;

/** A small model and few steps, for there are some eighty months to learn from. */
export const SETTINGS: Partial<TrainConfig> = {
  ...{ nLayer: 2, nHead: 4, nEmbd: 32, blockSize: PLACES.length, dropout: 0.2, batchSize: 4 },
  ...{ steps: 160, warmupSteps: 16, learningRate: 1e-2, minLearningRate: 1e-3, weightDecay: 0.1, evalEvery: 20 },
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
}

type Start = Pick<Sample, 'known' | 'now'>;

/** Roots of the weights, of mean square 1: errors times them are squared as scores square them. */
const rootsOf = (weights: ArrayLike<number>): Float32Array =>
  Float32Array.from(weights, (weight) => Math.sqrt(weight * NUMBERS));

/** Fields as the regressor has them, (patches, components, fields, cells of a patch), each number times its root. */
function inPatches(fields: readonly Float32Array[], roots: Float32Array): Float32Array {
  const all = new Float32Array(PLACES.length * GROUPS * fields.length * SIZE);
  let at = 0;
  for (const places of PLACES) {
    for (let group = 0; group < GROUPS; group++) {
      for (const field of fields) {
        for (let i = group * SIZE; i < (group + 1) * SIZE; i++)
          all[at++] = (field[places[i]] * roots[places[i]]) / UNIT;
      }
    }
  }
  return all;
}

/** What is read at a start: means of patches and the season; and in detail what factors are for. */
function readAt({ known, now }: Start, { season, weights }: WindSamples): Pick<Example, 'x' | 'known'> {
  const details = inPatches(known, rootsOf(weights));
  const x = new Float32Array(PLACES.length * INPUTS);
  const angle = 2 * Math.PI * season[now];
  for (const patch of range(0, PLACES.length)) {
    for (const mean of range(0, MEANS)) {
      const begin = (patch * MEANS + mean) * SIZE;
      x[patch * INPUTS + mean] = details.subarray(begin, begin + SIZE).reduce((sum, value) => sum + value / SIZE, 0);
    }
    x.set([Math.cos(angle), Math.sin(angle)], patch * INPUTS + MEANS);
  }
  return { x, known: details };
}

const exampleOf = (sample: Sample, data: WindSamples): Example => ({
  ...readAt(sample, data),
  y: inPatches(sample.ahead, rootsOf(data.weights)),
});

/** The fields that a regressor's numbers stand for: AHEAD of them. */
function fieldsOf(answer: Float32Array, roots: Float32Array): Float32Array[] {
  const fields = range(0, AHEAD).map(() => new Float32Array(NUMBERS));
  let at = 0;
  for (const places of PLACES) {
    for (let group = 0; group < GROUPS; group++) {
      for (const field of fields) {
        for (let i = group * SIZE; i < (group + 1) * SIZE; i++, at++) {
          if (roots[places[i]] > 0) field[places[i]] = (answer[at] * UNIT) / roots[places[i]];
        }
      }
    }
  }
  return fields;
}

/** Forecasts from `starts` by a regression that is trained here, from a seed. */
export async function regressionForecast(
  engine: Engine,
  data: WindSamples,
  starts: readonly Start[],
  options: {
    seed: number;
    settings?: Partial<TrainConfig>;
    signal?: AbortSignal;
    onStep?: (step: number, of: number) => void;
  },
): Promise<{ forecast: Forecast; fit: Fit }> {
  const { seed, settings, signal, onStep } = options;
  const config = resolveConfig('nano', SETTINGS, settings ?? {}, { seed });
  const factors = { groups: GROUPS, leads: AHEAD, channels: CHANNELS, size: SIZE };
  const shape = { inputs: INPUTS, outputs: GROUPS * AHEAD * CHANNELS, causal: false, factors };
  const regressor = new Regressor(engine, shape, config).initialize(seed);
  const examples = (samples: readonly Sample[]): Example[] => samples.map((sample) => exampleOf(sample, data));
  const fit = await fitRegressor(regressor, {
    ...{ train: examples(data.train), validation: examples(data.validation), signal, onStep },
  });
  const answers = await regressor.predict(starts.map((start) => readAt(start, data)));
  regressor.dispose();
  const roots = rootsOf(data.weights);
  const byStart = new Map(starts.map((start, n) => [start.now, fieldsOf(answers[n], roots)]));
  return { forecast: (now, lead) => byStart.get(now)![lead - 1], fit };
}
