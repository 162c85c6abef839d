/** What a run takes that was not made. */
import type { Engine } from '../tensor/engine.ts';
import type { TrainConfig } from '../train/config.ts';
import { finalBatches } from '../train/evaluate.ts';
import { measurePace, type Pace } from './pace.ts';

/** A run before it is made. */
export interface RunForecast {
  readonly secondsPerStep: number;
  /** All of the run after its text is read: the sum of `parts`. */
  readonly seconds: number;
  /** Of it: recording and compiling, steps, validations, checkpoints, samples with the report, and the account with the check-up. */
  readonly parts: Readonly<Record<'begin' | 'steps' | 'validations' | 'checkpoints' | 'end' | 'appraisal', number>>;
  readonly pace: Pace;
}

/** What of the text a forecast goes by. */
export interface ForecastText {
  readonly vocabSize: number;
  readonly trainTokens: number;
  /** Held-out tokens: without them no validation finds an end. */
  readonly validationTokens: number;
}

/** Seconds of the account and the check-up at a run's end, and how many more for each token of the text, whose n-grams they count. */
const APPRAISAL = { atLeast: 0.5, perToken: 7e-7 } as const;

/**
 * What a run of these settings takes on this machine, by measuring the pieces that it is made of: some seconds, in which kernels
 * are compiled and steps are taken, and exact as far as the machine is as busy as it will be.
 */
export async function forecastOf(engine: Engine, config: TrainConfig, text: ForecastText): Promise<RunForecast> {
  return composeForecast(config, await measurePace(engine, config, text.vocabSize), text);
}

/** The pieces put together: how often a run validates, saves and steps follows from its settings. */
export function composeForecast(config: TrainConfig, pace: Pace, text: ForecastText): RunForecast {
  const { steps } = config;
  const { trainTokens, validationTokens } = text;
  const validations = Math.ceil(steps / config.evalEvery);
  const parts = {
    begin: pace.begin,
    steps: steps * pace.step,
    validations: pace.validationBatch * scoredBatches(config, validations, validationTokens),
    checkpoints: pace.checkpoint * countSaves(config),
    end: pace.end,
    appraisal: APPRAISAL.atLeast + APPRAISAL.perToken * trainTokens,
  };
  const seconds = Object.values(parts).reduce((a, b) => a + b, 0);
  return { secondsPerStep: pace.step, seconds, parts, pace };
}

/** Batches that all validations together score. */
function scoredBatches(config: TrainConfig, validations: number, validationTokens: number): number {
  const there = Math.ceil((validationTokens - 1) / (config.batchSize * config.blockSize));
  const [some, last] = [config.evalBatches, finalBatches(config)].map((most) => Math.min(there, most || there));
  return (validations - 1) * some + last;
}

/** A run saves when it is due, after each validation that is the best so far, as most are, and at its end. */
function countSaves({ steps, evalEvery, checkpointEvery }: TrainConfig): number {
  const before = (every: number): number => Math.floor((steps - 1) / every);
  const both = (evalEvery * checkpointEvery) / greatestDivisor(evalEvery, checkpointEvery);
  return before(evalEvery) + before(checkpointEvery) - before(both) + 1;
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));
