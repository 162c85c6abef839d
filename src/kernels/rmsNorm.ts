import { UserError } from '../errors.ts';
import { defineKernel } from '../tensor/kernel.ts';
import { type BackwardCall, type Call, defineOp } from '../tensor/op.ts';
import { format, rowsAndColumns, type Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  addChunks,
  chunksOf,
  columnLayout,
  columnShader,
  defineVectors,
  groupsOf64,
  oneEach,
  rowLayout,
  rowShader,
  writeOrAdd,
} from './snippets.ts';

const forwardSpec = {
  bind: { x: 'read', weight: 'read', y: 'write', rms: 'write' },
  params: { R: 'u32', C: 'u32', eps: 'f32' },
} as const;

/** The lesson: one invocation a row, two walks over it. `rms` keeps 1 / rms.   x, y: (R, C), weight: (C), rms: (R) f32 */
const naive = defineKernel({
  name: 'rmsNorm_naive',
  ...forwardSpec,
  grid: ({ R }) => groupsOf64(R),
  wgsl: () =>
    oneEach(
      'params.R',
      /* wgsl */ `
  let start = i * params.C;
  var squares = 0.0;
  for (var c = 0u; c < params.C; c++) { squares += x[start + c] * x[start + c]; }
  let scale = inverseSqrt(squares / f32(params.C) + params.eps);
  for (var c = 0u; c < params.C; c++) { y[start + c] = x[start + c] * scale * weight[c]; }
  rms[i] = scale;`,
    ),
});

/** A subgroup a row, on vectors of four, as in layer normalization. */
const rows = defineVectors({
  name: 'rmsNorm_rows',
  ...forwardSpec,
  lengths: ['C'],
  scalars: ['rms'],
  ...rowLayout,
  wgsl: rowShader(/* wgsl */ `
  let start = row * params.C;
  var squares = T();
  for (var c = lane; c < columns; c += LANES) {
    let value = x[start + c];
    squares += value * value;
  }
  let scale = inverseSqrt(rowSum(index, total(squares)) / f32(params.C * WIDTH) + params.eps);
  for (var c = lane; c < columns; c += LANES) { y[start + c] = x[start + c] * scale * weight[c]; }
  if (lane == 0u && row < params.R) { rms[row] = scale; }`),
});

const inputSpec = {
  bind: { x: 'read', weight: 'read', rms: 'read', dy: 'read', dx: 'write' },
  params: { R: 'u32', C: 'u32', accumulate: 'u32' },
} as const;

/** With n = x * rms and g = dy * weight: dx = rms * (g - n * mean_c(g * n)); an invocation a row. */
const inputGradientNaive = defineKernel({
  name: 'rmsNorm_dx_naive',
  ...inputSpec,
  grid: ({ R }) => groupsOf64(R),
  wgsl: () =>
    oneEach(
      'params.R',
      /* wgsl */ `
  let start = i * params.C;
  let scale = rms[i];
  var sum = 0.0;
  for (var c = 0u; c < params.C; c++) { sum += dy[start + c] * weight[c] * x[start + c] * scale; }
  for (var c = 0u; c < params.C; c++) {
    let value = scale * (dy[start + c] * weight[c] - x[start + c] * scale * sum / f32(params.C));
    ${writeOrAdd('dx[start + c]', 'value')}
  }`,
    ),
});

/** The same with a subgroup a row, on vectors. */
const inputGradientRows = defineVectors({
  name: 'rmsNorm_dx_rows',
  ...inputSpec,
  lengths: ['C'],
  scalars: ['rms'],
  ...rowLayout,
  wgsl: rowShader(/* wgsl */ `
  let start = row * params.C;
  let scale = rms[min(row, params.R - 1u)];
  var sum = T();
  for (var c = lane; c < columns; c += LANES) { sum += dy[start + c] * weight[c] * x[start + c]; }
  let slope = rowSum(index, total(sum)) * scale * scale / f32(params.C * WIDTH);
  for (var c = lane; c < columns; c += LANES) {
    let value = scale * (dy[start + c] * weight[c] - x[start + c] * slope);
    ${writeOrAdd('dx[start + c]', 'value')}
  }`),
});

