import { defineKernel } from '../../tensor/kernel.ts';
import type { BackwardCall } from '../../tensor/op.ts';
import { rowsAndColumns, type Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { defineRows, rowChunks } from '../skeleton/heldRows.ts';
import { addChunks, groupsOf64, oneEach, writeOrAdd } from '../skeleton/snippets.ts';
import type { NormAttributes, NormKind } from './forward.ts';

/** With g = dy * weight: dx = rstd * (g - mean_c g - n * mean_c(g * n)), without mean_c g where the norm is not centred. */
const inputNaive = defineKernel({
  name: 'norm_dx_naive',
  bind: { x: 'read', weight: 'read', mean: 'read', rstd: 'read', dy: 'read', dx: 'write' },
  params: { R: 'u32', C: 'u32', accumulate: 'u32', centred: 'u32' },
  grid: ({ R }) => groupsOf64(R),
  wgsl: () =>
    oneEach(
      'params.R',
      /* wgsl */ `
  let start = i * params.C;
  var gSum = 0.0;
  var gnSum = 0.0;
  for (var c = 0u; c < params.C; c++) {
    let g = dy[start + c] * weight[c];
    if (params.centred == 1u) { gSum += g; }
    gnSum += g * (x[start + c] - mean[i]) * rstd[i];
  }
  for (var c = 0u; c < params.C; c++) {
    let n = (x[start + c] - mean[i]) * rstd[i];
    let value = rstd[i] * (dy[start + c] * weight[c] - (gSum + n * gnSum) / f32(params.C));
    ${writeOrAdd('dx[start + c]', 'value')}
  }`,
    ),
});

/** dbias[c] = sum_r dy[r,c] and dweight[c] = sum_r dy[r,c] * n[r,c], one invocation a column. */
const columnsNaive = defineKernel({
  name: 'norm_dweight_naive',
  bind: { x: 'read', mean: 'read', rstd: 'read', dy: 'read', dweight: 'write' },
  params: { R: 'u32', C: 'u32', accumulate: 'u32', normalized: 'u32' },
  grid: ({ C }) => groupsOf64(C),
  wgsl: () =>
    oneEach(
      'params.C',
      /* wgsl */ `
  var sum = 0.0;
  for (var r = 0u; r < params.R; r++) {
    let n = (x[r * params.C + i] - mean[r]) * rstd[r];
    sum += dy[r * params.C + i] * select(1.0, n, params.normalized == 1u);
  }
  ${writeOrAdd('dweight[i]', 'sum')}`,
    ),
});

/**
 * All gradients in one walk over x and dy: dx, and each workgroup's sums for dweight and dbias, which stay in registers and
 * go to partial: (G, C), or (G, 2 C) with a bias. `finish` or `addChunks` add them up. Half of the time of a kernel for dx and
 * one for the sums at (1536, 128) on lavapipe.
 */
const gradientRows = defineRows({
  name: 'norm_gradient_rows',
  bind: { x: 'read', weight: 'read', mean: 'read', rstd: 'read', dy: 'read', dx: 'write', partial: 'write' },
  params: { R: 'u32', C: 'u32', G: 'u32', accumulate: 'u32', centred: 'u32', hasBias: 'u32' },
  scalars: ['mean', 'rstd'],
  flags: ['accumulate', 'centred', 'hasBias'],
  columns: ({ value }) => value('w', 'weight[c]'),
  sums: ({ has }): Record<string, string> => ({
    dweight: `partial[chunk * columns${has('hasBias') ? ' * 2u' : ''} + c]`,
    ...(has('hasBias') && { dbias: 'partial[(chunk * 2u + 1u) * columns + c]' }),
  }),
  body: ({ value, each, has }) => /* wgsl */ `
    let length = f32(columns * WIDTH);
    let average = ${has('centred') ? 'mean[row]' : '0.0'};
    let scale = rstd[row];
    ${value('n', '(x[start + c] - average) * scale')}
    ${value('d', 'dy[start + c]')}
    var g = T();
    var gn = T();
    ${each(/* wgsl */ `
      *dweight += d * n;
      ${has('hasBias') ? '*dbias += d;' : ''}
      ${has('centred') ? 'g += d * w;' : ''}
      gn += d * w * n;`)}
    let gMean = ${has('centred') ? 'rowSum(lane, total(g)) / length' : '0.0'};
    let gnMean = rowSum(lane, total(gn)) / length;
    ${each(`dx[start + c] ${has('accumulate') ? '+=' : '='} scale * (d * w - gMean - n * gnMean);`)}`,
});

/** Adds up the sums of both vectors.   partial: (K, 2 C), dweight, dbias: (C) f32 */
const finish = defineKernel({
  name: 'norm_finish',
  bind: { partial: 'read', dweight: 'write', dbias: 'write' },
  params: { K: 'u32', C: 'u32', addWeight: 'u32', addBias: 'u32' },
  grid: ({ C }) => groupsOf64(2 * C),
  wgsl: () =>
    oneEach(
      '2u * params.C',
      /* wgsl */ `
  var sum = 0.0;
  for (var k = 0u; k < params.K; k++) { sum += partial[k * 2u * params.C + i]; }
  if (i < params.C) {
    ${writeOrAdd('dweight[i]', 'sum', 'params.addWeight')}
  } else {
    ${writeOrAdd('dbias[i - params.C]', 'sum', 'params.addBias')}
  }`,
    ),
});

/** The backward pass of a norm. */
export const normBackward =
  ({ centred }: NormKind) =>
  (call: BackwardCall<NormAttributes>): void =>
    (call.variant === 'naive' ? backwardNaive : backwardRows)(call, centred);

function backwardNaive({ inputs, saved: { mean, rstd }, dy, target }: BackwardCall<NormAttributes>, centred: 0 | 1) {
  const [x, weight] = inputs as [Tensor, Tensor];
  const sizes = rowsAndColumns(x.shape);
  const dx = target(0);
  if (dx) inputNaive({ x, weight, mean, rstd, dy, dx: dx.tensor }, { ...sizes, accumulate: dx.accumulate, centred });
  for (const [input, normalized] of [
    [1, 1],
    [2, 0],
  ]) {
    const to = target(input);
    if (!to) continue;
    columnsNaive({ x, mean, rstd, dy, dweight: to.tensor }, { ...sizes, accumulate: to.accumulate, normalized });
  }
}

/** What nobody asks for is made all the same, and dropped. */
function backwardRows(call: BackwardCall<NormAttributes>, centred: 0 | 1): void {
  const { engine, inputs, saved, dy, target } = call;
  const [x, weight] = inputs as [Tensor, Tensor];
  const { R, C } = rowsAndColumns(x.shape);
  const K = rowChunks(engine.capabilities, R);
  const dropped = (shape: Shape) => ({ tensor: engine.empty(shape), accumulate: 0 }) as const;
  const [dx, dweight, dbias] = [target(0) ?? dropped(x.shape), target(1), target(2)];
  const partial = engine.empty([K, dbias ? 2 * C : C]);
  gradientRows(
    { x, weight, mean: saved.mean, rstd: saved.rstd, dy, dx: dx.tensor, partial },
    { R, C, G: K, accumulate: dx.accumulate, centred, hasBias: dbias ? 1 : 0 },
  );
  if (dbias) {
    const to = dweight ?? dropped([C]);
    const params = { K, C, addWeight: to.accumulate, addBias: dbias.accumulate };
    finish({ partial, dweight: to.tensor, dbias: dbias.tensor }, params);
  } else if (dweight) {
    addChunks({ partial, sum: dweight.tensor }, { K, C, accumulate: dweight.accumulate });
  }
}
