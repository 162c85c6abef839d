import { defineOp } from '../tensor/op.ts';
import { rowsAndColumns } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { defineEach } from './skeleton/each.ts';
import { defineRows } from './skeleton/rows.ts';
import { assign } from './skeleton/text.ts';

/** The lesson: one invocation a row, three walks over it.   x, y: (R, C) f32 */
const naive = defineEach({
  name: 'softmax_naive',
  bind: { x: 'read', y: 'write' },
  params: { R: 'u32', C: 'u32' },
  each: ['R'],
  body: /* wgsl */ `
  let start = i * params.C;
  var largest = x[start];
  for (var c = 1u; c < params.C; c++) { largest = max(largest, x[start + c]); }
  var sum = 0.0;
  for (var c = 0u; c < params.C; c++) { sum += exp(x[start + c] - largest); }
  for (var c = 0u; c < params.C; c++) { y[start + c] = exp(x[start + c] - largest) / sum; }`,
});

/** Maximum and sum of a row that stays in registers, on vectors of four. */
const rows = defineRows({
  name: 'softmax_rows',
  bind: { x: 'read T', y: 'write T' },
  params: { R: 'u32', C: 'u32' },
  body: ({ value, each }) => /* wgsl */ `
    ${value('v', 'x[start + c]')}
    var peaks = T(-3.4e38);
    ${each('peaks = max(peaks, v);')}
    let largest = rowMax(lane, top(peaks));
    ${value('e', 'exp(v - largest)')}
    var sum = T();
    ${each('sum += e;')}
    let factor = 1.0 / rowSum(lane, total(sum));
    ${each('y[start + c] = e * factor;')}`,
});

/** dx = y * (dy - sum_c dy * y).   y, dy, dx: (R, C) f32 */
const gradient = defineRows({
  name: 'softmax_gradient',
  bind: { y: 'read T', dy: 'read T', dx: 'write T' },
  params: { R: 'u32', C: 'u32', accumulate: 'u32' },
  constants: ({ accumulate }) => ({ accumulate }),
  body: ({ value, each, constants: { accumulate } }) => /* wgsl */ `
    ${value('p', 'y[start + c]')}
    ${value('d', 'dy[start + c]')}
    var products = T();
    ${each('products += p * d;')}
    let sum = rowSum(lane, total(products));
    ${each(assign('dx[start + c]', 'p * (d - sum)', accumulate))}`,
});

/** Softmax over the last axis: y[r,c] = exp(x[r,c] - max_r) / sum_c exp(x[r,c] - max_r).   x, y: (..., C) */
export const softmax = defineOp<{ x: Tensor }>({
  name: 'softmax',
  inputs: ['x'],
  shape: ({ x }) => x,
  run: {
    naive: {
      idea: 'An invocation a row, which it walks over three times, number by number.',
      run: ({ inputs: { x }, output: y }) => naive({ x, y }, rowsAndColumns(y.shape)),
    },
    workgroup: {
      idea: '256 lanes a row, which keep it in registers: each number is loaded once, as a vector of four; trees in workgroup memory find maximum and sum.',
      gain: 'lavapipe, (3072, 256): 0.4 of naive, for barriers are dear on CPUs',
      at: { kernel: rows, point: () => ({ LANES: 256 }) },
      run: ({ inputs: { x }, output: y }) => rows({ x, y }, rowsAndColumns(y.shape)),
    },
    rows: {
      idea: 'A subgroup a row: its own instructions find maximum and sum, without workgroup memory or a barrier.',
      gain: 'lavapipe, (3072, 256): 3.0 times naive, half of the bandwidth of a buffer copy; three walks in a loop are 1.5 times naive',
      run: ({ inputs: { x }, output: y }) => rows({ x, y }, rowsAndColumns(y.shape)),
    },
  },
  reference: ({ x }) => {
    const { R, C } = rowsAndColumns(x.shape);
    const y = new Float64Array(R * C);
    for (let r = 0; r < R; r++) {
      let largest = Number.NEGATIVE_INFINITY;
      for (let c = 0; c < C; c++) largest = Math.max(largest, x.data[r * C + c]);
      let sum = 0;
      for (let c = 0; c < C; c++) sum += y[r * C + c] = Math.exp(x.data[r * C + c] - largest);
      for (let c = 0; c < C; c++) y[r * C + c] /= sum;
    }
    return y;
  },
  backward: ({ output: y, dy, target }) => {
    const dx = target('x');
    if (dx) gradient({ y, dy, dx: dx.tensor }, { ...rowsAndColumns(y.shape), accumulate: dx.accumulate });
  },
  reduction: ({ x }) => x.at(-1) ?? 1,
  cases: [
    [{ x: [1, 1] }],
    [{ x: [3, 7] }],
    [{ x: [2, 3, 65] }],
    [{ x: [3, 36] }],
    [{ x: [5, 257] }],
    [{ x: [67, 12] }],
  ],
  workloads: ({ B, H, T }) => [{ case: [{ x: [B, H, T, T] }] }],
  operations: 5,
  ladder: {
    axes: ['R', 'C'],
    shapes: { software: [3072, 256], gpu: [65536, 1024] },
    workload: ([R, C]) => ({ case: [{ x: [R, C] }], bytes: 8 * R * C }),
  },
});
