import { expect, it } from 'vitest';
import {
  endScaledStep,
  isLossScaleState,
  LOSS_SCALE,
  lossScaleState,
  scaledGradient,
} from '../../../src/kernels/optimizer/lossScale.ts';
import { packSettings, SETTINGS, unpackSettings } from '../../../src/kernels/optimizer/optimizer.ts';
import { testEngine } from '../../helpers/engine.ts';

const RUN = { learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1, clipNorm: 1 };

/** Ends a step with a norm. */
async function endStep(state: ArrayLike<number>, norm: number, overflow = 0) {
  const engine = await testEngine();
  const tensors = {
    lossScale: engine.tensor(state, [LOSS_SCALE.size]),
    norm: engine.tensor([norm], [1]),
    settings: engine.tensor(packSettings(RUN, 1), [SETTINGS.size]),
    overflow: engine.tensor(Uint32Array.of(overflow), [1]),
  };
  endScaledStep(tensors);
  const [lossScale, after, packed] = [tensors.lossScale, tensors.norm, tensors.settings].map((tensor) =>
    tensor.floats(),
  );
  return { state: [...(await lossScale)], norm: (await after)[0], settings: unpackSettings(await packed) };
}

it('a good step divides by the scale and counts', async () => {
  const { state, norm, settings } = await endStep(lossScaleState(), 2 ** 17);
  expect(norm).toBe(2);
  expect(settings.unscale).toBe(2 ** -16);
  expect(state.slice(0, 2)).toEqual([2 ** 16, 1]);
  expect(state[4]).toBe(0);
  expect(state[2]).toBeCloseTo(0.1, 6);
  expect(settings.correction1).toBe(state[2]);
  expect(settings.correction2).toBe(state[3]);
});

it.each([
  ['an infinite norm', Number.POSITIVE_INFINITY, 0],
  ['a norm that is no number', Number.NaN, 0],
  ['an operand that overflowed', 1, 1],
])('%s skips the step and halves the scale', async (_, norm, overflow) => {
  const before = [1024, 77, Math.fround(0.3), Math.fround(0.2), 3];
  const { state, norm: after } = await endStep(before, norm, overflow);
  expect(after).toBeNaN();
  expect(state).toEqual([512, 0, before[2], before[3], 4]);
});

it('2,000 good steps double the scale, within bounds', async () => {
  expect((await endStep([1024, 1998, 0.1, 0.1, 0], 1)).state.slice(0, 2)).toEqual([1024, 1999]);
  expect((await endStep([1024, 1999, 0.1, 0.1, 0], 1)).state.slice(0, 2)).toEqual([2048, 0]);
  expect((await endStep([2 ** 32, 1999, 0.1, 0.1, 0], 1)).state[0]).toBe(2 ** 32);
  expect((await endStep([2 ** -24, 0, 0.1, 0.1, 0], Number.NaN)).state[0]).toBe(2 ** -24);
});

it('bias corrections are those of the steps that were taken', async () => {
  let state: number[] = [...lossScaleState()];
  for (let step = 1; step <= 40; step++) ({ state } = await endStep(state, step % 4 === 0 ? Number.NaN : 1));
  const { settings } = await endStep(state, 1);
  const expected = unpackSettings(packSettings(RUN, 31)); // ten of forty were skipped
  expect(Math.abs(settings.correction1 / expected.correction1 - 1)).toBeLessThan(1e-6);
  expect(Math.abs(settings.correction2 / expected.correction2 - 1)).toBeLessThan(1e-5);
});

it('the gradient of the loss is the scale times its share', async () => {
  const engine = await testEngine();
  expect([...(await scaledGradient(engine.tensor([1024, 0, 0, 0, 0], [5]), 0.25).floats())]).toEqual([256]);
});

it('knows a state from other things', () => {
  expect(isLossScaleState([...lossScaleState()])).toBe(true);
  for (const other of [undefined, 1, [], [1, 2, 3, 4], [0, 0, 0, 0, 0], [null, 0, 0, 0, 0], [1, 0, 0, 0, Number.NaN]]) {
    expect(isLossScaleState(other)).toBe(false);
  }
});
