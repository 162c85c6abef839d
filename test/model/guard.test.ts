import { expect, it } from 'vitest';
import { NO_FILTERS, SAMPLE_SETTINGS } from '../../src/kernels/sampling/settings.ts';
import { Generator } from '../../src/model/generate.ts';
import { drawAllowed, type Guard } from '../../src/model/guard.ts';
import { testEngine } from '../helpers/engine.ts';
import { smallModel } from '../helpers/models.ts';

it('draws among what is allowed as the model would without the rest, and not at all where nothing is', () => {
  const logits = [1, 0, 2, -1, 0.5];
  const settings = SAMPLE_SETTINGS.floats(NO_FILTERS);
  const drawn = { logits, settings, seen: new Uint32Array(5), seed: 3, choice: 0 };
  const counts = new Float64Array(5);
  const DRAWS = 20_000;
  for (let counter = 0; counter < DRAWS; counter++) counts[drawAllowed({ ...drawn, counter }, (id) => id !== 2)!]++;
  const weights = logits.map((z, id) => (id === 2 ? 0 : Math.exp(z)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  // four standard errors of a share, sqrt(p (1 - p) / n), which are at most 0.0035 each
  for (const [id, n] of counts.entries()) expect(Math.abs(n / DRAWS - weights[id] / total)).toBeLessThan(0.0142);
  expect(drawAllowed({ ...drawn, counter: 0 }, () => false)).toBeUndefined();
});

/** Forbids tokens by a rule, and notes what came. */
const guardOf = (forbids: (id: number, b: number) => boolean) => {
  const came: number[][] = [[], []];
  const ended = new Set<number>();
  const guard: Guard = {
    allows: (b, id) => ended.has(b) || !forbids(id, b),
    push: (b, id) => came[b].push(id),
    end: (b) => ended.add(b),
  };
  return { guard, came, ended };
};

async function generated(options: object, guard?: Guard): Promise<number[][]> {
  const model = smallModel(await testEngine(), 'gpt2');
  const { values } = model.parameters;
  values.write((await values.floats()).map((x) => 8 * x));
  const tokens: number[][] = [[], []];
  const settings = { ...NO_FILTERS, tokens: 40, seed: 5, ...options };
  for await (const step of new Generator(model, 2).generate([[3, 1, 4], [2]], settings, false, guard)) {
    step.tokens.forEach((id, b) => {
      tokens[b].push(id);
    });
  }
  return tokens;
}

it('leaves every bit of a sample in which nothing is forbidden, past the context too', async () => {
  const free = await generated({});
  const { guard, came } = guardOf(() => false);
  expect(await generated({}, guard)).toEqual(free);
  expect(came).toEqual(free);
  const forbidden = free[1][7];
  const only = guardOf((id, b) => b === 1 && id === forbidden); // the other row does not see it
  const [other, held] = await generated({}, only.guard);
  expect(other).toEqual(free[0]);
  expect(held).not.toContain(forbidden);
  expect(held.slice(0, free[1].indexOf(forbidden))).toEqual(free[1].slice(0, free[1].indexOf(forbidden)));
  expect(await generated({}, guardOf((id, b) => b === 1 && id === forbidden).guard)).toEqual([other, held]);
});

it('penalizes the tokens that came, and not those that were refused', async () => {
  const [free] = await generated({ temperature: 0, repetitionPenalty: 1000, tokens: 12 });
  const { guard } = guardOf((id) => id === free[2]);
  const [held] = await generated({ temperature: 0, repetitionPenalty: 1000, tokens: 12 }, guard);
  expect(new Set(held).size).toBe(12);
  expect(held).not.toContain(free[2]);
});

it('says where no token is left, and goes on with the other sequences', async () => {
  const { guard, ended, came } = guardOf((_, b) => b === 0);
  const free = await generated({});
  expect((await generated({}, guard))[1]).toEqual(free[1]);
  expect([...ended]).toEqual([0]);
  expect(came[1]).toHaveLength(40);
});
