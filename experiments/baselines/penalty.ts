/** The strength of the L2 penalty, chosen by how well held-out parts of the training examples are predicted. */
import { argmax } from '../../src/tasks/metrics/classification.ts';
import { fitPath, logProbabilities } from './logisticRegression.ts';
import { Tfidf } from './tfidf.ts';

type Counts = ReadonlyMap<string, number>;

/** From strong to weak, as `fitPath` wants them. Vectors of length 1 want weak ones. */
const PENALTIES = [1, 0.1, 0.03, 0.01, 0.001];
/** Taken where cross-validation cannot tell, as with one example a class. */
const DEFAULT_PENALTY = 0.01;
const FOLDS = 5;
/** From so many examples on, one held-out fifth tells enough. */
const ONE_FOLD_FROM = 500;
/** Folds need not be larger: of more examples only the first five folds of this size are looked at. */
const LARGEST_FOLD = 1000;

/** The penalties on the way to one of them, itself the last. */
export const pathTo = (penalty: number): number[] => PENALTIES.slice(0, PENALTIES.indexOf(penalty) + 1);

/** How held-out examples fared under one penalty. */
interface Outcome {
  readonly penalty: number;
  hits: number;
  logLikelihood: number;
}

/**
 * The penalty under which most held-out examples are classified rightly, of equals the one that finds them likeliest, over
 * five stratified folds (one from 500 examples on). `labels` are dense: 0 to classCount - 1.
 */
export function choosePenalty(texts: readonly Counts[], labels: Int32Array, classCount: number): number {
  const fold = stratifiedFolds(labels, classCount, Math.max(FOLDS, Math.ceil(labels.length / LARGEST_FOLD)));
  const outcomes = PENALTIES.map((penalty): Outcome => ({ penalty, hits: 0, logLikelihood: 0 }));
  for (let held = 0; held < (texts.length < ONE_FOLD_FROM ? FOLDS : 1); held++) {
    const part = (has: (i: number) => boolean): Part => ({
      texts: texts.filter((_, i) => has(i)),
      labels: labels.filter((_, i) => has(i)),
    });
    const train = part((i) => fold[i] < FOLDS && fold[i] !== held);
    const test = part((i) => fold[i] === held);
    if (train.labels.length > 0) tally(outcomes, train, test, classCount);
  }
  const unsure = outcomes.find(({ penalty }) => penalty === DEFAULT_PENALTY)!;
  const better = (a: Outcome, b: Outcome) =>
    a.hits > b.hits || (a.hits === b.hits && a.logLikelihood > b.logLikelihood);
  return outcomes.reduce((best, outcome) => (better(outcome, best) ? outcome : best), unsure).penalty;
}

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

/** Adds how the held-out part fares. Examples of a class that `train` lacks are left out: no penalty foresees them. */
function tally(outcomes: readonly Outcome[], train: Part, test: Part, classCount: number): void {
  const features = new Tfidf(train.texts);
  const rows = features.rows(test.texts);
  const known = new Set(train.labels);
  const p = new Float64Array(classCount);
  const sizes = { featureCount: features.featureCount, classCount };
  const path = fitPath(features.rows(train.texts), train.labels, sizes, PENALTIES);
  for (const [i, weights] of path.entries()) {
    for (const [r, label] of test.labels.entries()) {
      if (!known.has(label)) continue;
      logProbabilities(rows, r, weights, p);
      if (argmax(p) === label) outcomes[i].hits++;
      outcomes[i].logLikelihood += p[label];
    }
  }
}
