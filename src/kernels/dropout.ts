import { UserError } from '../errors.ts';
import { defineKernel } from '../tensor/kernel.ts';
import { defineOp } from '../tensor/op.ts';
import { THREEFRY_WGSL, threefry, toUnit } from '../tensor/random.ts';
import { sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { groupsOf64, oneEach, writeOrAdd } from './snippets.ts';

/** Both directions are one kernel: y = x * mask / (1 - p), dx = dy * mask / (1 - p). */
const spec = {
  bind: { state: 'read u32', x: 'read', y: 'write' },
  params: { N: 'u32', p: 'f32', site: 'u32', accumulate: 'u32' },
} as const;

const FUNCTIONS = /* wgsl */ `${THREEFRY_WGSL}
fn block(i: u32) -> vec2<u32> { return threefry(vec2<u32>(state[0], params.site), vec2<u32>(state[1], i)); }
fn masked(x: f32, bits: u32) -> f32 { return select(0.0, x / (1.0 - params.p), toUnit(bits) >= params.p); }`;

/** The lesson: one invocation an element. A block of the cipher holds numbers for two; the other one is thrown away. */
const naive = defineKernel({
  name: 'dropout_naive',
  ...spec,
  grid: ({ N }) => groupsOf64(N),
  wgsl: () =>
    FUNCTIONS +
    oneEach(
      'params.N',
      /* wgsl */ `
  let value = masked(x[i], block(i / 2u)[i % 2u]);
  ${writeOrAdd('y[i]', 'value')}`,
    ),
});

/** One invocation a block of the cipher, which is dearer than all the rest: half the blocks. */
const pairs = defineKernel({
  name: 'dropout_pairs',
  ...spec,
  grid: ({ N }) => groupsOf64(Math.ceil(N / 2)),
  wgsl: () =>
    FUNCTIONS +
    oneEach(
      '(params.N + 1u) / 2u',
      /* wgsl */ `
  let bits = block(i);
  let first = masked(x[2u * i], bits.x);
  ${writeOrAdd('y[2u * i]', 'first')}
  if (2u * i + 1u == params.N) { return; }
  let second = masked(x[2u * i + 1u], bits.y);
  ${writeOrAdd('y[2u * i + 1u]', 'second')}`,
    ),
});

interface Attributes {
  /** Share of elements that become 0, from 0 to below 1. */
  p: number;
  /** Which dropout of the model this is: each site draws a mask of its own. */
  site: number;
}

const kernels: Record<string, typeof naive | typeof pairs> = { naive, pairs };

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
    pairs: ({ inputs: [x, state], output: y, attributes }) =>
      apply('pairs', { state: state!, x: x!, y }, attributes, 0),
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
    { inputs: [[131], { shape: [2], below: 4e9 }], attributes: { p: 0.9, site: 12 } },
  ],
});
