/** Fine-tunes a pretrained model to a user's classes. */
import type { LabelledText } from '../../text/labels/labelled.ts';
import { subsample } from '../../text/labels/splits.ts';
import { subsampleParts } from '../data.ts';
import { makeFineTuned } from '../fineTuned.ts';
import {
  argmax,
  type ClassificationReport,
  type ClassifyEvaluation,
  classificationReport,
} from '../metrics/classification.ts';
import { fitTemperature, negativeLogLikelihood, softmax } from '../metrics/temperature.ts';
import { type FineTuned, type FineTuneEvent, type FineTuneOptions, tune, validationEvent } from '../tune.ts';
import { Classifier } from './classifier.ts';
import { classesOf } from './data.ts';
import { type ClassifyOverrides, type ClassifySettings, resolveClassify, SEED, stepSettings } from './settings.ts';
import { encodeExamples, trainOnStates, trainOnTexts } from './training.ts';

export type ClassifyEvent = FineTuneEvent<
  {
    settings: ClassifySettings;
    classes: readonly string[];
    /** Training texts that are longer than what is read of them. */
    cut: number;
  },
  { accuracy: number }
>;

/** A fine-tuned classifier, and how good it is. */
export interface TunedClassifier
  extends FineTuned<LabelledText, ClassifySettings & { readonly temperature: number }, ClassifyEvaluation> {
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
  const { pooling, maxTokens, method } = settings;
  const fineTuned = makeFineTuned(base, settings, classes.length);
  const { model, head, adapters, counts } = fineTuned;
  const encode = (texts: readonly LabelledText[]) => encodeExamples({ ...base, classes, maxTokens }, texts);
  const encoded = { train: encode(train), validation: encode(validation) };
  const examples = { train: train.length, validation: validation.length, test: test.length };
  const cut = encoded.train.texts.filter((text) => text.cut).length;
  onEvent?.({ type: 'plan', settings, classes, ...counts, cut, examples });
  const training = await (method === 'head' ? trainOnStates : trainOnTexts)(fineTuned, encoded, settings);
  const tuned = await tune<ClassifyEvaluation>({
    ...{ engine: model.engine, trained: fineTuned, batches: training.batches, signal, checkpoint },
    ...{ limits: settings, optimizer: stepSettings(settings) },
    evaluate: async () => evaluate(await training.validate(), encoded.validation.classes),
    score: ({ loss }) => -loss,
    onValidation: (seen) => onEvent?.(validationEvent(seen, { accuracy: seen.evaluation.accuracy })),
  });
  const temperature = temperatureOf(await training.validate(), encoded.validation.classes);
  training.dispose();
  const parts = { model, head, tokenizer: base.tokenizer, classes, pooling, maxTokens, temperature };
  const classifier = new Classifier(parts);
  const tested = tuned.status === 'stopped' ? undefined : await testReports(classifier, test);
  return {
    ...{ ...tuned, ...counts, classifier, labels: classes, tuned: { ...parts, adapters } },
    ...{ settings: { ...settings, temperature }, parts: { train, validation, test } },
    ...{ report: tested?.report, uncalibratedError: tested?.uncalibratedError },
  };
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
