import { beforeAll, describe, expect, it } from 'vitest';
import { type Example, fitRegressor, Regressor, type RegressorShape } from '../../data/weather/forecast/regressor.ts';
import { range } from '../../data/weather/forecast/series.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import { normals } from '../../src/tensor/random.ts';
import { resolveConfig } from '../../src/train/config.ts';
import { testEngine } from '../helpers/engine.ts';

const T = 5;
const SMALL = { blockSize: T, batchSize: 8, nEmbd: 16, steps: 120, warmupSteps: 5, learningRate: 1e-2, evalEvery: 30 };
let engine: Engine;
beforeAll(async () => {
  engine = await testEngine();
});

const regressorOf = (shape: RegressorShape, seed = 1): Regressor =>
  new Regressor(engine, shape, resolveConfig('tiny', SMALL, { seed })).initialize(seed);

/** Three numbers a token; the answer is the first number of the token before, which only attention can find. */
const examples = (count: number, seed: number): Example[] =>
  range(0, count).map((n) => {
    const x = normals(T * 3, 1, seed, n);
    return { x, y: Float32Array.from({ length: T }, (_, t) => (t > 0 ? x[3 * (t - 1)] : 0)) };
  });

describe('a regressor', () => {
  it('begins with nothing said, and learns what stands beside a token', async () => {
    const regressor = regressorOf({ inputs: 3, outputs: 1, causal: true });
    const validation = examples(40, 2);
    expect((await regressor.predict(validation)).every((y) => y.every((value) => value === 0))).toBe(true);
    const { loss, before, step } = await fitRegressor(regressor, { train: examples(400, 3), validation });
    expect(before).toBeCloseTo(0.8, 0); // four tokens of five have an answer, of variance 1
    expect(loss).toBeLessThan(0.7 * before); // without a look at the token before, nothing can be said
    expect(step).toBeGreaterThan(0);
    const answers = await regressor.predict(validation);
    const square = answers.flatMap((y, n) => [...y].map((value, t) => (value - validation[n].y[t]) ** 2));
    expect(square.reduce((sum, value) => sum + value, 0) / square.length).toBeCloseTo(loss, 5); // the best weights stay
  });

  it('of one seed gives the same bits', async () => {
    const [one, other] = await Promise.all(
      range(0, 2).map(async () => {
        const regressor = regressorOf({ inputs: 3, outputs: 1, causal: true }, 7);
        regressor.ends.get('out.weight').write(normals(16, 1, 4, 0));
        return regressor.predict(examples(3, 5));
      }),
    );
    expect(one).toEqual(other);
  });

  it.each([true, false])('sees what comes after a token unless it is causal: %s', async (causal) => {
    const regressor = regressorOf({ inputs: 3, outputs: 2, causal });
    regressor.ends.get('out.weight').write(normals(32, 1, 4, 0));
    const x = normals(T * 3, 1, 6, 0);
    const changed = x.map((value, i) => (i >= 3 * (T - 1) ? value + 1 : value)); // the last token
    const [before, after] = await regressor.predict([{ x }, { x: changed }]);
    const same = range(0, 2 * (T - 1)).every((i) => before[i] === after[i]);
    expect(same).toBe(causal);
    expect(before.at(-1)).not.toBe(after.at(-1));
  });

  it('whose answers are factors multiplies what is known', async () => {
    const factors = { groups: 2, leads: 3, channels: 2, size: 4 };
    const regressor = regressorOf({ inputs: 3, outputs: 12, causal: false, factors });
    const bias = normals(12, 1, 8, 0);
    regressor.ends.get('out.bias').write(bias);
    const known = normals(T * 2 * 2 * 4, 1, 9, 0);
    const [answer] = await regressor.predict([{ x: normals(T * 3, 1, 6, 0), known }]);
    expect(answer.length).toBe(T * 2 * 3 * 4);
    for (const [t, group, lead, i] of [
      [0, 0, 0, 0],
      [2, 1, 2, 3],
      [4, 0, 1, 2],
    ]) {
      const product = (channel: number): number =>
        bias[(group * 3 + lead) * 2 + channel] * known[((t * 2 + group) * 2 + channel) * 4 + i];
      expect(answer[((t * 2 + group) * 3 + lead) * 4 + i]).toBeCloseTo(product(0) + product(1), 5);
    }
  });
});
