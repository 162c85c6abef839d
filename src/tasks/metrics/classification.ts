/** How good a classifier's answers are, and how far its probabilities can be believed. All results are plain JSON data. */
import { mean, sum } from 'simple-statistics';
import { z } from 'zod';
import { UserError } from '../../errors.ts';

/** JSON has no infinity: what was none is read as one again. */
export const lossFigure = z.union([z.number(), z.null().transform(() => Number.POSITIVE_INFINITY)]);
const share = z.number().min(0).max(1);
const count = z.int().min(0);
const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();

/** How well a kind of thing was found. A ratio without cases (0 / 0) is 0. */
export const Score = z.object({
  precision: share,
  recall: share,
  /** Their harmonic mean. */
  f1: share,
  /** How many there are. */
  support: count,
  /** How many were said to be. */
  predicted: count,
});
export type Score = Readonly<z.infer<typeof Score>>;

/** The examples of one class against all others. */
const ClassScore = Score.extend({ label: z.string() });
export type ClassScore = Readonly<z.infer<typeof ClassScore>>;

/** The predictions whose confidence (highest probability) lies in (low, high]. */
const ReliabilityBin = z.object({
  ...{ low: share, high: share, count },
  /** Mean of the highest probabilities; null in an empty bin. */
  confidence: share.nullable(),
  accuracy: share.nullable(),
});
export type ReliabilityBin = Readonly<z.infer<typeof ReliabilityBin>>;

/** What happens when the classifier keeps silent below a confidence of `threshold`. */
const SelectiveAccuracy = z.object({
  threshold: share,
  /** Share of the examples that are still answered. */
  coverage: share,
  /** Accuracy on those; null when none is answered. */
  accuracy: share.nullable(),
});
export type SelectiveAccuracy = Readonly<z.infer<typeof SelectiveAccuracy>>;

/** What a validation says. */
export const ClassifyEvaluation = z.object({
  /** Mean cross-entropy, nats a text. */
  loss: lossFigure,
  accuracy: share,
});
export type ClassifyEvaluation = Readonly<z.infer<typeof ClassifyEvaluation>>;

export const ClassificationReport = z
  .object({
    ...{ count: count.min(1), accuracy: share },
    /** 95% interval of the accuracy: `wilsonInterval`. */
    accuracyInterval: z.tuple([share, share]).readonly(),
    /** Mean F1 of the classes that occur, as truth or as prediction. */
    macroF1: share,
    perClass: list(ClassScore),
    /** confusion[truth][predicted], counts. */
    confusion: list(list(count)),
    ...{ calibrationError: share, reliability: list(ReliabilityBin), abstention: list(SelectiveAccuracy) },
  })
  .refine(addsUp, { path: ['confusion'], error: 'does not agree with the scores and counts beside it' });
export type ClassificationReport = Readonly<z.infer<typeof ClassificationReport>>;

/** Whether the confusion has a row and a column for each class, and counts what is said of them. */
function addsUp({ count, accuracy, confusion, perClass }: Counted): boolean {
  const columns = perClass.map((_, c) => confusion.map((row) => row[c] ?? Number.NaN));
  const scored = perClass.every(
    ({ support, predicted }, c) => support === sum([...(confusion[c] ?? [])]) && predicted === sum(columns[c]),
  );
  const right = sum(columns.map((column, c) => column[c]));
  return confusion.length === perClass.length && scored && Math.abs(accuracy - right / count) < 1e-9;
}

interface Counted {
  readonly count: number;
  readonly accuracy: number;
  readonly confusion: readonly (readonly number[])[];
  readonly perClass: readonly Score[];
}

const CALIBRATION_BINS = 15;
const THRESHOLDS = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99];
/** f32 probabilities over some dozens of classes add up to 1 far closer than this; anything else is no distribution. */
const SUM_TOLERANCE = 1e-3;

/**
 * Everything there is to say of a classifier on a test set. `truth`: index into `classes` of each example;
 * `probabilities`: a distribution over `classes` for each. The prediction is the most probable class, the first of equals.
 * Throws UserError without examples, on a true class out of range, and on probabilities that do not add up to 1.
 */
export function classificationReport(
  classes: readonly string[],
  truth: ArrayLike<number>,
  probabilities: readonly ArrayLike<number>[],
): ClassificationReport {
  checkInputs(classes.length, truth, probabilities);
  const predicted = probabilities.map(argmax);
  const confidence = probabilities.map((p, i) => p[predicted[i]]);
  const correct = predicted.map((label, i) => label === truth[i]);
  const confusion = confusionMatrix(classes.length, truth, predicted);
  const perClass = classScores(classes, confusion);
  const hits = correct.filter(Boolean).length;
  const reliability = reliabilityBins(confidence, correct);
  return {
    count: truth.length,
    accuracy: hits / truth.length,
    accuracyInterval: wilsonInterval(hits, truth.length),
    macroF1: macroF1(perClass),
    perClass,
    confusion,
    calibrationError: calibrationError(reliability),
    reliability,
    abstention: abstentionCurve(confidence, correct),
  };
}

