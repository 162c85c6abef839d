/** Tuning a pretrained model to a user's classes. */
import type { LoraAdapters } from '../../model/lora.ts';
import { countLabels, type LabelledText } from '../../text/labels/labelled.ts';
import { encodeText, trainingBatches } from '../../text/labels/labelledBatches.ts';
import { type Splits, subsample } from '../../text/labels/splits.ts';
import { Stepper } from '../../train/stepper.ts';
import { type Base, makePupil, type Pupil } from '../fineTuned.ts';
import { argmax, type ClassificationReport, classificationReport } from '../metrics/classification.ts';
import { fitTemperature, negativeLogLikelihood, softmax } from '../metrics/temperature.ts';
import { thinOut } from '../subsample.ts';
import { type Tuned, type TuneRecord, tune } from '../tune.ts';
import type { TuneCheckpoint } from '../tuneCheckpoint.ts';
import { Classifier, tokensRead } from './classifier.ts';
import { classesOf } from './data.ts';
import { type Examples, type Learner, type LearnerParts, StateLearner, TextLearner } from './learners.ts';
import { type ClassifySettings, type ClassifyWishes, SEED, settleClassify, stepSettings } from './settings.ts';

export interface TuneClassifierOptions {
  readonly base: Base;
  /** Texts with labels. What is tested on is looked at once, when all is decided. */
  readonly parts: Splits<LabelledText>;
  /** What errors call the texts. */
  readonly name?: string;
  readonly wishes?: ClassifyWishes;
  /** Train on so many of the training texts only, and choose by no more validation texts than that. */
  readonly labels?: number;
  /** Ends the tuning at the next step; the best weights so far are kept, and nothing is tested. */
  readonly signal?: AbortSignal;
  /** Where it is kept how far the tuning is. */
  readonly checkpoint?: TuneCheckpoint;
  readonly onEvent?: (event: ClassifyEvent) => void;
}

export type ClassifyEvent =
  | {
      type: 'plan';
      settings: ClassifySettings;
      classes: readonly string[];
      examples: Record<string, number>;
      cut: number;
      trained: number;
      total: number;
    }
  | { type: 'validation'; step: number; loss: number; validationLoss: number; accuracy: number; best: boolean };

/** What a validation says. */
export interface Validated {
  /** Mean cross-entropy, nats a text. */
  readonly loss: number;
  readonly accuracy: number;
}

