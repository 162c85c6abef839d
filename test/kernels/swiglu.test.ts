import { expect, it } from 'vitest';
import { swiglu } from '../../src/kernels/swiglu.ts';
import type { Numbers } from '../../src/tensor/op.ts';
import { testEngine } from '../helpers/engine.ts';
import { describeAnchors, goldenCases, runOp } from '../helpers/golden.ts';

/** Puts the columns of `up` behind those of `gate`, as one matmul makes them. */
function packed(gate: Numbers, up: Numbers): Numbers {
  const [R, I] = gate.shape;
  const data = Array.from({ length: R }, (_, r) =>
    [gate, up].map((half) => Array.from(half.data).slice(r * I, (r + 1) * I)),
  );
  return { shape: [R, 2 * I], data: data.flat(2) };
}

describeAnchors(
  swiglu,
  goldenCases('swiglu').map(({ inputs, gradients, ...rest }) => ({
    ...rest,
    inputs: { gateUp: packed(inputs.gate, inputs.up) },
    gradients: { gateUp: packed(gradients.gate, gradients.up) },
  })),
);

it.each(['naive', 'vectors'])('swiglu %s of gates of 1e4 is 0 or the product', async (variant) => {
  const gateUp = { shape: [1, 8], data: Float32Array.of(-1e4, -100, 100, 1e4, 2, 2, 2, 2) };
  const dy = { shape: [1, 4], data: Float32Array.of(1, 1, 1, 1) };
  const { output, gradients } = await runOp(swiglu, { gateUp }, { dy, variant });
  expect([...output].map((y) => Math.round(y * 1e6) / 1e6 + 0)).toEqual([0, 0, 200, 2e4]);
  expect([...gradients.gateUp].map((y) => Math.round(y * 1e6) / 1e6 + 0)).toEqual([0, 0, 2, 2, 0, 0, 100, 1e4]);
});

it('swiglu refuses an odd width', async () => {
  const engine = await testEngine();
  expect(() => swiglu({ gateUp: engine.zeros([2, 3]) })).toThrow('swiglu: the last axis of gateUp must be even');
});
