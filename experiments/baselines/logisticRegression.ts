/**
 * Multinomial logistic regression with an L2 penalty, over sparse rows, in float64. The engine has no sparse product, and as
 * a dense layer on a software adapter the same takes a hundred times as long: so only its optimizer is used, in the float64 form
 * that its kernels are tested against.
 */
import { adamwReference } from '../../src/kernels/optimizer/adamw.ts';
import { packSettings } from '../../src/kernels/optimizer/optimizer.ts';
import { learningRateAt, type ScheduleSettings } from '../../src/train/schedule.ts';
import type { SparseRows } from './tfidf.ts';

/** Writes the gradient at `weights` into `gradient`, which it overwrites, and returns the loss. */
export type Objective = (weights: Float64Array, gradient: Float64Array) => number;

/**
 * Steps for each penalty, over all rows: from one penalty's optimum to the next one's they come within 2e-6 of the least loss. Gradients
 * that are exact want short memories: with betas of 0.9 and 0.99 the same takes four times as many.
 */
const STEPS = 50;
const COURSE: ScheduleSettings = {
  ...{ schedule: 'cosine', steps: STEPS, learningRate: 0.2, minLearningRate: 0, warmupSteps: 0, decayFraction: 0 },
};
const SETTINGS = { beta1: 0.7, beta2: 0.7, epsilon: 1e-8, weightDecay: 0, clipNorm: 0 };

/**
 * The loss to be minimized, with N rows x_r of classes y_r:
 *     1/N ( sum over r of -log softmax(x_r W + b)[y_r]  +  penalty / 2 |W|^2 ).
 * The weights are W, (features, classes) row by row, and then b, one a class, which is not penalized.
 */
export function logisticObjective(
  rows: SparseRows,
  labels: Int32Array,
  classCount: number,
  penalty: number,
): Objective {
  const N = labels.length;
  const p = new Float64Array(classCount);
  return (weights, gradient) => {
    const loss = penalize(weights, gradient, weights.length - classCount, penalty);
    let total = loss;
    for (let r = 0; r < N; r++) {
      total -= logProbabilities(rows, r, weights, p)[labels[r]];
      for (let c = 0; c < classCount; c++) p[c] = Math.exp(p[c]) - (c === labels[r] ? 1 : 0);
      addOuter(rows, r, p, gradient);
    }
    for (let i = 0; i < gradient.length; i++) gradient[i] /= N;
    return total / N;
  };
}

/** penalty / 2 |W|^2 and its gradient, which overwrites what was there. */
function penalize(weights: Float64Array, gradient: Float64Array, penalized: number, penalty: number): number {
  let squares = 0;
  gradient.fill(0);
  for (let i = 0; i < penalized; i++) {
    squares += weights[i] ** 2;
    gradient[i] = penalty * weights[i];
  }
  return (penalty / 2) * squares;
}

/** log softmax(x_r W + b), written into `out`, (classes). */
export function logProbabilities(rows: SparseRows, r: number, weights: Float64Array, out: Float64Array): Float64Array {
  const C = out.length;
  const bias = weights.length - C;
  for (let c = 0; c < C; c++) out[c] = weights[bias + c];
  for (let i = rows.start[r]; i < rows.start[r + 1]; i++) {
    const row = rows.column[i] * C;
    for (let c = 0; c < C; c++) out[c] += rows.value[i] * weights[row + c];
  }
  let highest = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < C; c++) highest = Math.max(highest, out[c]);
  let sum = 0;
  for (let c = 0; c < C; c++) sum += Math.exp(out[c] - highest);
  const logSum = highest + Math.log(sum);
  for (let c = 0; c < C; c++) out[c] -= logSum;
  return out;
}

/** gradient += x_r (outer) d, and d for the bias. */
function addOuter(rows: SparseRows, r: number, d: Float64Array, gradient: Float64Array): void {
  const C = d.length;
  for (let i = rows.start[r]; i < rows.start[r + 1]; i++) {
    const row = rows.column[i] * C;
    for (let c = 0; c < C; c++) gradient[row + c] += rows.value[i] * d[c];
  }
  const bias = gradient.length - C;
  for (let c = 0; c < C; c++) gradient[bias + c] += d[c];
}

/**
 * The weights of least loss under each penalty. They are given from strong to weak: weak ones alone would take far more steps, and
 * so begin where the one before ended; the first begins at 0.
 */
export function fitPath(
  rows: SparseRows,
  labels: Int32Array,
  { featureCount, classCount }: { featureCount: number; classCount: number },
  penalties: readonly number[],
): Float64Array[] {
  let weights = new Float64Array((featureCount + 1) * classCount);
  return penalties.map((penalty) => {
    weights = minimize(logisticObjective(rows, labels, classCount, penalty), weights);
    return weights;
  });
}

/** AdamW without decay, whose gradients are exact here. */
function minimize(objective: Objective, start: Float64Array): Float64Array<ArrayBuffer> {
  const [values, gradients, firstMoment, secondMoment] = [start, [], [], []].map((from) =>
    Float64Array.from({ length: start.length }, (_, i) => from[i] ?? 0),
  );
  for (let step = 0; step < STEPS; step++) {
    objective(values, gradients);
    const settings = packSettings({ ...SETTINGS, learningRate: learningRateAt(step, COURSE) }, step + 1);
    adamwReference({ values, gradients, firstMoment, secondMoment }, 1, settings, 0);
  }
  return values;
}
