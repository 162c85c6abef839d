/** Tunes a base model to tag words: named entities and other spans. */
import type { LoraAdapters } from '../../model/lora.ts';
import type { TaggedSentence } from '../../text/labels/conll.ts';
import { subsampleAny } from '../../text/labels/splits.ts';
import type { Parts } from '../../text/labels/taskCard.ts';
import { type Objective, Stepper } from '../../train/stepper.ts';
import { type Base, makePupil } from '../fineTuned.ts';
import type { SpanReport } from '../metrics/spans.ts';
import { thinOut } from '../subsample.ts';
import { type Tuned, tune } from '../tune.ts';
import type { TuneCheckpoint } from '../tuneCheckpoint.ts';
import { TagLessons } from './batches.ts';
import { requireSpans, tagsOf, unseenTypes } from './data.ts';
import { SEED, settleTag, stepSettings, type TagSettings, type TagWishes } from './settings.ts';
import { type TagEvaluation, Tagger, type TaggerParts } from './tagger.ts';

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
  const { bidirectional } = settings;
  const tagged: TaggerParts = { model, head, tokenizer: base.tokenizer, tags, bidirectional };
  const lessons = new TagLessons(tagged, train, settings);
  const loss: Objective['loss'] = (state, _, length) => lessons.loss(state, length);
  const stepper = new Stepper(model.parameters.engine, { parameters, loss }, stepSettings(settings));
  const tagger = new Tagger(tagged, EVALUATED);
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
