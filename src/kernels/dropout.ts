import { UserError } from '../errors.ts';
import { defineKernel } from '../tensor/kernel.ts';
import { defineOp } from '../tensor/op.ts';
import { THREEFRY_WGSL, threefry, toUnit } from '../tensor/random.ts';
import { sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { defineElementwise, groupsOf64, oneEach, writeOrAdd } from './skeleton/snippets.ts';

/** Both directions are one kernel: y = x * mask / (1 - p), dx = dy * mask / (1 - p). */
const spec = {
  bind: { state: 'read u32', x: 'read', y: 'write' },
  params: { N: 'u32', p: 'f32', site: 'u32', accumulate: 'u32' },
} as const;

const BLOCK = /* wgsl */ `${THREEFRY_WGSL}
fn block(i: u32) -> vec2<u32> { return threefry(vec2<u32>(state[0], params.site), vec2<u32>(state[1], i)); }`;

/** The lesson: one invocation an element. A block of the cipher holds numbers for two; the other one is thrown away. */
const naive = defineKernel({
  name: 'dropout_naive',
  ...spec,
  grid: ({ N }) => groupsOf64(N),
  wgsl: () =>
    BLOCK +
    oneEach(
      'params.N',
      /* wgsl */ `
  let keep = toUnit(block(i / 2u)[i % 2u]) >= params.p;
  let value = select(0.0, x[i] / (1.0 - params.p), keep);
  ${writeOrAdd('y[i]', 'value')}`,
    ),
});

/** Vectors of four use both numbers of two blocks. 4 times naive at (1024, 384) on lavapipe. */
const vectors = defineElementwise({
  name: 'dropout',
  ...spec,
  lengths: ['N'],
  functions: /* wgsl */ `${BLOCK}
fn units(i: u32) -> T {
  var bits = vec4<u32>(block(i / 2u)[i % 2u]);
  if (WIDTH == 4u) { bits = vec4<u32>(block(2u * i), block(2u * i + 1u)); }
  return narrow(vec4<f32>(toUnit(bits.x), toUnit(bits.y), toUnit(bits.z), toUnit(bits.w)));
}`,
  body: /* wgsl */ `
    let value = select(T(), x[i] / (1.0 - params.p), units(i) >= T(params.p));
    ${writeOrAdd('y[i]', 'value', 'accumulate')}`,
});

interface Attributes {
  /** Share of elements that become 0, from 0 to below 1. */
  p: number;
  /** Which dropout of the model this is: each site draws a mask of its own. */
  site: number;
}

const kernels: Record<string, typeof vectors> = { naive, vectors };

function apply(
  variant: string,
  tensors: { state: Tensor; x: Tensor; y: Tensor },
  a: Attributes,
  accumulate: 0 | 1,
): void {
  kernels[variant](tensors, { N: tensors.x.size, p: a.p, site: a.site, accumulate });
}

/**
 * Dropout (Srivastava et al., 2014), scaled so that the mean stays: y = x / (1 - p) with probability 1 - p, else 0. The
 * mask is a function of (seed, site) and (step, element) alone, through Threefry: it is drawn again in the backward pass
 * instead of being stored, and a resumed run draws the same.   x, y: any shape, state: (2) u32 [seed, step]
 * @throws UserError when p is not in [0, 1)
 */
export const dropout = defineOp<[x: Tensor, state: Tensor], Attributes>({
  name: 'dropout',
  inputs: ['x', 'state'],
  shape: ([x, state], { p }) => {
    if (!(p >= 0 && p < 1)) throw new UserError(`dropout: p must be at least 0 and below 1, got ${p}`);
    if (sizeOf(state!) !== 2) throw new UserError('dropout: state must be (2): seed and step');
    return x!;
  },
  run: {
    naive: ({ inputs: [x, state], output: y, attributes }) =>
      apply('naive', { state: state!, x: x!, y }, attributes, 0),
    vectors: ({ inputs: [x, state], output: y, attributes }) =>
      apply('vectors', { state: state!, x: x!, y }, attributes, 0),
  },
  reference: ([x, state], { p, site }) =>
    Float64Array.from(x!.data, (value, i) => {
      const bits = threefry(state!.data[0], site, state!.data[1], i >>> 1)[i % 2];
      return toUnit(bits) >= Math.fround(p) ? value / (1 - p) : 0;
    }),
  backward: ({ inputs: [, state], dy, attributes, target, variant }) => {
    const dx = target(0);
    if (dx) apply(variant, { state: state!, x: dy, y: dx.tensor }, attributes, dx.accumulate);
  },
  cases: [
    { inputs: [[1], { shape: [2], below: 9 }], attributes: { p: 0.5, site: 0 } },
    { inputs: [[3, 7], { shape: [2], below: 999 }], attributes: { p: 0, site: 3 } },
    { inputs: [[2, 3, 65], { shape: [2], below: 4e9 }], attributes: { p: 0.2, site: 1 } },
    { inputs: [[260], { shape: [2], below: 4e9 }], attributes: { p: 0.9, site: 12 } },
  ],
});
