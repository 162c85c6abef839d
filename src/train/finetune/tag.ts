/** Tunes a base model to tag words: named entities and other spans. */
import { UsageError } from '../../errors.ts';
import { crossEntropy } from '../../kernels/crossEntropy.ts';
import type { GPT, PassOptions } from '../../model/gpt.ts';
import type { Head } from '../../model/heads.ts';
import type { LoraAdapters } from '../../model/lora.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { TaggedSentence } from '../../text/conll.ts';
import { trainingBatches } from '../../text/labelledBatches.ts';
import { subsampleAny } from '../../text/splits.ts';
import { padStretches, stretchesOf, type TaggedBatch } from '../../text/taggedBatches.ts';
import type { Parts } from '../../text/taskCard.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { PRESETS } from '../config.ts';
import type { SpanReport } from '../metrics/spans.ts';
import { type Objective, Stepper, type StepSettings } from '../stepper.ts';
import type { Method } from './method.ts';
import { type Base, makePupil, type PupilSettings } from './pupil.ts';
import { requireSpans, tagsOf, unseenTypes } from './tagData.ts';
import { type TagEvaluation, Tagger } from './tagger.ts';
import { thinOut } from './thinOut.ts';
import { type TuneCourse, type Tuned, tune } from './tune.ts';
import type { TuneCheckpoint } from './tuneCheckpoint.ts';

/** Everything that the tuning of a tagger depends on, beside its base, its sentences and its adapter. */
export interface TagSettings extends PupilSettings, TuneCourse {
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
export type TagWishes = Partial<TagSettings> & {
  /** Bounds the steps where they are not given. */
  readonly mostSteps?: number;
};

const SEED = 1337;
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
export function settleTag({ mostSteps = STEPS.most, ...wishes }: TagWishes, sentences: number): TagSettings {
  const { method = 'full', randomStart = false, batchSize = Math.min(BATCH_SIZE, sentences) } = wishes;
  const enough = Math.max(randomStart ? STEPS.leastFromRandom : STEPS.least, EPOCHS * Math.ceil(sentences / batchSize));
  const steps = wishes.steps ?? Math.min(enough, mostSteps);
  if (randomStart && method !== 'full') {
    throw new UsageError(
      `random weights are of no use as they are: with a random start everything is trained, not ${method}`,
    );
  }
  return {
    ...{ method, randomStart, steps, batchSize, patience: 5, bidirectional: false, stopOn: 'f1', seed: SEED },
    ...{ rank: 4, alpha: 8, loraDropout: 0, dropout: 0.1 },
    evalEvery: Math.max(1, Math.round(steps / VALIDATIONS)),
    ...(randomStart ? FROM_RANDOM : RATES[method]),
    ...Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined)),
  };
}

export interface TuneTaggerOptions {
  readonly base: Base;
  /** Sentences with tags; the test parts (all but `train` and `validation`) are looked at once, when all is decided. */
  readonly parts: Parts<TaggedSentence>;
  readonly wishes?: TagWishes;
  /** Train on so many of the training sentences only, and choose by no more validation sentences than that. */
  readonly labels?: number;
  /** Ends the tuning at the next step; the best weights so far are kept. */
  readonly signal?: AbortSignal;
  /** Where it is kept how far the tuning is. */
  readonly checkpoint?: TuneCheckpoint;
  readonly onEvent?: (event: TagEvent) => void;
}

export type TagEvent =
  | {
      type: 'plan';
      settings: TagSettings;
      tags: readonly string[];
      examples: Readonly<Record<string, number>>;
      trained: number;
      total: number;
      /** What to mind of the data. */
      warnings: readonly string[];
    }
  | {
      type: 'validation';
      step: number;
      loss: number;
      validationLoss: number;
      f1: number;
      best: boolean;
    };

/** A tuned tagger, and how good it is. */
export interface TunedTagger extends Tuned<TagEvaluation> {
  readonly tagger: Tagger;
  readonly adapters: LoraAdapters | undefined;
  readonly settings: TagSettings;
  /** The sentences that it was trained, validated and tested on. */
  readonly parts: Parts<TaggedSentence>;
  /** Numbers that were trained, and those of model and head together. */
  readonly trained: number;
  readonly total: number;
  /** Of each test part; none when it was stopped. */
  readonly reports: Readonly<Record<string, SpanReport>>;
}

/** Sentences that are tagged at once. */
const EVALUATED = 32;

/**
 * Trains a head over the state of each word's last piece, and what the method says of a copy of the base: cross-entropy, early
 * stopping, the best weights kept. The same options on the same adapter give the same result, bit for bit.
 * @throws UserError when there are no spans to learn from or the loss explodes; UsageError for settings that do not fit together
 */
