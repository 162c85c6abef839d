import { UserError } from '../errors.ts';
import { defineKernel } from '../tensor/kernel.ts';
import { defineOp } from '../tensor/op.ts';
import { format, type Shape, sameShape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { addChunks } from './skeleton/columns.ts';
import { defineEach } from './skeleton/each.ts';
import { TREE_SUM } from './skeleton/text.ts';

interface Inputs {
  x: Tensor;
  minus?: Tensor;
  times?: Tensor;
  segments: Tensor;
}

interface Attributes {
  /** Elements of the longest segment: it says into how many parts each is cut, and nothing else. */
  longest: number;
}

/** Elements that a workgroup takes at least, and the most workgroups of a segment. */
const STRETCH = 4096;
const MOST_PARTS = 64;
const partsOf = (longest: number): number => Math.max(1, Math.min(Math.ceil(longest / STRETCH), MOST_PARTS));

const BIND = { x: 'read', minus: 'read?', times: 'read?', segments: 'read u32', sums: 'write' } as const;

/** The term of element i, and the elements of segment s. */
const term = ({ minus, times }: Record<string, boolean>): string => /* wgsl */ `
fn term(i: u32) -> f32 {
  let d = x[i]${minus ? ' - minus[i]' : ''};
  return d * ${times ? 'times[i]' : 'd'};
}
fn first(s: u32) -> u32 { return min(segments[2u * s], params.N); }
fn last(s: u32) -> u32 { return min(first(s) + segments[2u * s + 1u], params.N); }`;

/** The lesson: one invocation a segment. */
const naive = defineEach({
  name: 'segmentProducts_naive',
  bind: BIND,
  params: { N: 'u32', S: 'u32' },
  each: ['S'],
  functions: ({ has }) => term(has),
  body: /* wgsl */ `
  var sum = 0.0;
  for (var k = first(i); k < last(i); k++) { sum += term(k); }
  sums[i] = sum;`,
});

/** Workgroup p of the P of a segment adds up every P-th tile of it.   sums: (P, S) f32 */
const parts = defineKernel({
  name: 'segmentProducts_parts',
  bind: BIND,
  params: { N: 'u32', S: 'u32', P: 'u32' },
  tune: { WG: [8, 64, 256] },
  prefer: ({ software }) => ({ WG: software ? 8 : 256 }),
  grid: ({ S, P }) => S * P,
  wgsl: ({ WG }, { has }) => /* wgsl */ `
const WG = ${WG}u;
${TREE_SUM}
${term(has)}
@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let index = groupIndex(group, groups);
  if (index >= params.S * params.P) { return; }
  let s = index % params.S;
  let end = last(s);
  var sum = 0.0;
  for (var i = first(s) + index / params.S * WG + lane; i < end; i += params.P * WG) { sum += term(i); }
  treeSum(lane, sum);
  if (lane == 0u) { sums[index] = partial[0]; }
}`,
});

function checkedShape({ x, minus, times, segments }: Record<keyof Inputs, Shape>): Shape {
  for (const [name, other] of Object.entries({ minus, times })) {
    if (other && sizeOf(other) !== sizeOf(x)) {
      throw new UserError(`segmentProducts: ${name} must have the elements of x ${format(x)}, got ${format(other)}`);
    }
  }
  if (sameShape(segments, [segments[0], 2])) return [segments[0]];
  throw new UserError(`segmentProducts: segments must be (S, 2), starts and lengths, got ${format(segments)}`);
}

/**
 * Inner products of stretches of flat tensors: sums[s] = sum_i (x[i] - minus[i]) times[i], over the elements of segment s; squares,
 * where `times` is not given. For the norms of all parameters, of their gradients or of how far a step moved them, in one dispatch.
 * x, minus, times: (N) in any shape, segments: (S, 2) u32 [start, length], what lies past N counting for nothing -> (S)
 *
 * Each sum is made in an order that depends on `longest` alone, so that every run gives the same bits.
 */
export const segmentProducts = defineOp<Inputs, Attributes>({
  name: 'segmentProducts',
  inputs: ['x', 'minus?', 'times?', 'segments'],
  shape: (shapes) => checkedShape(shapes as Record<keyof Inputs, Shape>),
  run: {
    naive: {
      idea: 'One invocation a segment.',
      run: ({ inputs, output: sums }) => naive({ ...inputs, sums }, { N: inputs.x.size, S: sums.size }),
    },
    parts: {
      idea: 'Up to 64 workgroups a segment, and a second kernel that adds up what they leave.',
      run: ({ engine, inputs, attributes, output }) => {
        const [P, S] = [partsOf(attributes.longest), output.size];
        const sums = engine.empty([P, S]);
        parts({ ...inputs, sums }, { N: inputs.x.size, S, P });
        addChunks(sums, { tensor: output, accumulate: 0 });
      },
    },
  },
  reference: ({ x, minus, times, segments }) => {
    const sums = new Float64Array(segments.shape[0]);
    for (let s = 0; s < sums.length; s++) {
      const [start, length] = [segments.data[2 * s], segments.data[2 * s + 1]];
      for (let i = start; i < Math.min(start + length, x.data.length); i++) {
        const d = x.data[i] - (minus?.data[i] ?? 0);
        sums[s] += d * (times?.data[i] ?? d);
      }
    }
    return sums;
  },
  reduction: ({ x }) => sizeOf(x),
  cases: [
    [{ x: [1], segments: { shape: [1, 2], below: 2 } }, { longest: 1 }],
    [{ x: [7], times: [7], segments: { shape: [5, 2], below: 8 } }, { longest: 7 }],
    [{ x: [131], minus: [131], segments: { shape: [3, 2], below: 131 } }, { longest: 131 }],
    [{ x: [9001], minus: [9001], times: [9001], segments: { shape: [67, 2], below: 9001 } }, { longest: 9001 }],
  ],
});
