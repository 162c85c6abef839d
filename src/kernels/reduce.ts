import { UserError } from '../errors.ts';
import { defineOp, type OpDefinition } from '../tensor/op.ts';
import { format, sizeOf } from '../tensor/shape.ts';
import type { Target, Tensor } from '../tensor/tensor.ts';
import { addChunks, chunksOf, defineColumns } from './skeleton/columns.ts';
import { defineEach } from './skeleton/each.ts';
import { assign, writeOrAdd } from './skeleton/text.ts';

/** strand[i] = factor * the sum of every S-th element from element i on.   x: (N), strand: (S) f32 */
const strands = defineEach({
  name: 'sum_strands',
  bind: { x: 'read', strand: 'write' },
  params: { N: 'u32', S: 'u32', factor: 'f32' },
  each: ['S'],
  body: /* wgsl */ `
  var sum = 0.0;
  for (var k = i; k < params.N; k += params.S) { sum += x[k]; }
  strand[i] = sum * params.factor;`,
});

/** Strands are a matrix of at most 64 rows of 64 columns: two sums down the rows are left. */
const SIDE = 64;

/** dx[i] (+)= dy * factor: every element has the same part in a sum.   dy: () f32 */
const spread = defineEach({
  name: 'sum_gradient',
  bind: { dy: 'read', dx: 'write' },
  params: { N: 'u32', factor: 'f32', accumulate: 'u32' },
  each: ['N'],
  body: writeOrAdd('dx[i]', 'dy[0] * params.factor'),
});

/** factor(N) is what a sum of N elements is multiplied by. */
const scalarSum = (name: string, factor: (N: number) => number): OpDefinition<{ x: Tensor }, object> => ({
  name,
  inputs: ['x'],
  shape: () => [],
  run: {
    naive: {
      idea: 'One invocation sums all, which rounds N times.',
      run: ({ inputs: { x }, output: y }) => strands({ x, strand: y }, { N: x.size, S: 1, factor: factor(x.size) }),
    },
    strands: {
      idea: 'Up to 4,096 invocations sum a strand of elements each, and 64, then one, sum what they leave.',
      run: ({ engine, inputs: { x }, output: y }) => {
        const N = x.size;
        const K = Math.min(SIDE, Math.ceil(N / SIDE));
        const [strand, column] = [engine.empty([K, SIDE]), engine.empty([SIDE, 1])];
        strands({ x, strand }, { N, S: strand.size, factor: factor(N) });
        addChunks(strand, { tensor: column, accumulate: 0 });
        addChunks(column, { tensor: y, accumulate: 0 });
      },
    },
  },
  reference: ({ x: { data } }) => {
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum += data[i];
    return [sum * factor(data.length)];
  },
  backward: ({ inputs: { x }, dy, target }) => {
    const dx = target('x');
    if (dx) spread({ dy, dx: dx.tensor }, { N: x.size, factor: factor(x.size), accumulate: dx.accumulate });
  },
  reduction: ({ x }) => sizeOf(x),
  cases: [[{ x: [1] }], [{ x: [3, 7] }], [{ x: [2, 65] }], [{ x: [4111] }]],
  workloads: ({ B, T, C }) => [{ case: [{ x: [B, T, C] }] }],
  operations: 1,
});

/** Sum of all elements.   x: any shape, y: () */
export const sum = defineOp<{ x: Tensor }>(scalarSum('sum', () => 1));

/** Mean of all elements.   x: any shape, y: () */
export const mean = defineOp<{ x: Tensor }>(scalarSum('mean', (N) => 1 / N));

/** The lesson: one invocation a column.   x: (R, C), y: (C) f32 */
const columnsNaive = defineEach({
  name: 'sumRows_naive',
  bind: { x: 'read', y: 'write' },
  params: { R: 'u32', C: 'u32' },
  each: ['C'],
  body: /* wgsl */ `
  var sum = 0.0;
  for (var r = 0u; r < params.R; r++) { sum += x[r * params.C + i]; }
  y[i] = sum;`,
});

/** partial[k,c] = sum of chunk k of the rows.   x: (R, C), partial: (K, C) f32 */
const columnChunks = defineColumns({
  name: 'sumRows_chunks',
  bind: { x: 'read T', partial: 'write T' },
  body: /* wgsl */ `
  var sum = T();
  for (var r = first; r < last; r++) { sum += x[r * params.C + column]; }
  partial[chunk * params.C + column] = sum;`,
});

