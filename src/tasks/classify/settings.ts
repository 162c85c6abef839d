import { UsageError } from '../../errors.ts';
import type { Pooling } from '../../model/heads.ts';
import type { StepSettings } from '../../train/stepper.ts';
import { LORA } from '../../train/trainable.ts';
import { type FineTuneSettings, requireTrained } from '../fineTuned.ts';
import type { TuneLimits } from '../tune.ts';

/** Everything that the tuning of a classifier depends on, beside its base, its texts and its adapter. */
export interface ClassifySettings extends FineTuneSettings, TuneLimits {
  readonly pooling: Pooling;
  /** Tokens of each text that are read, from its beginning; all that the context holds unless given. */
  readonly maxTokens?: number;
  /** Texts in a batch. */
  readonly batchSize: number;
  /** Largest learning rate: of the head and of adapters. */
  readonly learningRate: number;
  /** Whether every class counts for the same, however few examples it has. */
  readonly classWeights: boolean;
}

/** What a person may say; the rest follows from it. */
export type ClassifyOverrides = Partial<ClassifySettings> & {
  /** How often each text is shown, where no steps are given. */
  readonly epochs?: number;
  /** Bounds the steps where neither steps nor epochs are given. */
  readonly mostSteps?: number;
};

export const SEED = 1337;
const BATCH_SIZE = 16;
const EPOCHS = 10;
/**
 * Unless told otherwise: fewer steps teach a new head nothing, and a whole model still less; more are wanted only by somebody
 * who says so.
 */
const STEPS = { least: 100, leastFromRandom: 300, most: 1500 };
const VALIDATIONS = 20;

/** A new head learns fast; what a model knows already is to change slowly. */
const RATES: Readonly<Record<FineTuneSettings['method'], Pick<ClassifySettings, 'learningRate' | 'baseRate'>>> = {
  full: { learningRate: 3e-3, baseRate: 0.1 },
  lora: { learningRate: 3e-3, baseRate: 0 },
  last: { learningRate: 3e-3, baseRate: 0.3 },
  head: { learningRate: 1e-2, baseRate: 0 },
};
const FROM_RANDOM = { learningRate: 1e-3, baseRate: 1 };

/**
 * Settings for `examples` training texts. @throws UsageError for settings that exclude one another
 */
export function resolveClassify(overrides: ClassifyOverrides, examples: number): ClassifySettings {
  const { epochs, mostSteps, ...given } = overrides;
  const { method = 'full', randomStart = false, batchSize = Math.min(BATCH_SIZE, examples) } = given;
  requireTrained(method, randomStart);
  if (epochs !== undefined && given.steps !== undefined) {
    throw new UsageError('epochs and steps both say how long to train: give one of them');
  }
  const steps = given.steps ?? stepsFor(Math.ceil(examples / batchSize), randomStart, epochs, mostSteps);
  return {
    ...{ method, randomStart, batchSize, steps, pooling: 'mean', patience: 6, classWeights: false, seed: SEED },
    ...LORA,
    dropout: 0.1,
    evalEvery: Math.max(1, Math.round(steps / VALIDATIONS)),
    ...(randomStart ? FROM_RANDOM : RATES[method]),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

function stepsFor(perEpoch: number, randomStart: boolean, epochs: number | undefined, most = STEPS.most): number {
  if (epochs !== undefined) return Math.max(1, Math.ceil(epochs * perEpoch));
  return Math.min(Math.max(EPOCHS * perEpoch, randomStart ? STEPS.leastFromRandom : STEPS.least), most);
}

/** What an optimizer step goes by: AdamW, a tenth of the steps to warm up, then a cosine down to a tenth of the rate. */
export const stepSettings = ({ steps, learningRate, seed }: ClassifySettings): StepSettings => ({
  ...{ schedule: 'cosine', steps, learningRate, minLearningRate: learningRate / 10, decayFraction: 0.2 },
  ...{ warmupSteps: Math.floor(steps / 10), optimizer: 'adamw', muonMomentum: 0.95, muonFactor: 1 },
  ...{ beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01, clipNorm: 1, seed },
});
