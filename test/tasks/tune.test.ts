import { expect, it } from 'vitest';
import { type TuneLimits, tune } from '../../src/tasks/tune.ts';
import { resolveConfig } from '../../src/train/config.ts';
import { testEngine } from '../helpers/engine.ts';
import { smallModel } from '../helpers/models.ts';
import { randomIds } from '../helpers/numbers.ts';

/** Tunes on one batch, with validations that say what `scores` say. */
async function tuning(scores: readonly number[], limits: TuneLimits, { stopAt = -1, learningRate = 0.01 } = {}) {
  const engine = await testEngine();
  const model = smallModel(engine, 'gpt2');
  const ids = engine.tensor(randomIds([3, 13], 23, 5), [3, 13]);
  const optimizer = resolveConfig('tiny', { warmupSteps: 0, learningRate, schedule: 'constant' });
  const controller = new AbortController();
  const seen: Float32Array[] = [];
  let steps = 0;
  const result = tune({
    ...{ engine, trained: { parameters: [{ parameters: model.parameters }] }, limits, optimizer },
    ...{ signal: controller.signal, score: (score: number) => score },
    batches: {
      next: () => {
        if (steps++ === stopAt) controller.abort();
        return 0;
      },
      skip: () => {},
      loss: () => model.loss(ids, ids),
    },
    evaluate: async () => {
      seen.push(await model.parameters.values.floats());
      return scores[seen.length - 1];
    },
  });
  return { ...(await result), seen, left: await model.parameters.values.floats() };
}

it('ends when nothing gets better, and leaves the best weights', async () => {
  const { status, best, history, seen, left } = await tuning([1, 3, 3, 2, 9], { steps: 20, evalEvery: 2, patience: 2 });
  expect([status, best.step, best.evaluation]).toEqual(['early', 4, 3]);
  expect(history.map(({ step, best: isBest }) => [step, isBest])).toEqual([
    [2, true],
    [4, true],
    [6, false],
    [8, false],
  ]);
  expect(left).toEqual(seen[1]);
  expect(seen[1]).not.toEqual(seen[3]);
  expect(history[1].loss).toBeLessThan(history[0].loss);
});

it('validates at its last step', async () => {
  const { status, history } = await tuning([1, 2, 3], { steps: 5, evalEvery: 2, patience: 9 });
  expect([status, ...history.map(({ step }) => step)]).toEqual(['finished', 2, 4, 5]);
});

it('keeps what was learned when it is stopped', async () => {
  const { status, best } = await tuning([1, 2, 3], { steps: 50, evalEvery: 20, patience: 9 }, { stopAt: 2 });
  expect([status, best.step]).toEqual(['stopped', 3]);
});

it('says what to do about a loss that explodes', async () => {
  const limits = { steps: 9, evalEvery: 3, patience: 9 };
  await expect(tuning([1, 2, 3], limits, { learningRate: 1e30 })).rejects.toThrow(
    /no number any more.*lower --learning-rate/,
  );
  await expect(tuning([Number.NEGATIVE_INFINITY, 2, 3], limits)).rejects.toThrow(/no number any more after step 3/);
  await expect(tuning([Number.NaN, 2, 3], limits)).rejects.toThrow(/no number any more after step 3/);
  expect((await tuning([1, Number.NaN, 0], limits)).best.step).toBe(3);
});
