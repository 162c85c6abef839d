import { UserError } from '../errors.ts';
import { defineKernel } from '../tensor/kernel.ts';
import { type BackwardCall, defineOp, type OpDefinition, type Target } from '../tensor/op.ts';
import { format, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  addChunks,
  chunksOf,
  columnLayout,
  columnShader,
  defineElementwise,
  defineVectors,
  groupsOf64,
  oneEach,
  writeOrAdd,
} from './skeleton/snippets.ts';

/** The lesson: one invocation sums all, which rounds N times and uses one lane.   x: (N), y: () f32 */
const naive = defineKernel({
  name: 'sum_naive',
  bind: { x: 'read', y: 'write' },
  params: { N: 'u32', factor: 'f32' },
  grid: () => 1,
  wgsl: () => /* wgsl */ `
@compute @workgroup_size(1)
fn main() {
  var sum = 0.0;
  for (var i = 0u; i < params.N; i++) { sum += x[i]; }
  y[0] = sum * params.factor;
}`,
});

/** Most workgroups that sum a part each: as many partial sums as the second step has invocations. */
const PARTS = 64;
const partsOf = (N: number): number => Math.min(PARTS, groupsOf64(N));

/** partial[g] = factor * the sum of what workgroup g strides over: run twice, the second time with one workgroup. */
const parts = defineKernel({
  name: 'sum_parts',
  bind: { x: 'read', partial: 'write' },
  params: { N: 'u32', G: 'u32', factor: 'f32' },
  grid: ({ G }) => G,
  wgsl: () => /* wgsl */ `
var<workgroup> sums: array<f32, 64>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = group.x * 64u + lane; i < params.N; i += params.G * 64u) { sum += x[i]; }
  sums[lane] = sum;
  workgroupBarrier();
  if (lane > 0u) { return; }
  for (var other = 1u; other < 64u; other++) { sum += sums[other]; }
  partial[group.x] = sum * params.factor;
}`,
});

/** dx[i] (+)= dy * factor: every element has the same part in a sum.   dy: () f32 */
const spread = defineKernel({
  name: 'sum_gradient',
  bind: { dy: 'read', dx: 'write' },
  params: { N: 'u32', factor: 'f32', accumulate: 'u32' },
  grid: ({ N }) => groupsOf64(N),
  wgsl: () => oneEach('params.N', writeOrAdd('dx[i]', 'dy[0] * params.factor')),
});

/** factor(N) is what a sum of N elements is multiplied by. */
const scalarSum = (name: string, factor: (N: number) => number): OpDefinition<object> => ({
  name,
  inputs: ['x'],
  shape: () => [],
  run: {
    naive: ({ inputs: [x], output: y }) => naive({ x: x!, y }, { N: x!.size, factor: factor(x!.size) }),
    parts: ({ engine, inputs: [x], output: y }) => {
      const N = x!.size;
      const G = partsOf(N);
      const partial = engine.empty([G]);
      parts({ x: x!, partial }, { N, G, factor: 1 });
      parts({ x: partial, partial: y }, { N: G, G: 1, factor: factor(N) });
    },
  },
  reference: ([x]) => {
    let sum = 0;
    for (let i = 0; i < x!.data.length; i++) sum += x!.data[i];
    return [sum * factor(x!.data.length)];
  },
  backward: ({ inputs: [x], dy, target }: BackwardCall<object>) => {
    const dx = target(0);
    if (!dx) return;
    spread({ dy, dx: dx.tensor }, { N: x!.size, factor: factor(x!.size), accumulate: dx.accumulate });
  },
  reduction: ([x]) => sizeOf(x!),
  cases: [{ inputs: [[1]] }, { inputs: [[3, 7]] }, { inputs: [[2, 65]] }, { inputs: [[4111]] }],
});

/** Sum of all elements.   x: any shape, y: () */
export const sum = defineOp<[x: Tensor]>(scalarSum('sum', () => 1));

/** Mean of all elements.   x: any shape, y: () */
export const mean = defineOp<[x: Tensor]>(scalarSum('mean', (N) => 1 / N));

/** The lesson: one invocation a column.   x: (R, C), y: (C) f32 */
const columnsNaive = defineKernel({
  name: 'sumRows_naive',
  bind: { x: 'read', y: 'write' },
  params: { R: 'u32', C: 'u32' },
  grid: ({ C }) => groupsOf64(C),
  wgsl: () =>
    oneEach(
      'params.C',
      /* wgsl */ `
  var sum = 0.0;
  for (var r = 0u; r < params.R; r++) { sum += x[r * params.C + i]; }
  y[i] = sum;`,
    ),
});

/** Workgroups sum chunks of rows, on vectors of four; `addChunks` adds the chunks.   partial: (K, C) f32 */
const columnChunks = defineVectors({
  name: 'sumRows_chunks',
  bind: { x: 'read', partial: 'write' },
  params: { R: 'u32', C: 'u32' },
  lengths: ['C'],
  ...columnLayout,
  wgsl: columnShader(/* wgsl */ `
  var sum = T();
  for (var r = first; r < last; r++) { sum += x[r * params.C + column]; }
  partial[chunk * params.C + column] = sum;`),
});

/** dx[r,c] (+)= dy[c].   dx: (N) = (R, C), dy: (C) f32 */
const repeat = defineElementwise({
  name: 'sumRows_gradient',
  bind: { dy: 'read', dx: 'write' },
  params: { N: 'u32', C: 'u32', accumulate: 'u32' },
  lengths: ['N', 'C'],
  body: writeOrAdd('dx[i]', 'dy[i % params.C]', 'accumulate'),
});

/** to[c] = (or +=) sum_r x[r,c], where x holds rows of as many columns as `to` has elements, whatever its shape. */
export function sumDown(x: Tensor, to: Target): void {
  const C = to.tensor.size;
  const R = x.size / C;
  const K = chunksOf(R);
  const partial = x.engine.empty([K, C]);
  columnChunks({ x, partial }, { R, C });
  addChunks({ partial, sum: to.tensor }, { K, C, accumulate: to.accumulate });
}

/** Sum down the rows: y[c] = sum_r x[r,c].   x: (R, C), y: (C) */
export const sumRows = defineOp<[x: Tensor]>({
  name: 'sumRows',
  inputs: ['x'],
  shape: ([x]) => {
    if (x!.length !== 2) throw new UserError(`sumRows: x must be (R, C), got ${format(x!)}`);
    return [x![1]];
  },
  run: {
    naive: ({ inputs: [x], output: y }) => columnsNaive({ x: x!, y }, { R: x!.shape[0], C: x!.shape[1] }),
    chunks: ({ inputs: [x], output: y }) => sumDown(x!, { tensor: y, accumulate: 0 }),
  },
  reference: ([x]) => {
    const [R, C] = x!.shape;
    const y = new Float64Array(C);
    for (let i = 0; i < R * C; i++) y[i % C] += x!.data[i];
    return y;
  },
  backward: ({ dy, inputs: [x], target }) => {
    const dx = target(0);
    if (dx) repeat({ dy, dx: dx.tensor }, { N: x!.size, C: x!.shape[1], accumulate: dx.accumulate });
  },
  reduction: ([x]) => x![0],
  cases: [{ inputs: [[1, 1]] }, { inputs: [[7, 3]] }, { inputs: [[70, 65]] }, { inputs: [[1025, 4]] }],
});
