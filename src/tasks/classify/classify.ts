/** Fine-tunes a pretrained model to a user's classes. */
import { type Inputs, RecordedPasses, type Values } from '../../model/passes.ts';
import { countLabels, type LabelledText } from '../../text/labels/labelled.ts';
import { subsample } from '../../text/labels/splits.ts';
import { Predictor, split, TrainingBatches } from '../batches.ts';
import { subsampleParts } from '../data.ts';
import { type FineTunedModel, makeFineTuned } from '../fineTuned.ts';
import { argmax, type ClassificationReport, classificationReport } from '../metrics/classification.ts';
import { fitTemperature, negativeLogLikelihood, softmax } from '../metrics/temperature.ts';
import { type FineTuned, type FineTuneEvent, type FineTuneOptions, tune } from '../tune.ts';
import { Classifier, encodeTexts, textModel } from './classifier.ts';
import { classesOf } from './data.ts';
import { type ClassifyOverrides, type ClassifySettings, resolveClassify, SEED, stepSettings } from './settings.ts';

export type ClassifyEvent = FineTuneEvent<
  {
    settings: ClassifySettings;
    classes: readonly string[];
    /** Training texts that are longer than what is read of them. */
    cut: number;
  },
  { accuracy: number }
>;

/** What a validation says. */
export interface ClassifyEvaluation {
  /** Mean cross-entropy, nats a text. */
  readonly loss: number;
  readonly accuracy: number;
}

/** A fine-tuned classifier, and how good it is. */
export interface TunedClassifier extends FineTuned<LabelledText, ClassifySettings, ClassifyEvaluation> {
  readonly classifier: Classifier;
  /** On the test part; undefined when it was stopped. */
  readonly report: ClassificationReport | undefined;
  /** The expected calibration error on the test part before the temperature was fitted. */
  readonly uncalibratedError: number | undefined;
}

/**
 * Tunes a copy of a pretrained model and a new head to classes: cross-entropy, early stopping on the validation loss, the best
 * weights kept, and a temperature fitted on the validation part. The same options give the same result, bit for bit.
 * @throws UserError for texts that cannot be learned from (one class only, a label without a training text, empty texts) and a
 *   loss that is no number any more; UsageError for settings that do not fit together
 */
export async function tuneClassifier(
  options: FineTuneOptions<LabelledText, ClassifyOverrides, ClassifyEvent>,
): Promise<TunedClassifier> {
  const { base, overrides = {}, name = 'the data', onEvent, signal, checkpoint } = options;
  const classes = classesOf(options.parts, name);
  const { train, validation, test } = subsampleParts(options.parts, options.labels, overrides.seed ?? SEED, subsample);
  const settings = resolveClassify(overrides, train.length);
  const { pooling, maxTokens } = settings;
  const fineTuned = makeFineTuned(base, settings, classes.length);
  const { model, head, adapters, counts } = fineTuned;
  const encode = (texts: readonly LabelledText[]): Encoded => ({
    texts: encodeTexts(
      base,
      texts.map(({ text }) => text),
      maxTokens,
    ),
    classes: texts.map(({ label }) => classes.indexOf(label)),
  });
  const encoded = { train: encode(train), validation: encode(validation) };
  const examples = { train: train.length, validation: validation.length, test: test.length };
  const cut = encoded.train.texts.filter((text) => text.cut).length;
  onEvent?.({ type: 'plan', settings, classes, ...counts, cut, examples });
  const weights = settings.classWeights ? balanced(train, classes) : undefined;
  const training = await (settings.method === 'head' ? onFrozenStates : onTexts)(fineTuned, encoded, settings, weights);
  const tuned = await tune<ClassifyEvaluation>({
    ...{ engine: model.parameters.values.engine, trained: fineTuned, batches: training.batches, signal, checkpoint },
    ...{ limits: settings, optimizer: stepSettings(settings) },
    evaluate: async () => evaluate(await training.validate(), encoded.validation.classes),
    score: ({ loss }) => -loss,
    onValidation: ({ step, loss, evaluation, best }) =>
      onEvent?.({
        ...{ type: 'validation', step, loss },
        ...{ validationLoss: evaluation.loss, accuracy: evaluation.accuracy, best },
      }),
  });
  const temperature = temperatureOf(await training.validate(), encoded.validation.classes);
  training.dispose();
  const { tokenizer } = base;
  const classifier = new Classifier({ model, head, tokenizer, classes, pooling, maxTokens, temperature });
  const tested = tuned.status === 'stopped' ? undefined : await testReports(classifier, test);
  const parts = { train, validation, test };
  const { report, uncalibratedError } = tested ?? {};
  return { ...tuned, ...counts, classifier, adapters, settings, parts, report, uncalibratedError };
}