export async function tuneTagger({ base, wishes = {}, onEvent, ...options }: TuneTaggerOptions): Promise<TunedTagger> {
  const parts = thinOut(options.parts, options.labels, wishes.seed ?? SEED, subsampleAny);
  const { train, validation, ...tests } = parts;
  const settings = settleTag(wishes, train.length);
  requireSpans(train, 'the training part');
  const tags = tagsOf(train);
  const { model, head, adapters, parameters, ...counts } = makePupil(base, settings, tags.length);
  const examples = Object.fromEntries(Object.entries(parts).map(([part, { length }]) => [part, length]));
  onEvent?.({ type: 'plan', settings, tags, examples, ...counts, warnings: unseenTypes(tags, parts) });
  const { tokenizer } = base;
  const lessons = new Lessons({ model, head, tokenizer, tags }, train, settings);
  const loss: Objective['loss'] = (state, _, length) => lessons.loss(state, length);
  const stepper = new Stepper(model.parameters.values.engine, { parameters, loss }, stepSettings(settings));
  const tagger = new Tagger({ model, head, tokenizer, tags, bidirectional: settings.bidirectional }, EVALUATED);
  const tuned = await tune({
    ...{ stepper, course: settings, signal: options.signal, checkpoint: options.checkpoint },
    skip: (steps) => lessons.skip(steps),
    step: () => stepper.run(lessons.next()),
    evaluate: () => tagger.evaluate(validation),
    score: ({ report, loss }) => (settings.stopOn === 'f1' ? report.overall.f1 - TIE * loss : -loss),
    onRecord: ({ step, loss, evaluation, best }) =>
      onEvent?.({
        ...{ type: 'validation', step, loss, best },
        ...{ validationLoss: evaluation.loss, f1: evaluation.report.overall.f1 },
      }),
  });
  stepper.dispose();
  const reports = tuned.status === 'stopped' ? {} : await test(tagger, tests);
  return { ...tuned, ...counts, tagger, adapters, settings, parts, reports };
}

/** Of two validations with the same F1 (at first it is often 0) the one with the lower loss is the better. */
const TIE = 1e-6;

async function test(
  tagger: Tagger,
  tests: Readonly<Record<string, readonly TaggedSentence[]>>,
): Promise<Record<string, SpanReport>> {
  const reports: Record<string, SpanReport> = {};
  for (const [part, sentences] of Object.entries(tests)) reports[part] = (await tagger.evaluate(sentences)).report;
  return reports;
}

/** AdamW with a linear warm-up over a tenth of the steps and a linear decay to zero, as BERT is tuned (Devlin et al., 2019). */
const stepSettings = ({ learningRate, steps, seed }: TagSettings): StepSettings => ({
  ...PRESETS.nano.config,
  ...{ optimizer: 'adamw', schedule: 'linear', learningRate, minLearningRate: 0, steps, seed },
  ...{ warmupSteps: Math.floor(steps / 10), beta2: 0.999, weightDecay: 0.01, clipNorm: 1 },
});

/** The inputs of a step over batches of one length. */
interface Inputs {
  readonly ids: Tensor; //     (B, T) u32
  readonly lengths: Tensor; // (B) u32
  readonly targets: Tensor; // (B, T) u32
}

/** The training sentences as batches, and the loss over them. */
class Lessons {
  private readonly inputs = new Map<number, Inputs>();
  private readonly batches: Generator<TaggedBatch>;

  constructor(
    private readonly parts: { model: GPT; head: Head; tokenizer: Tokenizer; tags: readonly string[] },
    sentences: readonly TaggedSentence[],
    private readonly settings: TagSettings,
  ) {
    this.batches = this.batchesOf(sentences);
  }

  /** Uploads the next batch; returns its length. */
  next(): number {
    const { length, ids, lengths, targets } = this.batches.next().value;
    const inputs = this.inputsOf(length);
    inputs.ids.write(ids);
    inputs.lengths.write(lengths);
    inputs.targets.write(targets);
    return length;
  }

  /** Passes over the batches of so many steps. */
  skip(steps: number): void {
    for (let i = 0; i < steps; i++) this.batches.next();
  }

  /** Mean cross-entropy of the words' tags: (). */
  loss(state: Tensor, length: number): Tensor {
    const { model, head } = this.parts;
    const { ids, lengths, targets } = this.inputsOf(length);
    const options: PassOptions = { state, ...(this.settings.bidirectional && { bidirectional: true, lengths }) };
    return crossEntropy(head.logits(model.hidden(ids, options)), targets);
  }

  private *batchesOf(sentences: readonly TaggedSentence[]): Generator<TaggedBatch, never> {
    const { batchSize, seed } = this.settings;
    const { model, tokenizer, tags } = this.parts;
    const { blockSize: context } = model.config;
    const stretches = stretchesOf(
      tokenizer,
      sentences.map(({ words }) => words),
      context,
    );
    const classes = sentences.map((sentence) => sentence.tags.map((tag) => tags.indexOf(tag)));
    for (const indices of trainingBatches(stretches, batchSize, seed)) {
      const batch = indices.map((i) => stretches[i]);
      yield padStretches(batch, { batchSize, context }, classes);
    }
    throw new Error('training batches have no end');
  }

  private inputsOf(length: number): Inputs {
    const before = this.inputs.get(length);
    if (before) return before;
    const { batchSize } = this.settings;
    const { engine } = this.parts.model.parameters.values;
    const made = {
      ids: engine.zeros([batchSize, length], 'u32'),
      lengths: engine.zeros([batchSize], 'u32'),
      targets: engine.zeros([batchSize, length], 'u32'),
    };
    this.inputs.set(length, made);
    return made;
  }
}
