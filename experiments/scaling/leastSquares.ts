/** Robust least squares of a few parameters: Levenberg-Marquardt on Huber's loss. */

/** What is fitted: for each measurement, by how much the model misses it, and how that changes with each parameter. */
export type Residuals = (
  parameters: readonly number[],
) => { readonly value: number; readonly slopes: readonly number[] }[];

export interface Fitted {
  readonly parameters: readonly number[];
  /** Sum of Huber's losses. */
  readonly cost: number;
}

/** Huber's loss (1964): r^2 / 2 up to delta, growing like |r| beyond, so that a run that went wrong does not bend the fit. */
const huber = (r: number, delta: number): number =>
  Math.abs(r) <= delta ? (r * r) / 2 : delta * (Math.abs(r) - delta / 2);

const MOST_STEPS = 300;

/**
 * The parameters near `start` at which the sum of Huber's losses is least. Each step solves the normal equations with weights
 * min(1, delta / |r|) (iteratively reweighted), damped until it gets better.
 * @param keep brings parameters back to where they make sense
 */
export function fitLeast(
  residuals: Residuals,
  start: readonly number[],
  delta: number,
  keep: (parameters: number[]) => number[] = (parameters) => parameters,
): Fitted {
  const costOf = (parameters: readonly number[]): number =>
    residuals(parameters).reduce((sum, { value }) => sum + huber(value, delta), 0);
  let best: Fitted = { parameters: start, cost: costOf(start) };
  let damping = 1e-3;
  for (let step = 0; step < MOST_STEPS && damping < 1e12; step++) {
    const move = newtonStep(residuals(best.parameters), delta, damping);
    const parameters = move && keep(best.parameters.map((value, i) => value - move[i]));
    const cost = parameters ? costOf(parameters) : Number.NaN;
    if (!(cost < best.cost)) {
      damping *= 4;
      continue;
    }
    const gained = best.cost - cost;
    best = { parameters: parameters!, cost };
    damping = Math.max(1e-12, damping / 3);
    if (gained < 1e-12 * cost) break;
  }
  return best;
}

/** (J'WJ + damping diag) x = J'Wr. */
function newtonStep(rows: ReturnType<Residuals>, delta: number, damping: number): number[] | undefined {
  const n = rows[0].slopes.length;
  const matrix = Array.from({ length: n }, () => new Array<number>(n + 1).fill(0));
  for (const { value, slopes } of rows) {
    const weight = Math.min(1, delta / Math.abs(value || delta));
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) matrix[i][j] += weight * slopes[i] * slopes[j];
      matrix[i][n] += weight * slopes[i] * value;
    }
  }
  for (let i = 0; i < n; i++) matrix[i][i] *= 1 + damping;
  return solve(matrix);
}

/** Gaussian elimination with pivoting on an augmented matrix (n, n + 1); undefined where it is singular. */
export function solve(matrix: number[][]): number[] | undefined {
  const n = matrix.length;
  const rows = matrix.map((row) => [...row]);
  for (let column = 0; column < n; column++) {
    const pivot = rows.slice(column).reduce((best, row, i) => {
      return Math.abs(row[column]) > Math.abs(rows[best][column]) ? column + i : best;
    }, column);
    if (!(Math.abs(rows[pivot][column]) > 0)) return undefined;
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    for (let row = 0; row < n; row++) {
      if (row === column) continue;
      const factor = rows[row][column] / rows[column][column];
      for (let k = column; k <= n; k++) rows[row][k] -= factor * rows[column][k];
    }
  }
  return rows.map((row, i) => row[n] / row[i]);
}