/** A tuned classifier, and how good it is. */
export interface TunedClassifier {
  readonly status: Tuned<Validated>['status'];
  readonly classifier: Classifier;
  readonly adapters: LoraAdapters | undefined;
  readonly settings: ClassifySettings;
  /** The texts that it was trained, validated and tested on. */
  readonly parts: Splits<LabelledText>;
  readonly best: TuneRecord<Validated>;
  readonly history: readonly TuneRecord<Validated>[];
  /** Numbers that were trained, and those of model and head together. */
  readonly trained: number;
  readonly total: number;
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
export async function tuneClassifier(options: TuneClassifierOptions): Promise<TunedClassifier> {
  const { base, wishes = {}, name = 'the data', onEvent } = options;
  const classes = classesOf(options.parts, name);
  const parts = thinOut(options.parts, options.labels, wishes.seed ?? SEED, subsample);
  const settings = settleClassify(wishes, parts.train.length);
  const pupil = makePupil(base, settings, classes.length);
  const learned = {
    train: examplesOf(parts.train, base, classes, settings),
    validation: examplesOf(parts.validation, base, classes, settings),
    ...(settings.classWeights && { classWeights: balanced(parts.train, classes) }),
  };
  const { model, head, adapters, trained, total } = pupil;
  onEvent?.({
    ...{ type: 'plan', settings, classes, trained, total, cut: learned.train.texts.filter(({ cut }) => cut).length },
    examples: { train: parts.train.length, validation: parts.validation.length, test: parts.test.length },
  });
  const tuned = await learn(pupil, learned, settings, options);
  const validated = await tuned.learner.validate();
  tuned.learner.dispose();
  const temperature = temperatureOf(validated, learned.validation.classes);
  const classifier = new Classifier({
    model,
    head,
    tokenizer: base.tokenizer,
    classes,
    pooling: settings.pooling,
    maxTokens: settings.maxTokens,
    temperature,
  });
  const { status, best, history } = tuned;
  const tested = status === 'stopped' ? undefined : await test(classifier, parts.test);
  return {
    status,
    classifier,
    ...{ adapters, settings, parts, best, history, trained, total },
    report: tested?.report,
    uncalibratedError: tested?.uncalibratedError,
  };
}

function examplesOf(
  texts: readonly LabelledText[],
  { tokenizer, model }: Base,
  classes: readonly string[],
  { maxTokens }: ClassifySettings,
): Examples {
  const most = tokensRead(model, maxTokens);
  return {
    texts: texts.map(({ text }) => encodeText(tokenizer, text, most)),
    classes: texts.map(({ label }) => classes.indexOf(label)),
  };
}

/** N / (K n_k) for a class of n_k of the N examples: all K classes then count for the same. */
function balanced(texts: readonly LabelledText[], classes: readonly string[]): number[] {
  const counts = countLabels(texts);
  return classes.map((label) => texts.length / (counts.size * (counts.get(label) ?? 1)));
}

async function learn(
  { model, head, parameters }: Pupil,
  learned: Omit<LearnerParts, 'reader' | 'head'>,
  settings: ClassifySettings,
  { signal, checkpoint, onEvent }: TuneClassifierOptions,
): Promise<Tuned<Validated> & { learner: Learner }> {
  const { pooling, batchSize, seed } = settings;
  const { engine } = model.parameters;
  const parts = { reader: { model, pooling, batchSize }, head, ...learned };
  const learner = settings.method === 'head' ? await StateLearner.read(engine, parts) : new TextLearner(engine, parts);
  const stepper = new Stepper(
    engine,
    { parameters, loss: (state, _, form) => learner.loss(state, form) },
    stepSettings(settings),
  );
  const batches = trainingBatches(learned.train.texts, batchSize, seed);
  const tuned = await tune<Validated>({
    stepper,
    course: settings,
    step: () => stepper.run(learner.write(batches.next().value)),
    evaluate: async () => judge(await learner.validate(), learned.validation.classes),
    score: ({ loss }) => -loss,
    skip: (steps) => {
      for (let i = 0; i < steps; i++) batches.next();
    },
    ...{ signal, checkpoint },
    onRecord: ({ step, loss, evaluation, best }) =>
      onEvent?.({
        type: 'validation',
        step,
        loss,
        validationLoss: evaluation.loss,
        accuracy: evaluation.accuracy,
        best,
      }),
  });
  stepper.dispose();
  return { ...tuned, learner };
}

function judge(logits: readonly Float32Array[], classes: readonly number[]): Validated {
  const probabilities = logits.map((row) => softmax(row));
  const right = probabilities.filter((p, i) => argmax(p) === classes[i]).length;
  return { loss: negativeLogLikelihood(probabilities, classes), accuracy: right / classes.length };
}

/** Fewer validation texts say too little of how sure the classifier may be: the temperature stays 1. */
export const LEAST_TO_CALIBRATE = 32;

const temperatureOf = (logits: readonly Float32Array[], classes: readonly number[]): number =>
  logits.length < LEAST_TO_CALIBRATE ? 1 : fitTemperature(logits, classes);

/** The report of a classifier on texts whose labels it knows, and its calibration error without the temperature. */
async function test(classifier: Classifier, texts: readonly LabelledText[]) {
  const { classes, temperature } = classifier.parts;
  const truth = texts.map(({ label }) => classes.indexOf(label));
  const probabilities = await classifier.probabilities(texts.map(({ text }) => text));
  // softmax(log p T) undoes what the temperature did to p
  const raw = probabilities.map((p) => softmax(p.map((value) => Math.log(value) * temperature)));
  const uncalibratedError = classificationReport(classes, truth, raw).calibrationError;
  return { report: classificationReport(classes, truth, probabilities), uncalibratedError };
}
