import { defineKernel } from '../tensor/kernel.ts';
import { defineOp } from '../tensor/op.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { GELU_WGSL, geluValue } from './geluFormula.ts';
import { defineElementwise, groupsOf64, oneEach, writeOrAdd } from './snippets.ts';

/** The lesson: one invocation an element, the formula as it is printed.   x, y: (N) f32 */
const naive = defineKernel({
  name: 'gelu_naive',
  bind: { x: 'read', y: 'write' },
  params: { N: 'u32' },
  grid: ({ N }) => groupsOf64(N),
  wgsl: () => `${GELU_WGSL}${oneEach('params.N', 'y[i] = gelu(x[i]);')}`,
});

const gradientNaive = defineKernel({
  name: 'gelu_gradient_naive',
  bind: { x: 'read', dy: 'read', dx: 'write' },
  params: { N: 'u32', accumulate: 'u32' },
  grid: ({ N }) => groupsOf64(N),
  wgsl: () => `${GELU_WGSL}${oneEach('params.N', writeOrAdd('dx[i]', 'dy[i] * geluSlope(x[i])'))}`,
});

/**
 * The same through (1 + tanh u) / 2 = 1 / (1 + exp(-2u)): one exp and one division. At x = +-10 the factor is 0 or 1 to
 * f32, so z is clamped there and exp stays below 1e38. The slope takes 1 - s as e * s, which does not cancel.
 */
const FUNCTIONS = /* wgsl */ `
const A = ${2 * Math.sqrt(2 / Math.PI)};
const B = 0.044715;
fn gelu(x: T) -> T {
  let z = clamp(x, T(-10.0), T(10.0));
  return x / (1.0 + exp(-A * (z + B * z * z * z)));
}
fn geluSlope(x: T) -> T {
  let z = clamp(x, T(-10.0), T(10.0));
  let e = exp(-A * (z + B * z * z * z));
  let s = 1.0 / (1.0 + e);
  return s + z * s * (e * s) * A * (1.0 + 3.0 * B * z * z);
}`;

const forward = defineElementwise({
  name: 'gelu',
  bind: { x: 'read', y: 'write' },
  params: { N: 'u32' },
  lengths: ['N'],
  functions: FUNCTIONS,
  body: 'y[i] = gelu(x[i]);',
});

const gradient = defineElementwise({
  name: 'gelu_gradient',
  bind: { x: 'read', dy: 'read', dx: 'write' },
  params: { N: 'u32', accumulate: 'u32' },
  lengths: ['N'],
  functions: FUNCTIONS,
  body: writeOrAdd('dx[i]', 'dy[i] * geluSlope(x[i])'),
});

/** GELU in GPT-2's tanh approximation: y = x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).   x, y: any shape */
export const gelu = defineOp<[x: Tensor]>({
  name: 'gelu',
  inputs: ['x'],
  shape: ([x]) => x!,
  run: {
    naive: ({ inputs: [x], output: y }) => naive({ x: x!, y }, { N: y.size }),
    vectors: ({ inputs: [x], output: y }) => forward({ x: x!, y }, { N: y.size }),
  },
  reference: ([x]) => Float64Array.from(x!.data, geluValue),
  backward: ({ inputs: [x], dy, target, variant }) => {
    const dx = target(0);
    if (!dx) return;
    const kernel = variant === 'naive' ? gradientNaive : gradient;
    kernel({ x: x!, dy, dx: dx.tensor }, { N: dy.size, accumulate: dx.accumulate });
  },
  cases: [{ inputs: [[1]] }, { inputs: [[3, 7]] }, { inputs: [[2, 3, 44]] }, { inputs: [{ shape: [1030], scale: 4 }] }],
});
