/** Forecasts that a model must be held against. All learn from the training part alone. */
import { dot, eigen, type Matrix, solver, zeros } from './linear.ts';
import type { Forecast } from './scores.ts';
import { range } from './series.ts';

/** Anomalies of all steps, of which those before `trainEnd` may be learned from. */
export interface Known {
  readonly anomalies: readonly Float32Array[];
  readonly trainEnd: number;
  /** What each of the P numbers counts for; they sum to 1. */
  readonly weights: ArrayLike<number>;
}

/** What is now goes on. */
export const persistence =
  ({ anomalies }: Known): Forecast =>
  (now) =>
    anomalies[now];

/** What is usual: no anomaly. */
export const climatology = ({ anomalies }: Known): Forecast => {
  const none = new Float32Array(anomalies[0].length);
  return () => none;
};

/** Something made once for each lead. */
function perLead<T>(make: (lead: number) => T): (lead: number) => T {
  const made = new Map<number, T>();
  return (lead) => {
    if (!made.has(lead)) made.set(lead, make(lead));
    return made.get(lead)!;
  };
}

/** Steps of the training part from which a lead can be learned, given so many steps before them. */
const learnable = ({ trainEnd }: Known, lead: number, history = 1): number[] => range(history - 1, trainEnd - lead);

/** a(now) times a factor of each number and lead: least squares over the training part, sum a(t) a(t + lead) / sum a(t)^2. */
export function dampedPersistence(known: Known): Forecast {
  const { anomalies } = known;
  const factors = perLead((lead) => {
    const [products, squares] = [new Float64Array(anomalies[0].length), new Float64Array(anomalies[0].length)];
    for (const t of learnable(known, lead)) {
      for (let p = 0; p < products.length; p++) {
        products[p] += anomalies[t][p] * anomalies[t + lead][p];
        squares[p] += anomalies[t][p] ** 2;
      }
    }
    return products.map((product, p) => (squares[p] > 0 ? product / squares[p] : 0));
  });
  return (now, lead) => {
    const factor = factors(lead);
    return anomalies[now].map((value, p) => value * factor[p]);
  };
}

/**
 * The first principal components of the training anomalies, weighted: each (P), of length 1 under the weights, with the share of
 * the variance that it holds. By the smaller of the two matrices: of numbers by numbers, or of steps by steps.
 */
export function principalComponents(known: Known, most: number): { vector: Float64Array; share: number }[] {
  const { trainEnd, weights } = known;
  const rows = known.anomalies
    .slice(0, trainEnd)
    .map((step) => Float64Array.from(step, (value, p) => value * Math.sqrt(weights[p])));
  const P = rows[0].length;
  const bySteps = rows.length < P;
  const columns = (): Matrix => range(0, P).map((p) => Float64Array.from(rows, (row) => row[p]));
  const vectors = bySteps ? rows : columns();
  const products = vectors.map((a) => Float64Array.from(vectors, (b) => dot(a, b)));
  const found = eigen(products);
  const total = found.reduce((sum, { value }) => sum + value, 0);
  return found.slice(0, most).map(({ value, vector }) => {
    const scaled = bySteps ? combine(rows, vector, 1 / Math.sqrt(value)) : vector; // of length 1
    return { vector: scaled.map((x, p) => (weights[p] > 0 ? x / Math.sqrt(weights[p]) : 0)), share: value / total };
  });
}

/** sum_i factors[i] rows[i] * scale */
function combine(rows: readonly ArrayLike<number>[], factors: ArrayLike<number>, scale = 1): Float64Array {
  const sum = new Float64Array(rows[0].length);
  for (let i = 0; i < rows.length; i++) {
    const factor = factors[i] * scale;
    for (let p = 0; p < sum.length; p++) sum[p] += factor * rows[i][p];
  }
  return sum;
}

/** Settings of a ridge regression: components that are kept, and the penalty in units of their mean variance. */
export interface Ridge {
  readonly components: number;
  readonly penalty: number;
}

/**
 * Components of the anomaly ahead from those of the last `history` steps, by ridge regression over the training part.
 * @param choose which settings to take for a lead: by their error on the validation part
 */
export function ridgeOnComponents(
  known: Known,
  history: number,
  choose: (forecastBy: (ridge: Ridge) => Forecast, lead: number) => Ridge,
): Forecast {
  const most = Math.min(32, known.anomalies[0].length);
  const vectors = principalComponents(known, most).map(({ vector }) => vector);
  const scores = known.anomalies.map((step) =>
    Float64Array.from(vectors, (vector) => dot(vector, step, known.weights)),
  );
  const inputs = (now: number, count: number): number[] =>
    range(0, history).flatMap((back) => [...scores[Math.max(0, now - back)].subarray(0, count)]);
  const fitted = (lead: number, { components, penalty }: Ridge): Matrix => {
    const times = learnable(known, lead, history);
    const x = times.map((t) => inputs(t, components));
    const outputs = range(0, components).map((k) => Float64Array.from(times, (t) => scores[t + lead][k]));
    return ridge(x, outputs, penalty);
  };
  const by = ({ components, penalty }: Ridge): Forecast => {
    const factors = perLead((lead) => fitted(lead, { components, penalty }));
    return (now, lead) => {
      const x = inputs(now, components);
      return combine(
        vectors.slice(0, components),
        factors(lead).map((factor) => dot(factor, x)) as unknown as number[],
      );
    };
  };
  const chosen = perLead((lead) => by(choose(by, lead)));
  return (now, lead) => chosen(lead)(now, lead);
}

/** Factors of each output: (X'X + penalty mean(diag X'X) I) factors = X'y.   x: (N, F), outputs: each (N) -> each (F) */
export function ridge(
  x: readonly ArrayLike<number>[],
  outputs: readonly ArrayLike<number>[],
  penalty: number,
): Float64Array[] {
  const F = x[0].length;
  const normal = zeros(F, F);
  for (const row of x) for (let i = 0; i < F; i++) for (let j = 0; j < F; j++) normal[i][j] += row[i] * row[j];
  const size = normal.reduce((sum, row, i) => sum + row[i], 0) / F;
  for (let i = 0; i < F; i++) normal[i][i] += penalty * size;
  const solve = solver(normal);
  return outputs.map((y) => {
    const side = new Float64Array(F);
    for (let n = 0; n < x.length; n++) for (let i = 0; i < F; i++) side[i] += x[n][i] * y[n];
    return solve(side);
  });
}
