import { UserError } from '../errors.ts';
import { defineKernel } from '../tensor/kernel.ts';
import { type Call, defineOp } from '../tensor/op.ts';
import { format, rowsAndColumns, type Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { defineElementwise, groupsOf64, oneEach, writeOrAdd } from './skeleton/snippets.ts';

/** The lesson: one invocation an element.   x: (R, 2 I), y: (R, I) f32, N = R I */
const naive = defineKernel({
  name: 'swiglu_naive',
  bind: { x: 'read', y: 'write' },
  params: { N: 'u32', I: 'u32' },
  grid: ({ N }) => groupsOf64(N),
  wgsl: () =>
    oneEach(
      'params.N',
      /* wgsl */ `
  let at = i / params.I * 2u * params.I + i % params.I;
  y[i] = x[at] / (1.0 + exp(-max(x[at], -80.0))) * x[at + params.I]; // exp(80) is still finite`,
    ),
});

/** The same on vectors of four where I allows. */
const forward = defineElementwise({
  name: 'swiglu',
  bind: { x: 'read', y: 'write' },
  params: { N: 'u32', I: 'u32' },
  lengths: ['N', 'I'],
  body: /* wgsl */ `
  let at = i / params.I * 2u * params.I + i % params.I;
  let gate = x[at];
  y[i] = gate / (1.0 + exp(-max(gate, T(-80.0)))) * x[at + params.I];`,
});

/** With s = 1 / (1 + e), e = exp(-gate): dup = dy gate s, dgate = dy up s (1 + gate (1 - s)), where 1 - s = e s. */
const gradient = defineElementwise({
  name: 'swiglu_gradient',
  bind: { x: 'read', dy: 'read', dx: 'write' },
  params: { N: 'u32', I: 'u32', accumulate: 'u32' },
  lengths: ['N', 'I'],
  body: /* wgsl */ `
  let at = i / params.I * 2u * params.I + i % params.I;
  let gate = x[at];
  let e = exp(-max(gate, T(-80.0)));
  let s = 1.0 / (1.0 + e);
  let dGate = dy[i] * x[at + params.I] * s * (1.0 + gate * (e * s));
  let dUp = dy[i] * gate * s;
  ${writeOrAdd('dx[at]', 'dGate', 'accumulate')}
  ${writeOrAdd('dx[at + params.I]', 'dUp', 'accumulate')}`,
});

function shape([x]: readonly (Shape | undefined)[]): Shape {
  const last = x!.at(-1);
  if (last !== undefined && last % 2 === 0) return [...x!.slice(0, -1), last / 2];
  throw new UserError(`swiglu: the last axis of gateUp must be even (gate, then up), got ${format(x!)}`);
}

const sizes = (output: Tensor): { N: number; I: number } => ({ N: output.size, I: rowsAndColumns(output.shape).C });

const run =
  (kernel: typeof naive | typeof forward) =>
  ({ inputs: [x], output: y }: Call<object>): void =>
    kernel({ x: x!, y }, sizes(y));

/**
 * SwiGLU (Shazeer, "GLU variants improve transformer", 2020): y = silu(gate) * up, silu(g) = g / (1 + exp(-g)). The gate
 * stands in the first I columns and up in the last I, so that one matmul makes both.
 *
 * gateUp: (..., 2 I), y: (..., I)
 */
export const swiglu = defineOp<[gateUp: Tensor]>({
  name: 'swiglu',
  inputs: ['gateUp'],
  shape,
  run: { naive: run(naive), vectors: run(forward) },
  reference: ([x]) => {
    const { R, C } = rowsAndColumns(x!.shape);
    const I = C / 2;
    return Float64Array.from({ length: R * I }, (_, i) => {
      const at = Math.floor(i / I) * C + (i % I);
      return (x!.data[at] / (1 + Math.exp(-x!.data[at]))) * x!.data[at + I];
    });
  },
  backward: ({ inputs: [x], dy, target }) => {
    const dx = target(0);
    if (dx) gradient({ x: x!, dy, dx: dx.tensor }, { ...sizes(dy), accumulate: dx.accumulate });
  },
  cases: [
    { inputs: [[1, 2]] },
    { inputs: [[3, 14]] },
    { inputs: [[2, 3, 88]] },
    { inputs: [{ shape: [5, 130], scale: 4 }] },
  ],
});
