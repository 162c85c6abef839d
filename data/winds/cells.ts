/** Months ahead cell by cell: a linear regression on what was, is and lasted there, which sees all that the transformer sees but its neighbours. */
import { solver, zeros } from '../weather/forecast/linear.ts';
import { anomalies, range, type Series } from '../weather/forecast/series.ts';
import { climatologyWithout, TRAIN_END } from './climate.ts';
import { AHEAD, HISTORY, lasting } from './line.ts';

/** What is known of each number of a field: now, a month and two months ago, the means of the last half year and year. */
export const CHANNELS = 5;
const HALF = 6;

/** What is known at a step and what came: CHANNELS fields and AHEAD fields of anomalies. */
export interface Sample {
  readonly now: number;
  readonly known: readonly Float32Array[];
  readonly ahead: readonly Float32Array[];
}

/** The channels at a step of fields in order, which go back HISTORY steps. */
export const channelsAt = (fields: readonly Float32Array[], now: number): Float32Array[] => [
  fields[now],
  fields[now - 1],
  fields[now - 2],
  lasting(fields, now, HALF),
  lasting(fields, now, HISTORY),
];

/** A sample of the training part, against the climatology of the years that it does not touch: see `climatologyWithout`. */
export function trainingSample(series: Series, now: number): Sample {
  const [first, end] = [now - HISTORY + 1, now + AHEAD + 1];
  const own = { steps: series.steps.slice(first, end), season: series.season.slice(first, end) };
  const fields = anomalies(own, climatologyWithout(series, first, end));
  return { now, known: channelsAt(fields, HISTORY - 1), ahead: fields.slice(HISTORY) };
}

/** Steps at which training samples begin. */
export const trainingStarts = (): number[] => range(HISTORY - 1, TRAIN_END - AHEAD);

/** Factors of the channels for each lead and number: [lead - 1][channel] -> a field. */
export type CellFactors = readonly (readonly Float32Array[])[];

/**
 * Least squares for each number by itself, drawn towards the factors that are best for all of them together, for some seventy samples
 * tell little of a single cell.
 * @param pull by how much: in units of the mean sum of squares of a channel
 */
export function fitCells(samples: readonly Sample[], weights: ArrayLike<number>, pull: number): CellFactors {
  const P = samples[0].known[0].length;
  const pairs = range(0, CHANNELS).flatMap((i) => range(i, CHANNELS).map((j) => [i, j] as const));
  const squares = pairs.map(([i, j]) =>
    products(
      samples,
      ({ known }) => known[i],
      ({ known }) => known[j],
    ),
  );
  const size = pairs.reduce((sum, [i, j], k) => (i === j ? sum + total(squares[k]) / (CHANNELS * P) : sum), 0);
  const sides = range(0, AHEAD).map((lead) =>
    range(0, CHANNELS).map((i) =>
      products(
        samples,
        ({ known }) => known[i],
        ({ ahead }) => ahead[lead],
      ),
    ),
  );
  const solveShared = solver(matrixOf(pairs, (k) => total(squares[k], weights)));
  const shared = sides.map((own) => solveShared(own.map((side) => total(side, weights))));
  const factors = sides.map((own) => own.map(() => new Float32Array(P)));
  for (let p = 0; p < P; p++) {
    const normal = matrixOf(pairs, (k) => squares[k][p]);
    for (let i = 0; i < CHANNELS; i++) normal[i][i] += pull * size;
    const solve = solver(normal);
    sides.forEach((side, lead) => {
      const found = solve(side.map((one, i) => one[p] + pull * size * shared[lead][i]));
      for (let i = 0; i < CHANNELS; i++) factors[lead][i][p] = found[i];
    });
  }
  return factors;
}

type FieldOf = (sample: Sample) => Float32Array;

/** Sums over the samples of the products of two fields, number by number. */
function products(samples: readonly Sample[], one: FieldOf, other: FieldOf): Float64Array {
  const sum = new Float64Array(one(samples[0]).length);
  for (const sample of samples) {
    const [a, b] = [one(sample), other(sample)];
    for (let p = 0; p < sum.length; p++) sum[p] += a[p] * b[p];
  }
  return sum;
}

const total = (field: Float64Array, weights?: ArrayLike<number>): number =>
  field.reduce((sum, value, p) => sum + value * (weights ? weights[p] : 1), 0);

/** A symmetric matrix from what stands above its diagonal. */
function matrixOf(pairs: readonly (readonly [number, number])[], value: (k: number) => number) {
  const matrix = zeros(CHANNELS, CHANNELS);
  pairs.forEach(([i, j], k) => {
    matrix[i][j] = matrix[j][i] = value(k);
  });
  return matrix;
}

/** The anomalies of all leads that the factors make of what is known: AHEAD fields. */
export const cellForecast = (factors: CellFactors, known: readonly Float32Array[]): Float32Array[] =>
  factors.map((own) => {
    const field = new Float32Array(known[0].length);
    for (let i = 0; i < CHANNELS; i++) {
      const [x, factor] = [known[i], own[i]];
      for (let p = 0; p < field.length; p++) field[p] += factor[p] * x[p];
    }
    return field;
  });