/** Index of the highest value, the first of equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/** Counts, [truth][predicted]. */
export function confusionMatrix(
  classCount: number,
  truth: ArrayLike<number>,
  predicted: ArrayLike<number>,
): number[][] {
  const counts = Array.from({ length: classCount }, () => new Array<number>(classCount).fill(0));
  for (let i = 0; i < truth.length; i++) counts[truth[i]][predicted[i]]++;
  return counts;
}

/** Precision, recall and F1 of every class, from the counts [truth][predicted]. */
export function classScores(classes: readonly string[], confusion: readonly (readonly number[])[]): ClassScore[] {
  return classes.map((label, c) => {
    const predicted = sum(confusion.map((row) => row[c]));
    return { label, ...scoreOf(confusion[c][c], predicted, sum(confusion[c])) };
  });
}

const ratio = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);

/** `correct` of `predicted` were right, of `support` that there are. */
export const scoreOf = (correct: number, predicted: number, support: number): Score => ({
  ...{ precision: ratio(correct, predicted), recall: ratio(correct, support) },
  ...{ f1: ratio(2 * correct, predicted + support), support, predicted },
});

/** Mean F1 of the classes that occur; one that is neither there nor predicted says nothing and is left out. */
export function macroF1(scores: readonly ClassScore[]): number {
  const occurring = scores.filter(({ support, predicted }) => support + predicted > 0);
  return mean(occurring.map(({ f1 }) => f1));
}

/** Quantile of the normal distribution for a two-sided 95%. */
const Z95 = 1.959963984540054;

/**
 * 95% interval of a proportion (Wilson 1927, "Probable inference, the law of succession, and statistical inference"): unlike
 * the textbook's p +- z sqrt(p (1 - p) / n) it stays within [0, 1] and is no point at 0 or n hits. `count` at least 1.
 */
export function wilsonInterval(hits: number, count: number): [number, number] {
  const p = hits / count;
  const z2 = Z95 ** 2;
  const centre = p + z2 / (2 * count);
  const half = Z95 * Math.sqrt((p * (1 - p)) / count + z2 / (4 * count ** 2));
  const scale = 1 + z2 / count;
  return [Math.max(0, (centre - half) / scale), Math.min(1, (centre + half) / scale)];
}

/** 15 bins of equal width over the confidences, which lie in (0, 1] (Guo et al. 2017, "On calibration of modern neural networks"). */
export function reliabilityBins(confidence: readonly number[], correct: readonly boolean[]): ReliabilityBin[] {
  const members: number[][] = Array.from({ length: CALIBRATION_BINS }, () => []);
  for (const [i, value] of confidence.entries()) {
    const bin = Math.ceil(value * CALIBRATION_BINS) - 1;
    members[Math.min(CALIBRATION_BINS - 1, Math.max(0, bin))].push(i);
  }
  return members.map((inside, bin) => ({
    low: bin / CALIBRATION_BINS,
    high: (bin + 1) / CALIBRATION_BINS,
    count: inside.length,
    confidence: inside.length > 0 ? mean(inside.map((i) => confidence[i])) : null,
    accuracy: inside.length > 0 ? inside.filter((i) => correct[i]).length / inside.length : null,
  }));
}

/** Expected calibration error: |accuracy - confidence| of each bin, weighted by its share of the examples. */
export function calibrationError(bins: readonly ReliabilityBin[]): number {
  const total = sum(bins.map(({ count }) => count));
  const gap = ({ accuracy, confidence }: ReliabilityBin): number => Math.abs((accuracy ?? 0) - (confidence ?? 0));
  return sum(bins.map((bin) => (bin.count / total) * gap(bin)));
}

/** Coverage against accuracy when only predictions of at least a threshold's confidence are given. */
export function abstentionCurve(confidence: readonly number[], correct: readonly boolean[]): SelectiveAccuracy[] {
  return THRESHOLDS.map((threshold) => {
    const answered = correct.filter((_, i) => confidence[i] >= threshold);
    return {
      threshold,
      coverage: answered.length / correct.length,
      accuracy: answered.length > 0 ? answered.filter(Boolean).length / answered.length : null,
    };
  });
}

function checkInputs(classCount: number, truth: ArrayLike<number>, probabilities: readonly ArrayLike<number>[]): void {
  if (truth.length === 0) throw new UserError('there are no examples to evaluate on; give a file with at least one');
  if (truth.length !== probabilities.length) {
    throw new Error(`classificationReport: ${truth.length} true classes, but ${probabilities.length} predictions`);
  }
  for (const [i, p] of probabilities.entries()) {
    if (!(Number.isInteger(truth[i]) && truth[i] >= 0 && truth[i] < classCount)) {
      throw new UserError(
        `example ${i + 1} has a label that the classifier never learned (it knows ${classCount}); ` +
          'leave such examples out, or fine-tune with them',
      );
    }
    if (!(p.length === classCount && Math.abs(sum(Array.from(p)) - 1) <= SUM_TOLERANCE)) {
      throw new UserError(
        `the probabilities of example ${i + 1} do not add up to 1 over ${classCount} classes; ` +
          'the model has diverged: fine-tune it again with a lower learning rate',
      );
    }
  }
}