/** N / (K n_k) for a class of n_k of the N examples: all K classes then count for the same. */
function balanced(texts: readonly LabelledText[], classes: readonly string[]): number[] {
  const counts = countLabels(texts);
  return classes.map((label) => texts.length / (counts.size * (counts.get(label) ?? 1)));
}

/** Texts as the model takes them, and the indices of their classes. */
interface Encoded {
  readonly texts: ReturnType<typeof encodeTexts>;
  readonly classes: readonly number[];
}

/** What a classifier learns from. */
interface Training {
  readonly batches: Pick<TrainingBatches<never>, 'next' | 'skip' | 'loss'>;
  /** Logits of the validation texts: (K) each. */
  validate(): Promise<Float32Array[]>;
  /** Hands back the memory of what was recorded. */
  dispose(): void;
}

type MakeTraining = (
  model: FineTunedModel,
  encoded: Readonly<Record<'train' | 'validation', Encoded>>,
  settings: ClassifySettings,
  classWeights: readonly number[] | undefined,
) => Training | Promise<Training>;

/** Whole texts, through the model and the head. */
const onTexts: MakeTraining = ({ model, head }, { train, validation }, settings, classWeights) => {
  const { engine, pad, logits, ...rest } = textModel({ model, head, pooling: settings.pooling }, settings.batchSize);
  const batch = (indices: readonly number[]) => {
    const { length, values } = pad(indices.map((i) => train.texts[i]));
    return { length, values: { ...values, ...targetsOf(train, indices, classWeights) } };
  };
  const predictor = new Predictor({ engine, pad, logits, ...rest });
  return {
    batches: new TrainingBatches(engine, train.texts, settings, batch, logits),
    validate: () => predictor.rows(validation.texts),
    dispose: () => predictor.dispose(),
  };
};

/** States of texts that the frozen model reads once: only the head learns. */
const onFrozenStates: MakeTraining = async ({ model, head }, { train, validation }, settings, classWeights) => {
  const texts = textModel({ model, head, pooling: settings.pooling }, settings.batchSize);
  const reader = new Predictor({ ...texts, logits: texts.states });
  const trained = await reader.rows(train.texts);
  const held = stack(await reader.rows(validation.texts)); // (V, C)
  reader.dispose();
  const batch = (indices: readonly number[]) => ({
    length: 0,
    values: { states: stack(indices.map((i) => trained[i])), ...targetsOf(train, indices, classWeights) },
  });
  const logits = ({ states }: Inputs<'states'>) => head.logits(states);
  const passes = new RecordedPasses(texts.engine, logits);
  return {
    batches: new TrainingBatches(texts.engine, train.texts, settings, batch, logits),
    validate: async () => split(await passes.run({ states: held }), validation.texts.length),
    dispose: () => passes.dispose(),
  };
};

/** The classes of examples, and what each counts for. */
function targetsOf({ classes }: Encoded, indices: readonly number[], weights?: readonly number[]): Values<'targets'> {
  const targets = Uint32Array.from(indices, (i) => classes[i]);
  const shape = [targets.length];
  return {
    targets: [targets, shape],
    ...(weights && { weights: [Float32Array.from(targets, (c) => weights[c]), shape] }),
  };
}

/** Rows of the same length as a matrix. */
function stack(rows: readonly Float32Array[]): Values<string>[string] {
  const width = rows[0].length;
  const matrix = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) matrix.set(row, i * width);
  return [matrix, [rows.length, width]];
}

function evaluate(logits: readonly Float32Array[], classes: readonly number[]): ClassifyEvaluation {
  const probabilities = logits.map((row) => softmax(row));
  const right = probabilities.filter((p, i) => argmax(p) === classes[i]).length;
  return { loss: negativeLogLikelihood(probabilities, classes), accuracy: right / classes.length };
}

/** Fewer validation texts say too little of how sure the classifier may be: the temperature stays 1. */
export const LEAST_TO_CALIBRATE = 32;

const temperatureOf = (logits: readonly Float32Array[], classes: readonly number[]): number =>
  logits.length < LEAST_TO_CALIBRATE ? 1 : fitTemperature(logits, classes);

/** The report of a classifier on texts whose labels it knows, and its calibration error without the temperature. */
async function testReports(classifier: Classifier, texts: readonly LabelledText[]) {
  const { classes, temperature } = classifier.parts;
  const truth = texts.map(({ label }) => classes.indexOf(label));
  const probabilities = await classifier.probabilities(texts.map(({ text }) => text));
  // softmax(log p T) undoes what the temperature did to p
  const raw = probabilities.map((p) => softmax(p.map((value) => Math.log(value) * temperature)));
  const uncalibratedError = classificationReport(classes, truth, raw).calibrationError;
  return { report: classificationReport(classes, truth, probabilities), uncalibratedError };
}
