import { mean } from 'simple-statistics';
import { StoppedError, UserError } from '../errors.ts';
import { GPT } from '../model/gpt.ts';
import { largest, smallest } from '../numbers.ts';
import type { Engine } from '../tensor/engine.ts';
import type { Batch } from '../text/windows/windows.ts';
import { modelConfig, type TrainConfig } from '../train/config.ts';
import { RING } from '../train/stepper.ts';
import { Trainer } from '../train/trainer.ts';

/** A step of the test: the rate that it was made with, and the loss before it. */
export interface RatePoint {
  readonly rate: number;
  /** Nats a token, of the step's batches. */
  readonly loss: number;
  /** The mean over the steps around. */
  readonly smoothed: number;
}

/** What a test of learning rates found. */
export interface RateTest {
  readonly points: readonly RatePoint[];
  /** Where the loss falls fastest by the logarithm of the rate. */
  readonly steepest: number;
  /** Where it has stopped falling: higher rates gain nothing, or lose. */
  readonly turn: number;
  /** What to train with: the steepest, to one significant digit: far better than a tenth of it; a short training by Muon bears more. */
  readonly suggestion: number;
}

export interface RateTestOptions {
  /** Of the run: its model, seed, batches and optimizer. */
  readonly config: TrainConfig;
  readonly vocabSize: number;
  /** The run's training batches, by index from 0. */
  readonly batches: { batch(index: number): Batch };
  readonly steps?: number;
  readonly signal?: AbortSignal;
  /** Called now and then with how many steps are done. */
  readonly onProgress?: (done: number, steps: number) => void;
}

/** From a rate that moves nothing to one that no model bears. */
const [LOWEST, HIGHEST] = [1e-5, 1];
const STEPS = 100;
/** Steps on each side that a loss is averaged with: a batch's own luck is larger than what a step gains. */
const AROUND = 4;
/** What is left of the fall where it counts as over: the bottom is flat, and its lowest point is luck. */
const REST = 0.05;
/** A loss this far above the lowest has turned for good. */
const BLOWN_UP = 2;

/**
 * A learning-rate range test (Smith, 2017, "Cyclical learning rates for training neural networks"): fresh weights of the run's model are
 * trained with a rate that grows by the same factor each step. Below the useful rates the loss stands still, among them it falls, and beyond
 * them it rises. Touches nothing of the run.
 * @throws UserError when the loss never falls, StoppedError on the signal
 */
export async function findRate(engine: Engine, options: RateTestOptions): Promise<RateTest> {
  const { config, vocabSize, batches, steps = STEPS, signal, onProgress } = options;
  const rates = Array.from({ length: steps }, (_, i) => LOWEST * (HIGHEST / LOWEST) ** (i / (steps - 1)));
  // a trainer reads its rate at each step
  const course = { ...config, schedule: 'constant' as const, warmupSteps: 0, minLearningRate: 0, contextGrowth: 0 };
  const trainer = new Trainer(new GPT(engine, modelConfig(config, vocabSize)).initialize(config.seed, config), course);
  const count = config.gradientAccumulation;
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    if (signal?.aborted) throw new StoppedError('The test of learning rates was stopped; nothing was changed.');
    course.learningRate = rates[step];
    trainer.train(Array.from({ length: count }, (_, i) => batches.batch(step * count + i)));
    if ((step + 1) % 10 > 0 && step + 1 < steps) continue;
    const read = await trainer.metrics(Math.min(RING, trainer.step - losses.length));
    losses.push(...read.map(({ loss }) => loss));
    onProgress?.(step + 1, steps);
    if (hasBlownUp(losses)) break;
  }
  trainer.dispose();
  return judgeRates(rates, losses);
}

const hasBlownUp = (losses: readonly number[]): boolean =>
  !losses.every(Number.isFinite) || losses[losses.length - 1] > BLOWN_UP * smallest(losses);

/** What the losses say of the rates of their steps. Those after one that is no number count for nothing. @throws UserError when none falls */
export function judgeRates(rates: readonly number[], losses: readonly number[]): RateTest {
  const broken = losses.findIndex((loss) => !Number.isFinite(loss));
  const sound = broken < 0 ? losses : losses.slice(0, broken);
  const smoothed = sound.map((_, i) => mean(sound.slice(Math.max(0, i - AROUND), i + AROUND + 1)));
  const bottom = smallest(smoothed);
  const end = smoothed.findIndex((loss) => loss <= bottom + REST * (smoothed[0] - bottom));
  const falls = smoothed.slice(0, end).map((loss, i) => loss - smoothed[Math.min(i + AROUND, end)]);
  const fastest = falls.indexOf(largest(falls));
  if (fastest < 0) {
    throw new UserError('The loss fell at no learning rate. Look at the text and at the settings of the model first.');
  }
  const steepest = rates[Math.min(fastest + AROUND / 2, end)];
  return {
    points: sound.map((loss, i) => ({ rate: rates[i], loss, smoothed: smoothed[i] })),
    ...{ steepest, turn: rates[end], suggestion: Number(steepest.toPrecision(1)) },
  };
}
