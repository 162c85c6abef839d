import { defineKernel } from '../tensor/kernel.ts';
import { defineOp } from '../tensor/op.ts';
import { rowsAndColumns } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** The lesson: one invocation a row, three walks over it.   x, y: (R, C) f32 */
const naive = defineKernel({
  name: 'softmax_naive',
  bind: { x: 'read', y: 'write' },
  params: { R: 'u32', C: 'u32' },
  grid: ({ R }) => Math.ceil(R / 64),
  wgsl: () => /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let row = groupIndex(group, groups) * 64u + lane;
  if (row >= params.R) { return; }
  let start = row * params.C;
  var largest = x[start];
  for (var c = 1u; c < params.C; c++) { largest = max(largest, x[start + c]); }
  var sum = 0.0;
  for (var c = 0u; c < params.C; c++) { sum += exp(x[start + c] - largest); }
  for (var c = 0u; c < params.C; c++) { y[start + c] = exp(x[start + c] - largest) / sum; }
}`,
});

/** A workgroup a row: its invocations stride over the columns and reduce through workgroup memory. */
const rows = defineKernel({
  name: 'softmax_rows',
  bind: { x: 'read', y: 'write' },
  params: { R: 'u32', C: 'u32' },
  tune: { WG: [32, 64, 128, 256] },
  valid: ({ WG }, adapter) => WG <= adapter.workgroupInvocations,
  grid: ({ R }) => R,
  wgsl: ({ WG }) => /* wgsl */ `
const WG = ${WG}u;
var<workgroup> shared_: array<f32, WG>;
fn reduceMax(lane: u32, value: f32) -> f32 {
  shared_[lane] = value;
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (lane < half) { shared_[lane] = max(shared_[lane], shared_[lane + half]); }
    workgroupBarrier();
  }
  let result = shared_[0];
  workgroupBarrier();
  return result;
}
fn reduceSum(lane: u32, value: f32) -> f32 {
  shared_[lane] = value;
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (lane < half) { shared_[lane] += shared_[lane + half]; }
    workgroupBarrier();
  }
  let result = shared_[0];
  workgroupBarrier();
  return result;
}
@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let row = groupIndex(group, groups);
  if (row >= params.R) { return; }
  let start = row * params.C;
  var largest = -3.4e38;
  for (var c = lane; c < params.C; c += WG) { largest = max(largest, x[start + c]); }
  largest = reduceMax(lane, largest);
  var sum = 0.0;
  for (var c = lane; c < params.C; c += WG) { sum += exp(x[start + c] - largest); }
  sum = reduceSum(lane, sum);
  for (var c = lane; c < params.C; c += WG) { y[start + c] = exp(x[start + c] - largest) / sum; }
}`,
});

/** dx = y * (dy - sum_c dy * y), a workgroup a row.   y, dy, dx: (R, C) f32 */
const gradient = defineKernel({
  name: 'softmax_gradient',
  bind: { y: 'read', dy: 'read', dx: 'write' },
  params: { R: 'u32', C: 'u32', accumulate: 'u32' },
  tune: { WG: [32, 64, 128, 256] },
  valid: ({ WG }, adapter) => WG <= adapter.workgroupInvocations,
  grid: ({ R }) => R,
  wgsl: ({ WG }) => /* wgsl */ `
const WG = ${WG}u;
var<workgroup> partial: array<f32, WG>;
@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32) {
  let row = groupIndex(group, groups);
  if (row >= params.R) { return; }
  let start = row * params.C;
  var sum = 0.0;
  for (var c = lane; c < params.C; c += WG) { sum += y[start + c] * dy[start + c]; }
  partial[lane] = sum;
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (lane < half) { partial[lane] += partial[lane + half]; }
    workgroupBarrier();
  }
  for (var c = lane; c < params.C; c += WG) {
    let value = y[start + c] * (dy[start + c] - partial[0]);
    dx[start + c] = select(value, dx[start + c] + value, params.accumulate == 1u);
  }
}`,
});

/** Softmax over the last axis: y[r,c] = exp(x[r,c] - max_r) / sum_c exp(x[r,c] - max_r).   x, y: (..., C) */
export const softmax = defineOp<[x: Tensor]>({
  name: 'softmax',
  inputs: ['x'],
  shape: ([x]) => x!,
  run: {
    naive: ({ inputs: [x], output: y }) => naive({ x: x!, y }, rowsAndColumns(y.shape)),
    rows: ({ inputs: [x], output: y }) => rows({ x: x!, y }, rowsAndColumns(y.shape)),
  },
  reference: ([x]) => {
    const { R, C } = rowsAndColumns(x!.shape);
    const y = new Float64Array(R * C);
    for (let r = 0; r < R; r++) {
      let largest = Number.NEGATIVE_INFINITY;
      for (let c = 0; c < C; c++) largest = Math.max(largest, x!.data[r * C + c]);
      let sum = 0;
      for (let c = 0; c < C; c++) sum += y[r * C + c] = Math.exp(x!.data[r * C + c] - largest);
      for (let c = 0; c < C; c++) y[r * C + c] /= sum;
    }
    return y;
  },
  backward: ({ output: y, dy, target }) => {
    const dx = target(0);
    if (dx) gradient({ y, dy, dx: dx.tensor }, { ...rowsAndColumns(y.shape), accumulate: dx.accumulate });
  },
  reduction: ([x]) => x!.at(-1) ?? 1,
  cases: [{ inputs: [[1, 1]] }, { inputs: [[3, 7]] }, { inputs: [[2, 3, 65]] }, { inputs: [[5, 257]] }],
});
