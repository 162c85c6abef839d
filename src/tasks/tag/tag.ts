/** Fine-tunes a pretrained model to tag words: named entities and other spans. */
import type { TaggedSentence } from '../../text/labels/conll.ts';
import { subsampleAny } from '../../text/labels/splits.ts';
import { stretchesOf } from '../../text/labels/taggedBatches.ts';
import { TrainingBatches } from '../batches.ts';
import { subsampleParts } from '../data.ts';
import { makeFineTuned } from '../fineTuned.ts';
import type { SpanReport } from '../metrics/spans.ts';
import { type FineTuned, type FineTuneEvent, type FineTuneOptions, tune } from '../tune.ts';
import { requireSpans, tagsOf, unseenTypes } from './data.ts';
import { resolveTag, SEED, stepSettings, type TagOverrides, type TagSettings } from './settings.ts';
import { type TagEvaluation, Tagger, type TaggerParts, tagModel } from './tagger.ts';

export type TagEvent = FineTuneEvent<
  {
    settings: TagSettings;
    tags: readonly string[];
    /** What to mind of the data. */
    warnings: readonly string[];
  },
  { f1: number }
>;

/** A fine-tuned tagger, and how good it is. */
export interface TunedTagger extends FineTuned<TaggedSentence, TagSettings, TagEvaluation> {
  readonly tagger: Tagger;
  /** Of each test part; none when it was stopped. */
  readonly reports: Readonly<Record<string, SpanReport>>;
}

/** Sentences that are tagged at once. */
const EVALUATED = 32;
/** Of two validations with the same F1 (at first it is often 0) the one with the lower loss is the better. */
const TIE = 1e-6;

/**
 * Trains a head over the state of each word's last token, and what the method says of a copy of the base: cross-entropy, early
 * stopping, the best weights kept. The same options on the same adapter give the same result, bit for bit.
 * @throws UserError when there are no spans to learn from or the loss explodes; UsageError for settings that do not fit together
 */
export async function tuneTagger(
  options: FineTuneOptions<TaggedSentence, TagOverrides, TagEvent>,
): Promise<TunedTagger> {
  const { base, overrides = {}, onEvent, signal, checkpoint } = options;
  const parts = subsampleParts(options.parts, options.labels, overrides.seed ?? SEED, subsampleAny);
  const { train, validation, ...tests } = parts;
  const settings = resolveTag(overrides, train.length);
  requireSpans(train, 'the training part');
  const tags = tagsOf(train);
  const fineTuned = makeFineTuned(base, settings, tags.length);
  const { model, head, adapters, counts } = fineTuned;
  const examples = Object.fromEntries(Object.entries(parts).map(([part, { length }]) => [part, length]));
  onEvent?.({ type: 'plan', settings, tags, examples, ...counts, warnings: unseenTypes(tags, parts) });
  const tagged = { model, head, tokenizer: base.tokenizer, tags, bidirectional: settings.bidirectional };
  const tagger = new Tagger(tagged, EVALUATED);
  const tuned = await tune<TagEvaluation>({
    ...{ engine: model.parameters.values.engine, trained: fineTuned, batches: batchesOf(tagged, train, settings) },
    ...{ limits: settings, optimizer: stepSettings(settings), signal, checkpoint },
    evaluate: () => tagger.evaluate(validation),
    score: ({ report, loss }) => (settings.stopOn === 'f1' ? report.overall.f1 - TIE * loss : -loss),
    onValidation: ({ step, loss, evaluation, best }) =>
      onEvent?.({
        ...{ type: 'validation', step, loss },
        ...{ validationLoss: evaluation.loss, f1: evaluation.report.overall.f1, best },
      }),
  });
  const reports: Record<string, SpanReport> = {};
  if (tuned.status !== 'stopped') {
    for (const [part, sentences] of Object.entries(tests)) reports[part] = (await tagger.evaluate(sentences)).report;
  }
  return { ...tuned, ...counts, tagger, adapters, settings, parts, reports };
}

/** Training sentences in stretches, each word's class the target at its last token. */
function batchesOf(parts: TaggerParts, sentences: readonly TaggedSentence[], settings: TagSettings) {
  const { engine, pad, logits } = tagModel(parts, settings.batchSize);
  const words = sentences.map((sentence) => sentence.words);
  const classes = sentences.map((sentence) => sentence.tags.map((tag) => parts.tags.indexOf(tag)));
  const stretches = stretchesOf(parts.tokenizer, words, parts.model.config.blockSize);
  const batch = (indices: readonly number[]) => {
    const { length, values, targets } = pad(
      indices.map((i) => stretches[i]),
      classes,
    );
    return { length, values: { ...values, targets } };
  };
  return new TrainingBatches(engine, stretches, settings, batch, logits);
}
