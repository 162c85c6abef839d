/** Multinomial logistic regression with an L2 penalty, over sparse rows, in float64. */
import { minimize, type Objective } from './lbfgs.ts';
import type { SparseRows } from './tfidf.ts';

/** Entries of the gradient of the mean loss; a held-out loss does not tell what is below. */
const TOLERANCE = 1e-4;
const MAX_STEPS = 200;

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

/** The weights of least loss, found from `start` on. */
export const fitLogistic = (
  rows: SparseRows,
  labels: Int32Array,
  classCount: number,
  penalty: number,
  start: Float64Array,
): Float64Array => minimize(logisticObjective(rows, labels, classCount, penalty), start, TOLERANCE, MAX_STEPS);
