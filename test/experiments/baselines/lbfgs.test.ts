import { describe, expect, it } from 'vitest';
import { minimize, type Objective } from '../../../experiments/baselines/lbfgs.ts';

/** 1/2 sum of scale_i (x_i - target_i)^2, badly conditioned. */
const quadratic =
  (scales: readonly number[], target: readonly number[]): Objective =>
  (x, gradient) =>
    scales.reduce((value, scale, i) => {
      gradient[i] = scale * (x[i] - target[i]);
      return value + (scale / 2) * (x[i] - target[i]) ** 2;
    }, 0);

describe('minimize', () => {
  it('finds the minimum of a quadratic with a condition of 10^6', () => {
    const target = [3, -1, 0.5, 7, 2];
    const x = minimize(quadratic([1e-3, 1, 10, 1e3, 0.1], target), new Float64Array(5), 1e-10, 500);
    for (const [i, wanted] of target.entries()) expect(x[i]).toBeCloseTo(wanted, 6);
  });

  it('finds the minimum of log cosh, whose curvature vanishes far out', () => {
    const objective: Objective = (x, gradient) => {
      gradient[0] = Math.tanh(x[0] - 5);
      return Math.log(Math.cosh(x[0] - 5));
    };
    expect(minimize(objective, new Float64Array(1), 1e-10, 100)[0]).toBeCloseTo(5, 6);
  });

  it('leaves a minimum, and its start, as they are', () => {
    const start = Float64Array.of(1, 2);
    expect(minimize(quadratic([1, 1], [1, 2]), start, 1e-9, 10)).toEqual(start);
    minimize(quadratic([1, 1], [5, 5]), start, 1e-9, 10);
    expect(start).toEqual(Float64Array.of(1, 2));
  });

  it('stops after the steps that it may take', () => {
    let calls = 0;
    const objective: Objective = (x, gradient) => {
      calls++;
      return quadratic([1, 1e4], [1, 1])(x, gradient);
    };
    minimize(objective, new Float64Array(2), 0, 2);
    expect(calls).toBeLessThan(40);
  });
});
