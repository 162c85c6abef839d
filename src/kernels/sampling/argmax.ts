import { UserError } from '../../errors.ts';
import { defineKernel } from '../../tensor/kernel.ts';
import { defineOp } from '../../tensor/op.ts';
import { format, type Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { defineEach } from '../skeleton/each.ts';

/** The lesson: one invocation a row.   logits: (B, V) f32, ids: (B) u32 */
const naive = defineEach({
  name: 'argmax_naive',
  bind: { logits: 'read', ids: 'write u32' },
  params: { B: 'u32', V: 'u32' },
  each: ['B'],
  body: /* wgsl */ `
  let start = i * params.V;
  var best = 0u;
  for (var id = 1u; id < params.V; id++) {
    if (logits[start + id] > logits[start + best]) { best = id; }
  }
  ids[i] = best;`,
});

/**
 * WGSL: `largest(lane, count)` gives all invocations of a workgroup of WG the largest `score(i)`, i < count, and its id, the lowest
 * one among ties. The surrounding shader defines WG and score. NaNs never win; where nothing wins, the id is 0.
 */
export const LARGEST_WGSL = /* wgsl */ `
struct Best { score: f32, id: u32 }
var<workgroup> bests: array<Best, WG>;
fn better(a: Best, b: Best) -> Best {
  if (b.score > a.score || (b.score == a.score && b.id < a.id)) { return b; }
  return a;
}
fn largest(lane: u32, count: u32) -> Best {
  var best = Best(-3.4e38, 0u);
  for (var i = lane; i < count; i += WG) {
    let value = score(i);
    if (value > best.score) { best = Best(value, i); }
  }
  bests[lane] = best;
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (lane < half) { bests[lane] = better(bests[lane], bests[lane + half]); }
    workgroupBarrier();
  }
  return bests[0];
}
`;

/** A workgroup a row, reduced through workgroup memory. */
const rows = defineKernel({
  name: 'argmax_rows',
  bind: { logits: 'read', ids: 'write u32' },
  params: { B: 'u32', V: 'u32' },
  tune: { WG: [8, 64, 256] },
  prefer: ({ software }) => ({ WG: software ? 8 : 256 }),
  grid: ({ B }) => B,
  wgsl: ({ WG }) => /* wgsl */ `
const WG = ${WG}u;
var<private> start: u32;
fn score(i: u32) -> f32 { return logits[start + i]; }
${LARGEST_WGSL}
@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let row = groupIndex(group, groups);
  if (row >= params.B) { return; }
  start = row * params.V;
  let best = largest(lane, params.V);
  if (lane == 0u) { ids[row] = best.id; }
}`,
});

/** The index of the first largest number. */
export function argmaxOf(numbers: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < numbers.length; i++) if (numbers[i] > numbers[best]) best = i;
  return best;
}

const sizesOf = ([B, V]: Shape) => ({ B, V });

/** The id of the largest logit of each row; the lowest id wins ties.   logits: (B, V) -> (B) u32 */
export const argmax = defineOp<{ logits: Tensor }>({
  name: 'argmax',
  inputs: ['logits'],
  dtype: 'u32',
  shape: ({ logits }) => {
    if (logits.length === 2 && logits[1] > 0) return [logits[0]];
    throw new UserError(`argmax: logits must be (B, V) with V at least 1, got ${format(logits)}`);
  },
  run: {
    naive: ({ inputs: { logits }, output: ids }) => naive({ logits, ids }, sizesOf(logits.shape)),
    rows: {
      idea: 'A workgroup a row: its lanes stride over the ids, and a tree in workgroup memory finds the best.',
      run: ({ inputs: { logits }, output: ids }) => rows({ logits, ids }, sizesOf(logits.shape)),
    },
  },
  reference: ({ logits }) => {
    const { B, V } = sizesOf(logits.shape);
    const data = Array.from(logits.data);
    return Float64Array.from({ length: B }, (_, b) => argmaxOf(data.slice(b * V, (b + 1) * V)));
  },
  cases: [
    [{ logits: [1, 1] }],
    [{ logits: [3, 7] }],
    [{ logits: [5, 65] }],
    [{ logits: { shape: [3, 257], scale: 0 } }],
    [{ logits: [1, 50257] }],
  ],
  workloads: ({ B, V }) => [{ case: [{ logits: [B, V] }] }],
  operations: 1,
});
