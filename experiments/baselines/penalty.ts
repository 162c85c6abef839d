/** The strength of the L2 penalty, chosen by how well held-out parts of the training examples are predicted. */
import { argmax } from '../../src/tasks/metrics/classification.ts';
import { fitPath, logProbabilities } from './logisticRegression.ts';
import { Tfidf } from './tfidf.ts';

type Counts = ReadonlyMap<string, number>;

/** From strong to weak, as `fitPath` wants them. Vectors of length 1 want weak ones. */
export const PENALTIES = [1, 0.1, 0.03, 0.01, 0.001];
/** Taken where cross-validation cannot tell, as with one example a class. */
const DEFAULT_PENALTY = 0.01;
const FOLDS = 5;
/** From so many examples on, one held-out fifth tells enough. */
const ONE_FOLD_FROM = 500;
/** Folds need not be larger: of more examples only the first five folds of this size are looked at. */
const LARGEST_FOLD = 1000;

/** How held-out examples fared under one penalty. */
interface Outcome {
  readonly hits: number;
  readonly logLikelihood: number;
}
const NONE: Outcome = { hits: 0, logLikelihood: 0 };

/**
 * The penalty under which most held-out examples are classified rightly, of equals the one that finds them likeliest, over
 * five stratified folds (one from 500 examples on). `labels` are dense: 0 to classCount - 1.
 */
export function choosePenalty(texts: readonly Counts[], labels: Int32Array, classCount: number): number {
  const fold = stratifiedFolds(labels, classCount, Math.max(FOLDS, Math.ceil(labels.length / LARGEST_FOLD)));
  let outcomes = PENALTIES.map(() => NONE);
  for (let held = 0; held < (texts.length < ONE_FOLD_FROM ? FOLDS : 1); held++) {
    const train = partOf(texts, labels, (i) => fold[i] < FOLDS && fold[i] !== held);
    const test = partOf(texts, labels, (i) => fold[i] === held);
    if (train.labels.length === 0 || test.labels.length === 0) continue;
    const more = heldOut(train, test, classCount);
    outcomes = outcomes.map((sum, i) => add(sum, more[i]));
  }
  const unsure = PENALTIES.indexOf(DEFAULT_PENALTY);
  return PENALTIES[outcomes.reduce((best, outcome, i) => (isBetter(outcome, outcomes[best]) ? i : best), unsure)];
}

const add = (a: Outcome, b: Outcome): Outcome => ({
  hits: a.hits + b.hits,
  logLikelihood: a.logLikelihood + b.logLikelihood,
});

const isBetter = (a: Outcome, b: Outcome): boolean =>
  a.hits > b.hits || (a.hits === b.hits && a.logLikelihood > b.logLikelihood);

/** The fold of each example: each class is dealt out in turns, the next class going on where the last one ended. */
export function stratifiedFolds(labels: Int32Array, classCount: number, folds: number): Int32Array {
  const fold = new Int32Array(labels.length);
  let next = 0;
  for (let c = 0; c < classCount; c++) {
    for (let i = 0; i < labels.length; i++) if (labels[i] === c) fold[i] = next++ % folds;
  }
  return fold;
}

interface Part {
  readonly texts: readonly Counts[];
  readonly labels: Int32Array;
}

const partOf = (texts: readonly Counts[], labels: Int32Array, has: (i: number) => boolean): Part => ({
  texts: texts.filter((_, i) => has(i)),
  labels: labels.filter((_, i) => has(i)),
});

/** The held-out part under each penalty. Examples of a class that `train` lacks are left out: no penalty foresees them. */
function heldOut(train: Part, test: Part, classCount: number): Outcome[] {
  const features = new Tfidf(train.texts);
  const rows = features.rows(train.texts);
  const testRows = features.rows(test.texts);
  const known = new Set(train.labels);
  const p = new Float64Array(classCount);
  const sizes = { featureCount: features.featureCount, classCount };
  return fitPath(rows, train.labels, sizes, PENALTIES).map((weights) => {
    const outcomeOf = (label: number, r: number): Outcome => {
      logProbabilities(testRows, r, weights, p);
      return { hits: argmax(p) === label ? 1 : 0, logLikelihood: p[label] };
    };
    return Array.from(test.labels, (label, r) => (known.has(label) ? outcomeOf(label, r) : NONE)).reduce(add, NONE);
  });
}
