/** Fine-tunes a pretrained model to tag words: named entities and other spans. */
import type { TaggedSentence } from '../../text/labels/conll.ts';
import { subsampleAny } from '../../text/labels/splits.ts';
import { segmentsOf } from '../../text/labels/taggedBatches.ts';
import { TrainingBatches } from '../batches.ts';
import { subsampleParts } from '../data.ts';
import { makeFineTuned } from '../fineTuned.ts';
import type { SpanReport, TagEvaluation } from '../metrics/spans.ts';
import { type FineTuned, type FineTuneEvent, type FineTuneOptions, tune, validationEvent } from '../tune.ts';
import { requireSpans, tagsOf, unseenTypes } from './data.ts';
import { resolveTag, SEED, stepSettings, type TagOverrides, type TagSettings } from './settings.ts';
import { Tagger, type TaggerParts, tagModel } from './tagger.ts';

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
  readonly report: Readonly<Record<string, SpanReport>>;
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
    ...{ engine: model.engine, trained: fineTuned, batches: batchesOf(tagged, train, settings) },
    ...{ limits: settings, optimizer: stepSettings(settings), signal, checkpoint },
    evaluate: () => tagger.evaluate(validation),
    score: ({ report, loss }) => (settings.stopOn === 'f1' ? report.overall.f1 - TIE * loss : -loss),
    onValidation: (seen) => onEvent?.(validationEvent(seen, { f1: seen.evaluation.report.overall.f1 })),
  });
  const report: Record<string, SpanReport> = {};
  if (tuned.status !== 'stopped') {
    for (const [part, sentences] of Object.entries(tests)) report[part] = (await tagger.evaluate(sentences)).report;
  }
  return { ...tuned, ...counts, tagger, labels: tags, tuned: { ...tagged, adapters }, settings, parts, report };
}

/** Training sentences in segments, each word's class the target at its last token. */
function batchesOf(parts: TaggerParts, sentences: readonly TaggedSentence[], settings: TagSettings) {
  const { engine, pad, logits } = tagModel(parts, settings.batchSize);
  const words = sentences.map((sentence) => sentence.words);
  const classes = sentences.map((sentence) => sentence.tags.map((tag) => parts.tags.indexOf(tag)));
  const segments = segmentsOf(parts.tokenizer, words, parts.model.config.blockSize);
  const batch = (indices: readonly number[]) => {
    const { length, values, targets } = pad(
      indices.map((i) => segments[i]),
      classes,
    );
    return { length, values: { ...values, targets } };
  };
  return new TrainingBatches(engine, segments, settings, batch, logits);
}
