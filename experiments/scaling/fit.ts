/** The two fits of Hoffmann et al. (2022): parabolas of equal operations (their approach 2), and L(N, D) (approach 3). Pure functions. */
import { linearRegression, mean } from 'simple-statistics';
import { effectiveTokens, type LawFit } from '../../src/cost/law.ts';
import { largest, smallest } from '../../src/numbers.ts';
import { fitLeast, type Residuals, solve } from './leastSquares.ts';

/** A run as the fits see it. */
export interface Measured {
  readonly parameters: number;
  readonly tokens: number;
  readonly operations: number;
  /** Held out, nats a token. */
  readonly loss: number;
}

/** L = bottom + curvature (ln N - ln best)^2. */
export interface Parabola {
  /** Parameters at which the loss is least. */
  readonly best: number;
  readonly bottom: number;
  readonly curvature: number;
  /** Whether `best` lies between the smallest and the largest that was tried. */
  readonly inside: boolean;
}

/** The parabola in ln N through runs of one budget; undefined of fewer than three sizes, and where it opens downwards. */
export function fitParabola(runs: readonly Pick<Measured, 'parameters' | 'loss'>[]): Parabola | undefined {
  const logs = runs.map(({ parameters }) => Math.log(parameters));
  if (new Set(logs).size < 3) return undefined;
  const centre = mean(logs);
  const rows = runs.map(({ loss }, i) => ({ loss, powers: [1, logs[i] - centre, (logs[i] - centre) ** 2] }));
  const matrix = [0, 1, 2].map((i) => [
    ...[0, 1, 2].map((j) => rows.reduce((sum, { powers }) => sum + powers[i] * powers[j], 0)),
    rows.reduce((sum, { powers, loss }) => sum + powers[i] * loss, 0),
  ]);
  const [level, slope, curvature] = solve(matrix) ?? [0, 0, 0];
  if (!(curvature > 0)) return undefined;
  const at = -slope / (2 * curvature);
  const best = Math.exp(centre + at);
  const inside = at >= smallest(logs) - centre && at <= largest(logs) - centre;
  return { best, bottom: level - curvature * at * at, curvature, inside };
}

/** The exponent x of y ~ c^x, and its factor. */
export function fitPower(points: readonly (readonly [c: number, y: number])[]): { exponent: number; factor: number } {
  const { m, b } = linearRegression(points.map(([c, y]) => [Math.log(c), Math.log(y)]));
  return { exponent: m, factor: Math.exp(b) };
}

/** What `fitLaw` takes beside runs: how much different text there is, and what repeating it is worth. */
export interface Repeating {
  readonly unique: number;
  readonly repetition: number;
}

/** As Hoffmann et al. have it. */
const HUBER_DELTA = 1e-3;
/** Beyond these an exponent says no more than that the runs do not tell. */
const [LEAST_EXPONENT, MOST_EXPONENT] = [0.02, 2];

/** Several starts: the sum has more than one valley. */
const STARTS = [0.2, 0.4, 0.8].flatMap((alpha) =>
  [0.2, 0.4, 0.8].flatMap((beta) => [0.2, 0.6].map((share) => ({ alpha, beta, share }))),
);

/**
 * E, A, alpha, B, beta at which Huber's loss of ln L(N, D) - ln L is least, from several starts or from the one given.
 * @throws Error of fewer than five runs
 */
export function fitLaw(runs: readonly Measured[], repeating: Repeating, start?: LawFit): LawFit {
  if (runs.length < 5) throw new Error(`fitLaw: five numbers want five runs, got ${runs.length}`);
  const rows = runs.map(({ parameters, tokens, loss }) => ({
    n: Math.log(parameters),
    d: Math.log(effectiveTokens(tokens, repeating.unique, repeating.repetition)),
    loss: Math.log(loss),
  }));
  const [n0, d0] = [mean(rows.map(({ n }) => n)), mean(rows.map(({ d }) => d))];
  const least = smallest(runs.map(({ loss }) => loss));
  const residuals: Residuals = ([e, a, b, alpha, beta]) =>
    rows.map(({ n, d, loss }) => {
      const parts = [Math.exp(e), Math.exp(a - alpha * (n - n0)), Math.exp(b - beta * (d - d0))];
      const total = parts[0] + parts[1] + parts[2];
      const [E, A, B] = parts.map((part) => part / total);
      return { value: Math.log(total) - loss, slopes: [E, A, B, -A * (n - n0), -B * (d - d0)] };
    });
  const keep = ([e, a, b, alpha, beta]: number[]): number[] => [e, a, b, exponent(alpha), exponent(beta)];
  const starts = start
    ? [[start.E, start.A * Math.exp(-start.alpha * n0), start.B * Math.exp(-start.beta * d0), start.alpha, start.beta]]
    : STARTS.map(({ alpha, beta, share }) => [share * least, least / 4, least / 4, alpha, beta]);
  const fits = starts.map(([E, A, B, ...exponents]) =>
    fitLeast(residuals, [Math.log(E), Math.log(A), Math.log(B), ...exponents], HUBER_DELTA, keep),
  );
  const [e, a, b, alpha, beta] = fits.reduce((best, one) => (one.cost < best.cost ? one : best)).parameters;
  return { E: Math.exp(e), A: Math.exp(a + alpha * n0), alpha, B: Math.exp(b + beta * d0), beta };
}

const exponent = (value: number): number => Math.min(MOST_EXPONENT, Math.max(LEAST_EXPONENT, value));
