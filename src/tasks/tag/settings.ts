import { PRESETS } from '../../train/config.ts';
import type { StepSettings } from '../../train/stepper.ts';
import { LORA, type Method } from '../../train/trainable.ts';
import { type FineTuneSettings, requireTrained } from '../fineTuned.ts';
import type { TuneLimits } from '../tune.ts';

/** Everything that the tuning of a tagger depends on, beside its base, its sentences and its adapter. */
export interface TagSettings extends FineTuneSettings, TuneLimits {
  /** Sentences a step. */
  readonly batchSize: number;
  /** Largest learning rate: of the head and of adapters. */
  readonly learningRate: number;
  /** Whether pieces see those behind them too: the causal mask, which the base learned with, is lifted. */
  readonly bidirectional: boolean;
  /** What validations are judged by: entity F1, or the mean cross-entropy of the tags. */
  readonly stopOn: StopOn;
}

export const STOP_ON = ['f1', 'loss'] as const;
export type StopOn = (typeof STOP_ON)[number];

/** What a person may say; the rest follows from it. */
export type TagOverrides = Partial<TagSettings> & {
  /** Bounds the steps where they are not given. */
  readonly mostSteps?: number;
};

export const SEED = 1337;
const BATCH_SIZE = 16;
const EPOCHS = 20;
/** Random weights have more to learn than a new head. */
const STEPS = { least: 100, leastFromRandom: 300, most: 1500 };
const VALIDATIONS = 15;

/** Learning rates that did well on 500 sentences of synthetic-names. */
const RATES: Readonly<Record<Method, Pick<TagSettings, 'learningRate' | 'baseRate'>>> = {
  full: { learningRate: 3e-3, baseRate: 0.3 },
  lora: { learningRate: 5e-3, baseRate: 0 },
  last: { learningRate: 3e-3, baseRate: 0.5 },
  head: { learningRate: 1e-2, baseRate: 0 },
};
const FROM_RANDOM = { learningRate: 1e-3, baseRate: 1 };

/** What a person said, and the rest as it follows from that and from the number of training sentences. @throws UsageError for settings that exclude one another */
export function resolveTag({ mostSteps = STEPS.most, ...overrides }: TagOverrides, sentences: number): TagSettings {
  const { method = 'full', randomStart = false, batchSize = Math.min(BATCH_SIZE, sentences) } = overrides;
  const enough = Math.max(randomStart ? STEPS.leastFromRandom : STEPS.least, EPOCHS * Math.ceil(sentences / batchSize));
  const steps = overrides.steps ?? Math.min(enough, mostSteps);
  requireTrained(method, randomStart);
  return {
    ...{ method, randomStart, steps, batchSize, patience: 5, bidirectional: false, stopOn: 'f1', seed: SEED },
    ...LORA,
    dropout: 0.1,
    evalEvery: Math.max(1, Math.round(steps / VALIDATIONS)),
    ...(randomStart ? FROM_RANDOM : RATES[method]),
    ...Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined)),
  };
}

/** AdamW with a linear warm-up over a tenth of the steps and a linear decay to zero, as BERT is tuned (Devlin et al., 2019). */
export const stepSettings = ({ learningRate, steps, seed }: TagSettings): StepSettings => ({
  ...PRESETS.nano.config,
  ...{ optimizer: 'adamw', schedule: 'linear', learningRate, minLearningRate: 0, steps, seed },
  ...{ warmupSteps: Math.floor(steps / 10), beta2: 0.999, weightDecay: 0.01, clipNorm: 1 },
});
