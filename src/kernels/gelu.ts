import { defineOp } from '../tensor/op.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { CUBIC, geluValue, geluWgsl, SQRT_2_OVER_PI } from './geluFormula.ts';
import { defineEach } from './skeleton/each.ts';
import { assign, writeOrAdd } from './skeleton/text.ts';

/** The formula as it is printed. The argument of tanh is clamped: some drivers compute it through exp and overflow. */
const PRINTED = /* wgsl */ `
fn factor(x: f32) -> f32 { return tanh(clamp(${SQRT_2_OVER_PI} * (x + ${CUBIC} * x * x * x), -10.0, 10.0)); }
fn gelu(x: f32) -> f32 { return 0.5 * x * (1.0 + factor(x)); }
fn geluSlope(x: f32) -> f32 {
  let t = factor(x);
  return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * ${SQRT_2_OVER_PI} * (1.0 + ${3 * CUBIC} * x * x);
}`;

/** The lesson: one invocation an element.   x, y: (N) f32 */
const naive = defineEach({
  name: 'gelu_naive',
  bind: { x: 'read', y: 'write' },
  params: { N: 'u32' },
  each: ['N'],
  functions: PRINTED,
  body: 'y[i] = gelu(x[i]);',
});

const gradientNaive = defineEach({
  name: 'gelu_gradient_naive',
  bind: { x: 'read', dy: 'read', dx: 'write' },
  params: { N: 'u32', accumulate: 'u32' },
  each: ['N'],
  functions: PRINTED,
  body: writeOrAdd('dx[i]', 'dy[i] * geluSlope(x[i])'),
});

/** On vectors of four, with one exp in place of tanh. */
const vectors = defineEach({
  name: 'gelu',
  bind: { x: 'read T', y: 'write T' },
  params: { N: 'u32' },
  each: ['N'],
  lengths: ['N'],
  functions: geluWgsl('T'),
  body: 'y[i] = gelu(x[i]);',
});

/** dx = dy * gelu'(x), written or added: also what stands before the gradients of a matmul with GELU as its epilogue. */
export const geluGradient = defineEach({
  name: 'gelu_gradient',
  bind: { x: 'read T', dy: 'read T', dx: 'write T' },
  params: { N: 'u32', accumulate: 'u32' },
  each: ['N'],
  lengths: ['N'],
  functions: geluWgsl('T'),
  body: ({ constants: { accumulate } }) => assign('dx[i]', 'dy[i] * geluSlope(x[i])', accumulate),
});

/** GELU in GPT-2's tanh approximation: y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).   x, y: any shape */
export const gelu = defineOp<{ x: Tensor }>({
  name: 'gelu',
  inputs: ['x'],
  shape: ({ x }) => x,
  run: {
    naive: ({ inputs: { x }, output: y }) => naive({ x, y }, { N: y.size }),
    vectors: {
      idea: 'Vectors of four, and one exp in place of tanh.',
      gain: 'lavapipe, (1024, 384): 4.4 times naive, 3.8 with the gradient',
      run: ({ inputs: { x }, output: y }) => vectors({ x, y }, { N: y.size }),
    },
  },
  reference: ({ x }) => Float64Array.from(x.data, geluValue),
  backward: ({ inputs: { x }, dy, target, variant }) => {
    const dx = target('x');
    if (!dx) return;
    const kernel = variant === 'naive' ? gradientNaive : geluGradient;
    kernel({ x, dy, dx: dx.tensor }, { N: dy.size, accumulate: dx.accumulate });
  },
  cases: [[{ x: [1] }], [{ x: [3, 7] }], [{ x: [2, 3, 44] }], [{ x: { shape: [1030], scale: 4 } }]],
  workloads: ({ B, T, I }) => [{ case: [{ x: [B, T, I] }] }],
  operations: 10,
});
