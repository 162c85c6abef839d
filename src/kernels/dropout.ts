import { UserError } from '../errors.ts';
import { type Call, type Case, defineOp } from '../tensor/op.ts';
import { THREEFRY_WGSL, threefry, toUnit } from '../tensor/random.ts';
import { type Shape, sizeOf } from '../tensor/shape.ts';
import type { Target, Tensor } from '../tensor/tensor.ts';
import { defineEach } from './skeleton/each.ts';
import { assign, writeOrAdd } from './skeleton/text.ts';

/** Both directions are one kernel: y = x * mask / (1 - p), dx = dy * mask / (1 - p).   x, y: (N) f32, state: (2) */
const dropping = {
  bind: { state: 'read u32', x: 'read T', y: 'write T' },
  params: { N: 'u32', p: 'f32', site: 'u32', accumulate: 'u32' },
  each: ['N'],
} as const;

const BLOCK = /* wgsl */ `${THREEFRY_WGSL}
fn block(i: u32) -> vec2<u32> { return threefry(vec2<u32>(state[0], params.site), vec2<u32>(state[1], i)); }`;

/** The lesson: one invocation an element. A block of the cipher holds numbers for two; the other one is thrown away. */
const naive = defineEach({
  name: 'dropout_naive',
  ...dropping,
  functions: BLOCK,
  body: /* wgsl */ `
  let keep = toUnit(block(i / 2u)[i % 2u]) >= params.p;
  let value = select(0.0, x[i] / (1.0 - params.p), keep);
  ${writeOrAdd('y[i]', 'value')}`,
});

const vectors = defineEach({
  name: 'dropout',
  ...dropping,
  lengths: ['N'],
  functions: /* wgsl */ `${BLOCK}
fn units(i: u32) -> T {
  var bits = vec4<u32>(block(i / 2u)[i % 2u]);
  if (WIDTH == 4u) { bits = vec4<u32>(block(2u * i), block(2u * i + 1u)); }
  return narrow(vec4<f32>(toUnit(bits.x), toUnit(bits.y), toUnit(bits.z), toUnit(bits.w)));
}`,
  body: ({ constants: { accumulate } }) => /* wgsl */ `
    let value = select(T(), x[i] / (1.0 - params.p), units(i) >= T(params.p));
    ${assign('y[i]', 'value', accumulate)}`,
});

interface Attributes {
  /** Share of elements that become 0, from 0 to below 1. */
  p: number;
  /** Which dropout of the model this is: each site draws a mask of its own. */
  site: number;
}

type Inputs = { x: Tensor; state: Tensor };

function run(call: Call<Inputs, Attributes>, x: Tensor, { tensor: y, accumulate }: Target): void {
  const kernel = call.variant === 'naive' ? naive : vectors;
  kernel({ state: call.inputs.state, x, y }, { N: x.size, ...call.attributes, accumulate });
}

const forward = (call: Call<Inputs, Attributes>): void =>
  run(call, call.inputs.x, { tensor: call.output, accumulate: 0 });

const caseOf = (x: Shape, below: number, p: number, site: number): Case<Inputs, Attributes> => [
  { x, state: { shape: [2], below } },
  { p, site },
];

/**
 * Dropout (Srivastava et al., 2014), scaled so that the mean stays: y = x / (1 - p) with probability 1 - p, else 0. The
 * mask is a function of (seed, site) and (step, element) alone, through Threefry: it is drawn again in the backward pass
 * instead of being stored, and a resumed run draws the same.   x, y: any shape, state: (2) u32 [seed, step]
 * @throws UserError when p is not in [0, 1)
 */
export const dropout = defineOp<Inputs, Attributes>({
  name: 'dropout',
  inputs: ['x', 'state'],
  shape: ({ x, state }, { p }) => {
    if (!(p >= 0 && p < 1)) throw new UserError(`dropout: p must be at least 0 and below 1, got ${p}`);
    if (sizeOf(state) !== 2) throw new UserError('dropout: state must be (2): seed and step');
    return x;
  },
  run: {
    naive: forward,
    vectors: {
      idea: 'Vectors of four use both numbers of two blocks of the cipher.',
      gain: 'lavapipe, (1024, 384): 4 times naive',
      run: forward,
    },
  },
  reference: ({ x, state }, { p, site }) =>
    Float64Array.from(x.data, (value, i) => {
      const bits = threefry(state.data[0], site, state.data[1], i >>> 1)[i % 2];
      return toUnit(bits) >= Math.fround(p) ? value / (1 - p) : 0;
    }),
  backward: (call) => {
    const dx = call.target('x');
    if (dx) run(call, call.dy, dx);
  },
  cases: [
    caseOf([1], 9, 0.5, 0),
    caseOf([3, 7], 999, 0, 3),
    caseOf([2, 3, 65], 4e9, 0.2, 1),
    caseOf([260], 4e9, 0.9, 12),
  ],
  workloads: ({ B, T, C }) => [{ case: caseOf([B, T, C], 9, 0.2, 0) }],
  operations: 2,
});
