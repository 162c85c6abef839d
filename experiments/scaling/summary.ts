/** From runs to the law and its exponents. Pure functions. */
import { sampleStandardDeviation } from 'simple-statistics';
import { effectiveTokens, type LawFit, lossOf, type ScalingLaw } from '../../src/cost/law.ts';
import { largest, smallest } from '../../src/numbers.ts';
import { bandOf, drawAnew } from './bootstrap.ts';
import { fitLaw, fitParabola, fitPower, type Measured } from './fit.ts';
import {
  type BudgetFit,
  CONVENTIONS,
  type Convention,
  type Exponent,
  type ScalingResult,
  type ScalingRun,
} from './result.ts';

/** Fits to runs drawn anew. */
const DRAWS = 200;
/** Of them, those that a law takes along. */
const KEPT = 40;
/** Muennighoff et al.'s (2023) figure for what repeating is worth. */
const REPETITION = 15.4;
/** A held-out loss so far above the training loss is that of a model that learns its text by heart, which the law knows nothing of. */
const MOST_GAP = 0.3;

/** Why a run tells nothing of the law, if it does not. */
export function whyLeftOut({ loss, trainingLoss, failed, steps }: ScalingRun, leastSteps: number): string | undefined {
  if (loss === null || trainingLoss === null) return failed ?? 'its loss was no number';
  if (steps < leastSteps) return `${steps} optimizer steps are too few to converge (${leastSteps} are asked for)`;
  if (loss - trainingLoss > MOST_GAP) return 'its held-out loss rose far above its training loss: it learned by heart';
  return undefined;
}

/** A run as a convention counts it. */
export function counted(run: ScalingRun, convention: Convention): Measured {
  const parameters = run.parameters - (convention.parameters === 'all' ? 0 : run.embeddings);
  const operations = convention.operations === 'exact' ? run.operations : 6 * parameters * run.tokens;
  return { parameters, tokens: run.tokens, operations, loss: run.loss! };
}

/** The runs of each budget. */
export const byBudget = (runs: readonly ScalingRun[]): ScalingRun[][] =>
  [...new Set(runs.map(({ budget }) => budget))]
    .sort((a, b) => a - b)
    .map((budget) => runs.filter((run) => run.budget === budget));

/** What the fits make of the runs that converged. */
export function summarizeScaling(
  runs: readonly ScalingRun[],
  card: ScalingResult['dataCard'],
  { blockSize, leastSteps, from, seed }: { blockSize: number; leastSteps: number; from: string; seed: number },
): Pick<ScalingResult, 'leftOut' | 'budgets' | 'exponents' | 'law'> {
  const judged = runs.map((run) => ({ run, why: whyLeftOut(run, leastSteps) }));
  const leftOut = judged.flatMap(({ run, why }) => (why ? [{ run, why }] : []));
  const groups = byBudget(judged.flatMap(({ run, why }) => (why ? [] : [run])));
  const draws = drawAnew(groups, DRAWS, seed);
  const law = lawOf(groups, draws, card, { blockSize, from });
  const exponents = CONVENTIONS.flatMap((convention) => [
    ...parabolaExponent(groups, draws, convention),
    ...lawExponent(groups, draws, convention, card.trainTokens),
  ]);
  return {
    leftOut,
    law,
    exponents,
    budgets: groups.map((group, i) =>
      budgetFit(
        group,
        draws.map((draw) => draw[i]),
      ),
    ),
  };
}

const ALL = CONVENTIONS[0];

/** A draw of fewer sizes than four leaves a parabola no freedom to miss. */
const parabolaOf = (runs: readonly ScalingRun[], convention: Convention, least = 3) =>
  new Set(runs.map(({ nEmbd }) => nEmbd)).size < least
    ? undefined
    : fitParabola(runs.map((run) => counted(run, convention)));

function budgetFit(runs: readonly ScalingRun[], draws: readonly (readonly ScalingRun[])[]): BudgetFit {
  const bottoms = draws.flatMap((draw) => parabolaOf(draw, ALL, 4) ?? []);
  const best = bottoms.flatMap(({ best, inside }) => (inside ? best : []));
  return { budget: runs[0].budget, parabola: parabolaOf(runs, ALL) ?? null, band: bandOf(best) ?? null };
}

