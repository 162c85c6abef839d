import type { BackwardCall } from '../../tensor/op.ts';
import { rowsAndColumns } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { addChunks } from '../skeleton/columns.ts';
import { defineEach } from '../skeleton/each.ts';
import { defineRows, rowChunks } from '../skeleton/rows.ts';
import { assign, writeOrAdd } from '../skeleton/text.ts';
import type { NormAttributes, NormInputs } from './forward.ts';

/** With g = dy * weight: dx = rstd * (g - mean_c g - n * mean_c(g * n)), without mean_c g where the norm is not centred. */
const inputNaive = defineEach({
  name: 'norm_dx_naive',
  bind: { x: 'read', weight: 'read', mean: 'read', rstd: 'read', dy: 'read', dx: 'write' },
  params: { R: 'u32', C: 'u32', accumulate: 'u32', centred: 'u32' },
  each: ['R'],
  body: /* wgsl */ `
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
});

/** dbias[c] = sum_r dy[r,c] and dweight[c] = sum_r dy[r,c] * n[r,c], one invocation a column. */
const columnsNaive = defineEach({
  name: 'norm_dweight_naive',
  bind: { x: 'read', mean: 'read', rstd: 'read', dy: 'read', dweight: 'write' },
  params: { R: 'u32', C: 'u32', accumulate: 'u32', normalized: 'u32' },
  each: ['C'],
  body: /* wgsl */ `
  var sum = 0.0;
  for (var r = 0u; r < params.R; r++) {
    let n = (x[r * params.C + i] - mean[r]) * rstd[r];
    sum += dy[r * params.C + i] * select(1.0, n, params.normalized == 1u);
  }
  ${writeOrAdd('dweight[i]', 'sum')}`,
});

/**
 * All gradients in one walk over x and dy: dx, and each workgroup's sums for dweight and dbias, where they are wanted. These stay
 * in registers and go to (chunks, C) each, for `addChunks` to add up. Half of the time of a kernel for dx and one for the sums at
 * (1536, 128) on lavapipe.
 */
const gradientRows = defineRows({
  name: 'norm_gradient_rows',
  bind: {
    ...{ x: 'read T', weight: 'read T', mean: 'read', rstd: 'read', dy: 'read T' },
    ...{ dx: 'write T', dweights: 'write? T', dbiases: 'write? T' },
  },
  params: { R: 'u32', C: 'u32', accumulate: 'u32', centred: 'u32' },
  constants: ({ accumulate, centred }) => ({ accumulate, centred }),
  chunks: true,
  columns: ({ value }) => value('w', 'weight[c]'),
  sums: ({ has }): Record<string, string> => ({
    ...(has.dweights && { dweight: 'dweights[chunk * columns + c]' }),
    ...(has.dbiases && { dbias: 'dbiases[chunk * columns + c]' }),
  }),
  body: ({ value, each, has, constants: { accumulate, centred } }) => /* wgsl */ `
    let length = f32(columns * WIDTH);
    let average = ${centred ? 'mean[row]' : '0.0'};
    let scale = rstd[row];
    ${value('n', '(x[start + c] - average) * scale')}
    ${value('d', 'dy[start + c]')}
    var g = T();
    var gn = T();
    ${each(/* wgsl */ `
      ${has.dweights ? '*dweight += d * n;' : ''}
      ${has.dbiases ? '*dbias += d;' : ''}
      ${centred ? 'g += d * w;' : ''}
      gn += d * w * n;`)}
    let gMean = ${centred ? 'rowSum(lane, total(g)) / length' : '0.0'};
    let gnMean = rowSum(lane, total(gn)) / length;
    ${each(assign('dx[start + c]', 'scale * (d * w - gMean - n * gnMean)', accumulate))}`,
});

type Backward = BackwardCall<NormInputs, NormAttributes>;

/** The backward pass of a norm. */
export const normBackward =
  (centred: 0 | 1) =>
  (call: Backward): void =>
    (call.variant === 'naive' ? backwardNaive : backwardRows)(call, centred);

function backwardNaive({ inputs: { x, weight }, saved: { mean, rstd }, dy, target }: Backward, centred: 0 | 1): void {
  const sizes = rowsAndColumns(x.shape);
  const dx = target('x');
  if (dx) inputNaive({ x, weight, mean, rstd, dy, dx: dx.tensor }, { ...sizes, accumulate: dx.accumulate, centred });
  for (const [name, normalized] of [['weight', 1] as const, ['bias', 0] as const]) {
    const to = target(name);
    if (!to) continue;
    columnsNaive({ x, mean, rstd, dy, dweight: to.tensor }, { ...sizes, accumulate: to.accumulate, normalized });
  }
}

/** A dx that nobody asks for is made all the same, and dropped. */
function backwardRows({ engine, inputs, saved, dy, target }: Backward, centred: 0 | 1): void {
  const { x, weight } = inputs;
  const { R, C } = rowsAndColumns(x.shape);
  const dx = target('x') ?? { tensor: engine.empty(x.shape), accumulate: 0 };
  const [dweight, dbias] = [target('weight'), target('bias')];
  const sums = (): Tensor => engine.empty([rowChunks(engine.capabilities, R), C]);
  const [dweights, dbiases] = [dweight && sums(), dbias && sums()];
  gradientRows(
    { x, weight, mean: saved.mean, rstd: saved.rstd, dy, dx: dx.tensor, dweights, dbiases },
    { R, C, accumulate: dx.accumulate, centred },
  );
  if (dweights && dweight) addChunks(dweights, dweight);
  if (dbiases && dbias) addChunks(dbiases, dbias);
}
