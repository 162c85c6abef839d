import { describe, expect, it } from 'vitest';
import { bandOf, drawAnew } from '../../../experiments/scaling/bootstrap.ts';
import { fitLaw, fitParabola, fitPower, type Measured } from '../../../experiments/scaling/fit.ts';
import { effectiveTokens, type LawFit, lossOf } from '../../../src/cost/law.ts';
import { normals } from '../../../src/tensor/random.ts';

const LAW: LawFit = { E: 1.1, A: 60, alpha: 0.42, B: 110, beta: 0.38 };
const REPEATING = { unique: 1e6, repetition: 15.4 };
const BUDGETS = [1e11, 3e11, 1e12, 3e12];
const SIZES = [3e4, 6e4, 1.2e5, 2.4e5, 4.8e5];

/** Runs of a known law: the loss of ln L has a standard deviation of `noise`. */
function runsOf(law: LawFit, noise: number, seed = 1): Measured[][] {
  const spread = normals(BUDGETS.length * SIZES.length, noise, seed, 0);
  return BUDGETS.map((operations, i) =>
    SIZES.map((size, j) => {
      const parameters = size * 3 ** (i / 2);
      const tokens = operations / (6 * parameters);
      const worth = effectiveTokens(tokens, REPEATING.unique, REPEATING.repetition);
      const loss = lossOf(law, parameters, worth) * Math.exp(spread[i * SIZES.length + j]);
      return { parameters, tokens, operations, loss };
    }),
  );
}

describe('the fit of L(N, D)', () => {
  it('recovers a law from runs without noise', () => {
    const fit = fitLaw(runsOf(LAW, 0).flat(), REPEATING);
    for (const name of ['E', 'A', 'alpha', 'B', 'beta'] as const) expect(fit[name] / LAW[name]).toBeCloseTo(1, 3);
  });

  it('has the true exponents and a true loss beyond the runs within its band when there is noise', () => {
    const runs = runsOf(LAW, 0.003);
    const fit = fitLaw(runs.flat(), REPEATING);
    const draws = drawAnew(runs, 200, 1).map((drawn) => fitLaw(drawn.flat(), REPEATING, fit));
    for (const name of ['alpha', 'beta', 'E'] as const) {
      const [low, high] = bandOf(draws.map((draw) => draw[name]))!;
      expect(low).toBeLessThan(high);
      expect(LAW[name]).toBeGreaterThan(low);
      expect(LAW[name]).toBeLessThan(high);
    }
    const beyond = bandOf(draws.map((draw) => lossOf(draw, 1e6, 1.5e6)))!;
    expect(lossOf(LAW, 1e6, 1.5e6)).toBeGreaterThan(beyond[0] - 0.01);
    expect(lossOf(LAW, 1e6, 1.5e6)).toBeLessThan(beyond[1] + 0.01);
  });

  it('is not bent by one run that went wrong', () => {
    const runs = runsOf(LAW, 0).flat();
    const spoilt = runs.map((run, i) => (i === 7 ? { ...run, loss: 1.3 * run.loss } : run));
    const fit = fitLaw(spoilt, REPEATING);
    expect(Math.abs(fit.alpha - LAW.alpha)).toBeLessThan(0.02);
    expect(Math.abs(fit.beta - LAW.beta)).toBeLessThan(0.02);
  });

  it('wants as many runs as it has numbers', () => {
    expect(() => fitLaw(runsOf(LAW, 0)[0].slice(0, 4), REPEATING)).toThrow(/five runs, got 4/);
  });
});

it('an exponent is the slope of logarithms', () => {
  const { exponent, factor } = fitPower(BUDGETS.map((c) => [c, 3 * c ** 0.48]));
  expect(exponent).toBeCloseTo(0.48, 9);
  expect(factor).toBeCloseTo(3, 9);
});

describe('a parabola of equal operations', () => {
  const at = (n: number) => ({ parameters: n, loss: 2 + 0.1 * Math.log(n / 2e5) ** 2 });

  it('has its bottom where it was put', () => {
    const parabola = fitParabola([5e4, 1e5, 3e5, 9e5].map(at))!;
    expect(parabola.best / 2e5).toBeCloseTo(1, 6);
    expect(parabola.bottom).toBeCloseTo(2, 9);
    expect(parabola.curvature).toBeCloseTo(0.1, 9);
    expect(parabola.inside).toBe(true);
    expect(fitParabola([3e5, 5e5, 9e5].map(at))!.inside).toBe(false);
  });

  it('is none of two sizes, nor where larger and smaller are both better', () => {
    expect(fitParabola([at(1e5), at(1e5), at(2e5)])).toBeUndefined();
    expect(fitParabola([1e5, 2e5, 4e5].map((n) => ({ parameters: n, loss: -at(n).loss })))).toBeUndefined();
  });
});

describe('bands', () => {
  it('draw each group by itself, and the same from the same seed', () => {
    const groups = [[1, 2, 3], [10]];
    const draws = drawAnew(groups, 50, 3);
    expect(draws).toEqual(drawAnew(groups, 50, 3));
    expect(draws).not.toEqual(drawAnew(groups, 50, 4));
    for (const [few, one] of draws) {
      expect(one).toEqual([10]);
      expect(few.every((value) => groups[0].includes(value))).toBe(true);
    }
  });

  it('hold the middle 95%, and are none of a few values', () => {
    expect(bandOf(Array.from({ length: 1001 }, (_, i) => i))).toEqual([25, 975]);
    expect(bandOf([1, 2, 3, Number.NaN])).toBeUndefined();
  });
});