/** The exponent through the bottoms of the parabolas; none of fewer than three bottoms inside of what was tried. */
function parabolaExponent(
  groups: readonly (readonly ScalingRun[])[],
  draws: readonly (readonly (readonly ScalingRun[])[])[],
  convention: Convention,
): Exponent[] {
  const of = (chosen: readonly (readonly ScalingRun[])[], least: number): number | undefined => {
    const points = chosen.flatMap((runs): [number, number][] => {
      const parabola = runs.length > 0 ? parabolaOf(runs, convention, least) : undefined;
      return parabola?.inside ? [[operationsAt(runs, convention, parabola.best), parabola.best]] : [];
    });
    return points.length >= 3 ? fitPower(points).exponent : undefined;
  };
  const exponent = of(groups, 3);
  if (exponent === undefined) return [];
  return [
    { convention, from: 'parabolas', exponent, band: bandOf(draws.flatMap((draw) => of(draw, 4) ?? [])) ?? null },
  ];
}

/** Operations of a budget's run with `best` parameters as a convention counts them: they change with the size where it is not the budget's own. */
function operationsAt(runs: readonly ScalingRun[], convention: Convention, best: number): number {
  const points = runs.map((run) => counted(run, convention));
  const { exponent, factor } = fitPower(points.map(({ parameters, operations }) => [parameters, operations]));
  return factor * best ** exponent;
}

function lawExponent(
  groups: readonly (readonly ScalingRun[])[],
  draws: readonly (readonly (readonly ScalingRun[])[])[],
  convention: Convention,
  unique: number,
): Exponent[] {
  // L(N, D) takes operations to be 6 N D, whatever N counts
  if (convention.operations === 'exact') return [];
  const runs = groups.flat().map((run) => counted(run, convention));
  if (runs.length < LEAST_RUNS) return [];
  const fit = fitLaw(runs, { unique, repetition: REPETITION });
  const exponentOf = ({ alpha, beta }: LawFit): number => beta / (alpha + beta);
  const drawn = draws.map((draw) =>
    exponentOf(
      fitLaw(
        draw.flat().map((run) => counted(run, convention)),
        { unique, repetition: REPETITION },
        fit,
      ),
    ),
  );
  return [{ convention, from: 'L(N, D)', exponent: exponentOf(fit), band: bandOf(drawn) ?? null }];
}

/** Five numbers are fitted: of fewer runs they would say nothing. */
const LEAST_RUNS = 8;

function lawOf(
  groups: readonly (readonly ScalingRun[])[],
  draws: readonly (readonly (readonly ScalingRun[])[])[],
  card: ScalingResult['dataCard'],
  { blockSize, from }: { blockSize: number; from: string },
): ScalingLaw | null {
  const runs = groups.flat().map((run) => counted(run, ALL));
  if (runs.length < LEAST_RUNS) return null;
  const repeating = { unique: card.trainTokens, repetition: REPETITION };
  const fit = fitLaw(runs, repeating);
  const drawn = draws.map((draw) =>
    fitLaw(
      draw.flat().map((run) => counted(run, ALL)),
      repeating,
      fit,
    ),
  );
  const misses = runs.map(({ parameters, tokens, loss }) =>
    Math.log(loss / lossOf(fit, parameters, effectiveTokens(tokens, repeating.unique, REPETITION))),
  );
  const span = (values: readonly number[]): [number, number] => [smallest(values), largest(values)];
  return {
    version: 1,
    corpus: card.name,
    uniqueTokens: card.trainTokens,
    tokenizer: card.tokenizer,
    blockSize,
    parameters: 'all',
    fit: rounded(fit),
    draws: drawn.slice(0, KEPT).map(rounded),
    residual: Number(sampleStandardDeviation(misses).toPrecision(3)),
    range: {
      parameters: span(runs.map(({ parameters }) => parameters)),
      tokens: span(runs.map(({ tokens }) => tokens)),
    },
    repetition: REPETITION,
    from,
  };
}

const rounded = ({ E, A, alpha, B, beta }: LawFit): LawFit => {
  const short = (value: number): number => Number(value.toPrecision(6));
  return { E: short(E), A: short(A), alpha: short(alpha), B: short(B), beta: short(beta) };
};
