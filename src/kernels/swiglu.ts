import { UserError } from '../errors.ts';
import { defineOp } from '../tensor/op.ts';
import { format, rowsAndColumns, type Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { defineEach } from './skeleton/each.ts';
import { assign } from './skeleton/text.ts';

/** y = silu(gate) * up.   x: (R, 2 I), y: (R, I) f32, N = R I */
const forward = {
  bind: { x: 'read T', y: 'write T' },
  params: { N: 'u32', I: 'u32' },
  each: ['N'],
  body: /* wgsl */ `
  let at = i / params.I * 2u * params.I + i % params.I;
  let gate = x[at];
  y[i] = gate / (1.0 + exp(-max(gate, T(-80.0)))) * x[at + params.I]; // exp(80) is still finite`,
} as const;

/** The lesson: one invocation an element. */
const naive = defineEach({ name: 'swiglu_naive', ...forward });

/** The same on vectors of four where I allows. */
const vectors = defineEach({ name: 'swiglu', ...forward, lengths: ['N', 'I'] });

/** With s = 1 / (1 + e), e = exp(-gate): dup = dy gate s, dgate = dy up s (1 + gate (1 - s)), where 1 - s = e s. */
const gradient = defineEach({
  name: 'swiglu_gradient',
  bind: { x: 'read T', dy: 'read T', dx: 'write T' },
  params: { N: 'u32', I: 'u32', accumulate: 'u32' },
  each: ['N'],
  lengths: ['N', 'I'],
  body: ({ constants: { accumulate } }) => /* wgsl */ `
  let at = i / params.I * 2u * params.I + i % params.I;
  let gate = x[at];
  let e = exp(-max(gate, T(-80.0)));
  let s = 1.0 / (1.0 + e);
  let dGate = dy[i] * x[at + params.I] * s * (1.0 + gate * (e * s));
  let dUp = dy[i] * gate * s;
  ${assign('dx[at]', 'dGate', accumulate)}
  ${assign('dx[at + params.I]', 'dUp', accumulate)}`,
});

function shape({ gateUp }: { gateUp: Shape }): Shape {
  const last = gateUp.at(-1);
  if (last !== undefined && last % 2 === 0) return [...gateUp.slice(0, -1), last / 2];
  throw new UserError(`swiglu: the last axis of gateUp must be even (gate, then up), got ${format(gateUp)}`);
}

const sizes = (output: Tensor): { N: number; I: number } => ({ N: output.size, I: rowsAndColumns(output.shape).C });

/**
 * SwiGLU (Shazeer, "GLU variants improve transformer", 2020): y = silu(gate) * up, silu(g) = g / (1 + exp(-g)). The gate
 * stands in the first I columns and up in the last I, so that one matmul makes both.
 *
 * gateUp: (..., 2 I), y: (..., I)
 */
export const swiglu = defineOp<{ gateUp: Tensor }>({
  name: 'swiglu',
  inputs: ['gateUp'],
  shape,
  run: {
    naive: ({ inputs: { gateUp: x }, output: y }) => naive({ x, y }, sizes(y)),
    vectors: ({ inputs: { gateUp: x }, output: y }) => vectors({ x, y }, sizes(y)),
  },
  reference: ({ gateUp: { shape, data } }) => {
    const { R, C } = rowsAndColumns(shape);
    const I = C / 2;
    return Float64Array.from({ length: R * I }, (_, i) => {
      const at = Math.floor(i / I) * C + (i % I);
      return (data[at] / (1 + Math.exp(-data[at]))) * data[at + I];
    });
  },
  backward: ({ inputs: { gateUp: x }, dy, target }) => {
    const dx = target('gateUp');
    if (dx) gradient({ x, dy, dx: dx.tensor }, { ...sizes(dy), accumulate: dx.accumulate });
  },
  cases: [
    [{ gateUp: [1, 2] }],
    [{ gateUp: [3, 14] }],
    [{ gateUp: [2, 3, 88] }],
    [{ gateUp: { shape: [5, 130], scale: 4 } }],
  ],
  workloads: ({ B, T, I }) => [{ case: [{ gateUp: [B, T, 2 * I] }] }],
  operations: 4,
});