/** dx[r,c] (+)= dy[c].   dx: (N) = (R, C), dy: (C) f32 */
const repeat = defineEach({
  name: 'sumRows_gradient',
  bind: { dy: 'read T', dx: 'write T' },
  params: { N: 'u32', C: 'u32', accumulate: 'u32' },
  each: ['N'],
  lengths: ['N', 'C'],
  body: ({ constants: { accumulate } }) => assign('dx[i]', 'dy[i % params.C]', accumulate),
});

/** to[c] = (or +=) sum_r x[r,c], where x holds rows of as many columns as `to` has elements, whatever its shape. */
export function sumDown(x: Tensor, to: Target): void {
  const C = to.tensor.size;
  const R = x.size / C;
  const partial = x.engine.empty([chunksOf(R), C]);
  columnChunks({ x, partial }, { R, C });
  addChunks(partial, to);
}

/** Sum down the rows: y[c] = sum_r x[r,c].   x: (R, C), y: (C) */
export const sumRows = defineOp<{ x: Tensor }>({
  name: 'sumRows',
  inputs: ['x'],
  shape: ({ x }) => {
    if (x.length !== 2) throw new UserError(`sumRows: x must be (R, C), got ${format(x)}`);
    return [x[1]];
  },
  run: {
    naive: ({ inputs: { x }, output: y }) => columnsNaive({ x, y }, { R: x.shape[0], C: x.shape[1] }),
    chunks: {
      idea: 'Workgroups sum chunks of rows, on vectors of four; a second kernel sums the chunks.',
      run: ({ inputs: { x }, output: y }) => sumDown(x, { tensor: y, accumulate: 0 }),
    },
  },
  reference: ({ x }) => {
    const [R, C] = x.shape;
    const y = new Float64Array(C);
    for (let i = 0; i < R * C; i++) y[i % C] += x.data[i];
    return y;
  },
  backward: ({ dy, inputs: { x }, target }) => {
    const dx = target('x');
    if (dx) repeat({ dy, dx: dx.tensor }, { N: x.size, C: x.shape[1], accumulate: dx.accumulate });
  },
  reduction: ({ x: [R] }) => R,
  cases: [[{ x: [1, 1] }], [{ x: [7, 3] }], [{ x: [70, 65] }], [{ x: [1025, 4] }]],
  workloads: ({ B, T, C }) => [{ case: [{ x: [B * T, C] }] }],
  operations: 1,
});

/** The lesson: one invocation a column.   x: (R, C), y: (C) f32 */
const peaksNaive = defineEach({
  name: 'columnPeaks_naive',
  bind: { x: 'read', y: 'write' },
  params: { R: 'u32', C: 'u32' },
  each: ['C'],
  body: /* wgsl */ `
  var peak = 0.0;
  for (var r = 0u; r < params.R; r++) { peak = max(peak, abs(x[r * params.C + i])); }
  y[i] = peak;`,
});

/** partial[k,c] = the largest |x| of chunk k of the rows.   x: (R, C), partial: (K, C) f32 */
const peakChunks = defineColumns({
  name: 'columnPeaks_chunks',
  bind: { x: 'read T', partial: 'write T' },
  body: /* wgsl */ `
  var peak = T();
  for (var r = first; r < last; r++) { peak = max(peak, abs(x[r * params.C + column])); }
  partial[chunk * params.C + column] = peak;`,
});

/** The largest magnitude down the rows: y[c] = max_r |x[r,c]|.   x: (R, C), y: (C) */
export const columnPeaks = defineOp<{ x: Tensor }>({
  name: 'columnPeaks',
  inputs: ['x'],
  shape: ({ x }) => {
    if (x.length !== 2) throw new UserError(`columnPeaks: x must be (R, C), got ${format(x)}`);
    return [x[1]];
  },
  run: {
    naive: ({ inputs: { x }, output: y }) => peaksNaive({ x, y }, { R: x.shape[0], C: x.shape[1] }),
    chunks: {
      idea: 'Workgroups take chunks of rows, on vectors of four; the naive kernel goes over what they leave.',
      run: ({ engine, inputs: { x }, output: y }) => {
        const [R, C] = x.shape;
        const partial = engine.empty([chunksOf(R), C]);
        peakChunks({ x, partial }, { R, C });
        peaksNaive({ x: partial, y }, { R: partial.shape[0], C });
      },
    },
  },
  reference: ({ x }) => {
    const [R, C] = x.shape;
    const y = new Float64Array(C);
    for (let i = 0; i < R * C; i++) y[i % C] = Math.max(y[i % C], Math.abs(x.data[i]));
    return y;
  },
  cases: [[{ x: [1, 1] }], [{ x: [7, 3] }], [{ x: [70, 65] }], [{ x: [1025, 4] }]],
});
