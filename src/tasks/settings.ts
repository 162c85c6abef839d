/** Settings of a fine-tuning to labels, as far as tasks share them: each with its type, default, range and help. */
import { z } from 'zod';
import { UsageError } from '../errors.ts';
import { setting, TrainConfig } from '../train/config.ts';
import type { StepSettings } from '../train/stepper.ts';
import { LORA, METHODS, type Method } from '../train/trainable.ts';

const count = z.int().min(1);
const rate = z.number().min(0);
const share = z.number().min(0).lt(1);

/** What is without a default follows from the method and from how many examples there are. */
export const FineTuneSettings = z.object({
  method: setting(
    z.enum(METHODS),
    'full',
    'what is trained beside the new head: all, adapters, the last block, nothing',
  ),
  randomStart: setting(z.boolean(), false, 'begin with random weights, to see what pretraining was worth'),
  steps: count.describe('optimizer steps at most'),
  batchSize: count.describe('examples in a batch (default: 16)'),
  learningRate: rate.describe('largest learning rate, of the head and of adapters (default: by method)'),
  baseRate: rate.describe("learning rate of the model's own weights, in units of that (default: by method)"),
  rank: setting(count, LORA.rank, 'lora: inner width of the adapters'),
  alpha: setting(z.number().positive(), LORA.alpha, 'lora: adapters are scaled by alpha / rank'),
  targets: z.array(z.string()).readonly().optional().describe('lora: layers that have adapters; all unless given'),
  loraDropout: setting(share, LORA.loraDropout, 'lora: share of the inputs that adapters do not see'),
  /** With few labels more than pretraining drops. */
  dropout: setting(share, 0.1, 'share of activations dropped'),
  evalEvery: count.describe('steps between two validations'),
  patience: count.describe('validations without a better one after which it ends'),
  seed: TrainConfig.shape.seed.describe('seed of the head, the order of the examples and the choice of --labels'),
});
export type FineTuneSettings = z.infer<typeof FineTuneSettings>;

export const SEED = FineTuneSettings.shape.seed.parse(undefined);

/** What may be said of them; the rest follows from it. */
export type Overrides<Settings> = Partial<Settings> & {
  /** How often each example is shown, where no steps are given. */
  readonly epochs?: number;
  /** Bounds the steps where neither steps nor epochs are given. */
  readonly mostSteps?: number;
};

/** What a task goes by where nothing else is said. */
export interface FineTuneDefaults {
  /** How often each example is shown, within the bounds of STEPS. */
  readonly epochs: number;
  /** Validations on the way. */
  readonly validations: number;
  /** A new head learns fast; what a model knows already is to change slowly. */
  readonly rates: Readonly<Record<Method, Pick<FineTuneSettings, 'learningRate' | 'baseRate'>>>;
}

/**
 * Unless told otherwise: fewer steps teach a new head nothing, and random weights still less; more are wanted only by somebody
 * who says so.
 */
const STEPS = { least: 100, leastFromRandom: 300, most: 1500 };
const BATCH_SIZE = 16;
const FROM_RANDOM = { learningRate: 1e-3, baseRate: 1 };

/** What was said, and what follows from that and from the number of examples to train on. @throws UsageError for settings that exclude one another */
export function settingsFor(
  { epochs, mostSteps, ...given }: Overrides<FineTuneSettings>,
  examples: number,
  defaults: FineTuneDefaults,
): Record<string, unknown> {
  const { method = 'full', randomStart = false, batchSize = Math.max(1, Math.min(BATCH_SIZE, examples)) } = given;
  if (randomStart && method !== 'full') {
    throw new UsageError(
      `random weights are of no use as they are: with a random start everything is trained, not ${method}`,
    );
  }
  if (epochs !== undefined && given.steps !== undefined) {
    throw new UsageError('epochs and steps both say how long to train: give one of them');
  }
  const perEpoch = Math.ceil(examples / batchSize);
  const least = randomStart ? STEPS.leastFromRandom : STEPS.least;
  const enough = Math.min(Math.max(defaults.epochs * perEpoch, least), mostSteps ?? STEPS.most);
  const steps = given.steps ?? (epochs === undefined ? enough : Math.max(1, Math.ceil(epochs * perEpoch)));
  return {
    ...{ batchSize, steps, evalEvery: Math.max(1, Math.round(steps / defaults.validations)) },
    ...(randomStart ? FROM_RANDOM : defaults.rates[method]),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

/** What an optimizer step goes by: AdamW, and a tenth of the steps to warm up. `schedule`: how it goes on from there. */
export const stepSettings = (
  { steps, learningRate, seed }: FineTuneSettings,
  schedule: Pick<StepSettings, 'minLearningRate'> & Partial<StepSettings>,
): StepSettings => ({
  ...TrainConfig.parse({}),
  ...{ steps, learningRate, seed, warmupSteps: Math.floor(steps / 10), weightDecay: 0.01, ...schedule },
});