/** dweight[c] = sum_r dy[r,c] * n[r,c], one invocation a column. */
const weightGradientNaive = defineKernel({
  name: 'rmsNorm_dweight_naive',
  bind: { x: 'read', rms: 'read', dy: 'read', dweight: 'write' },
  params: { R: 'u32', C: 'u32', accumulate: 'u32' },
  grid: ({ C }) => groupsOf64(C),
  wgsl: () =>
    oneEach(
      'params.C',
      /* wgsl */ `
  var sum = 0.0;
  for (var r = 0u; r < params.R; r++) { sum += dy[r * params.C + i] * x[r * params.C + i] * rms[r]; }
  ${writeOrAdd('dweight[i]', 'sum')}`,
    ),
});

/** The same in two steps: workgroups sum chunks of rows, `addChunks` adds the chunks. */
const weightChunks = defineVectors({
  name: 'rmsNorm_dweight_chunks',
  bind: { x: 'read', rms: 'read', dy: 'read', partial: 'write' },
  params: { R: 'u32', C: 'u32' },
  lengths: ['C'],
  scalars: ['rms'],
  ...columnLayout,
  wgsl: columnShader(/* wgsl */ `
  var sum = T();
  for (var r = first; r < last; r++) { sum += dy[r * params.C + column] * x[r * params.C + column] * rms[r]; }
  partial[chunk * params.C + column] = sum;`),
});

interface Attributes {
  /** Added to the mean square; 1e-5 or 1e-6 in Llama. */
  eps: number;
}

function shape([x, weight]: readonly (Shape | undefined)[]): Shape {
  const C = x!.at(-1);
  if (weight!.length === 1 && weight![0] === C) return x!;
  throw new UserError(`rmsNorm: weight must be (${C ?? 1}) for x ${format(x!)}, got ${format(weight!)}`);
}

const forward =
  (kernel: typeof naive | typeof rows) =>
  ({ inputs: [x, weight], output: y, saved: { rms }, attributes: { eps } }: Call<Attributes>): void =>
    kernel({ x: x!, weight: weight!, y, rms }, { ...rowsAndColumns(x!.shape), eps });

function backward({ engine, inputs, saved: { rms }, dy, target, variant }: BackwardCall<Attributes>): void {
  const [x, weight] = inputs as [Tensor, Tensor];
  const { R, C } = rowsAndColumns(x.shape);
  const naively = variant === 'naive';
  const dx = target(0);
  if (dx) {
    const kernel = naively ? inputGradientNaive : inputGradientRows;
    kernel({ x, weight, rms, dy, dx: dx.tensor }, { R, C, accumulate: dx.accumulate });
  }
  const dweight = target(1);
  if (!dweight) return;
  const { tensor, accumulate } = dweight;
  if (naively) {
    weightGradientNaive({ x, rms, dy, dweight: tensor }, { R, C, accumulate });
    return;
  }
  const K = chunksOf(R);
  const partial = engine.empty([K, C]);
  weightChunks({ x, rms, dy, partial }, { R, C });
  addChunks({ partial, sum: tensor }, { K, C, accumulate });
}

/**
 * Root-mean-square normalization over the last axis (Zhang and Sennrich, 2019): y = x / sqrt(mean(x^2) + eps) * weight.
 * x, y: (..., C), weight: (C)
 */
export const rmsNorm = defineOp<[x: Tensor, weight: Tensor], Attributes>({
  name: 'rmsNorm',
  inputs: ['x', 'weight'],
  shape,
  saves: ([x]) => ({ rms: [rowsAndColumns(x!).R] }),
  run: { naive: forward(naive), rows: forward(rows) },
  reference: ([x, weight], { eps }) => {
    const { R, C } = rowsAndColumns(x!.shape);
    const y = new Float64Array(R * C);
    for (let r = 0; r < R; r++) {
      let square = 0;
      for (let c = 0; c < C; c++) square += x!.data[r * C + c] ** 2 / C;
      for (let c = 0; c < C; c++) y[r * C + c] = (x!.data[r * C + c] / Math.sqrt(square + eps)) * weight!.data[c];
    }
    return y;
  },
  backward,
  reduction: ([x]) => {
    const { R, C } = rowsAndColumns(x!);
    return Math.max(R, C);
  },
  cases: [
    { inputs: [[1, 1], [1]], attributes: { eps: 1e-5 } },
    { inputs: [[3, 7], [7]], attributes: { eps: 1e-5 } },
    { inputs: [[2, 5, 65], [65]], attributes: { eps: 1e-6 } },
    { inputs: [[33, 17], [17]], attributes: { eps: 0.1 } },
    { inputs: [[2, 300], [300]], attributes: { eps: 1e-5 } },
  ],
});
