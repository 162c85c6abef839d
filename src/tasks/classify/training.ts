/** What a classifier learns from, step by step: whole texts through the model, or, when the model is frozen, states read once. */
import { type Inputs, RecordedPasses, type Values } from '../../model/passes.ts';
import type { LabelledText } from '../../text/labels/labelled.ts';
import type { EncodedText } from '../../text/labels/labelledBatches.ts';
import { Predictor, split, TrainingBatches } from '../batches.ts';
import type { FineTunedModel } from '../fineTuned.ts';
import { type ClassifierParts, encodeTexts, textModel } from './classifier.ts';
import type { ClassifySettings } from './settings.ts';

/** Texts as the model takes them, and the indices of their classes. */
export interface EncodedExamples {
  readonly texts: readonly EncodedText[];
  readonly classes: readonly number[];
}

/** Encodes labelled texts. @throws UserError for a text that is empty or of unknown characters */
export function encodeExamples(
  parts: Pick<ClassifierParts, 'model' | 'tokenizer' | 'classes' | 'maxTokens'>,
  examples: readonly LabelledText[],
): EncodedExamples {
  const texts = examples.map(({ text }) => text);
  const classes = examples.map(({ label }) => parts.classes.indexOf(label));
  return { texts: encodeTexts(parts, texts, parts.maxTokens), classes };
}

type Examples = Readonly<Record<'train' | 'validation', EncodedExamples>>;

/** What steps and validations read. */
export interface Training {
  readonly batches: Pick<TrainingBatches<never>, 'next' | 'skip' | 'loss'>;
  /** Logits of the validation texts: (K) each. */
  validate(): Promise<Float32Array[]>;
  /** Hands back the memory of what was recorded. */
  dispose(): void;
}

/** Whole texts, through the model and the head. */
export function trainOnTexts(
  { model, head }: FineTunedModel,
  { train, validation }: Examples,
  settings: ClassifySettings,
): Training {
  const texts = textModel({ model, head, pooling: settings.pooling }, settings.batchSize);
  const targets = targetsOf(train, settings);
  const batch = (indices: readonly number[]) => {
    const { length, values } = texts.pad(indices.map((i) => train.texts[i]));
    return { length, values: { ...values, ...targets(indices) } };
  };
  const predictor = new Predictor(texts);
  return {
    batches: new TrainingBatches(texts.engine, train.texts, settings, batch, texts.logits),
    validate: () => predictor.rows(validation.texts),
    dispose: () => predictor.dispose(),
  };
}

/** States of texts that the frozen model reads once: only the head learns. */
export async function trainOnStates(
  { model, head }: FineTunedModel,
  { train, validation }: Examples,
  settings: ClassifySettings,
): Promise<Training> {
  const { engine, states, ...texts } = textModel({ model, head, pooling: settings.pooling }, settings.batchSize);
  const predictor = new Predictor({ ...texts, engine, logits: states });
  const trained = await predictor.rows(train.texts);
  const validated = matrix(await predictor.rows(validation.texts)); // (V, C)
  predictor.dispose();
  const targets = targetsOf(train, settings);
  const batch = (indices: readonly number[]) => ({
    length: 0,
    values: { states: matrix(indices.map((i) => trained[i])), ...targets(indices) },
  });
  const logits = (inputs: Inputs<'states'>) => head.logits(inputs.states);
  const passes = new RecordedPasses(engine, logits);
  return {
    batches: new TrainingBatches(engine, train.texts, settings, batch, logits),
    validate: async () => split(await passes.run({ states: validated }), validation.texts.length),
    dispose: () => passes.dispose(),
  };
}

/** The classes of some of the examples, and, where all classes are to count for the same, what each example counts for. */
function targetsOf({ classes }: EncodedExamples, { classWeights }: ClassifySettings) {
  const weights = classWeights && balancedWeights(classes);
  return (indices: readonly number[]): Values<'targets'> => {
    const targets = Uint32Array.from(indices, (i) => classes[i]);
    const shape = [targets.length];
    if (!weights) return { targets: [targets, shape] };
    return { targets: [targets, shape], ...{ weights: [Float32Array.from(targets, (c) => weights.get(c)!), shape] } };
  };
}

/** N / (K n_k) for a class of n_k of the N examples: all K classes then count for the same. */
function balancedWeights(classes: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const c of classes) counts.set(c, (counts.get(c) ?? 0) + 1);
  return new Map([...counts].map(([c, count]) => [c, classes.length / (counts.size * count)]));
}

/** Rows of the same length as a matrix. */
function matrix(rows: readonly Float32Array[]): Values<string>[string] {
  const width = rows[0].length;
  const numbers = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) numbers.set(row, i * width);
  return [numbers, [rows.length, width]];
}
