import { defineKernel } from '../../tensor/kernel.ts';
import { groupsOf64, oneEach, rowLayout, rowShader, writeOrAdd } from '../skeleton/snippets.ts';

/** WGSL of one invocation: log sum exp of row i of `logits`, which begins at `start`, in two walks over it. */
export const LOG_SUM_EXP = /* wgsl */ `
  let start = i * params.C;
  var largest = logits[start];
  for (var c = 1u; c < params.C; c++) { largest = max(largest, logits[start + c]); }
  var sum = 0.0;
  for (var c = 0u; c < params.C; c++) { sum += exp(logits[start + c] - largest); }
  let logSumExp = largest + log(sum);`;

const rowSpec = {
  bind: { logits: 'read', targets: 'read u32', lse: 'write', losses: 'write' },
  params: { R: 'u32', C: 'u32' },
} as const;

/** The lesson: one invocation a row, two walks over it.   logits: (R, C), lse, losses: (R) f32, targets: (R) u32 */
export const naive = defineKernel({
  name: 'crossEntropy_naive',
  ...rowSpec,
  grid: ({ R }) => groupsOf64(R),
  wgsl: () =>
    oneEach(
      'params.R',
      /* wgsl */ `${LOG_SUM_EXP}
  lse[i] = logSumExp;
  losses[i] = 0.0;
  if (targets[i] < params.C) { losses[i] = logSumExp - logits[start + targets[i]]; }`,
    ),
});

/** A subgroup a row. Log-sum-exp and loss come out of one kernel: probabilities are never stored. */
export const rows = defineKernel({
  name: 'crossEntropy_rows',
  ...rowSpec,
  ...rowLayout,
  wgsl: rowShader(/* wgsl */ `
  let start = row * params.C;
  var largest = -3.4e38;
  for (var c = lane; c < columns; c += LANES) { largest = max(largest, logits[start + c]); }
  largest = rowMax(index, largest);
  var sum = 0.0;
  for (var c = lane; c < columns; c += LANES) { sum += exp(logits[start + c] - largest); }
  let total = largest + log(rowSum(index, sum));
  if (lane == 0u && row < params.R) {
    let id = targets[row];
    lse[row] = total;
    var loss = 0.0;
    if (id < params.C) { loss = total - logits[start + id]; }
    losses[row] = loss;
  }`),
});

/** The weight of a row. Where none are given, `weights` is bound to something else and never read. */
const WEIGHT = /* wgsl */ `
fn weightOf(row: u32) -> f32 {
  if (params.weighted == 0u) { return 1.0; }
  return weights[row];
}`;

/**
 * loss = sum w loss / divisor, by one workgroup, over the rows that count: `divisor` is their sum of weights, or 1 where that is 0,
 * so that nothing is divided by 0.   losses, weights: (R) f32, targets: (R) u32, loss, divisor: () f32
 */
export const average = defineKernel({
  name: 'crossEntropy_mean',
  bind: { losses: 'read', targets: 'read u32', weights: 'read', loss: 'write', divisor: 'write' },
  params: { R: 'u32', V: 'u32', weighted: 'u32' },
  grid: () => 1,
  wgsl: () => /* wgsl */ `
${WEIGHT}
var<workgroup> partial: array<vec2<f32>, 64>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = vec2<f32>();
  for (var r = lane; r < params.R; r += 64u) {
    if (targets[r] < params.V) { sum += weightOf(r) * vec2<f32>(losses[r], 1.0); }
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (lane > 0u) { return; }
  for (var other = 1u; other < 64u; other++) { sum += partial[other]; }
  let weight = select(1.0, sum.y, sum.y != 0.0);
  divisor[0] = weight;
  loss[0] = sum.x / weight;
}`,
});

const gradientSpec = {
  bind: {
    logits: 'read',
    targets: 'read u32',
    weights: 'read',
    lse: 'read',
    divisor: 'read',
    dy: 'read',
    dx: 'write',
  },
  params: { R: 'u32', C: 'u32', weighted: 'u32', accumulate: 'u32' },
} as const;

/** dx[r,c] = (exp(logits[r,c] - lse[r]) - [c = target]) * dy w[r] / divisor, one invocation an element; ignored rows get 0. */
export const gradientNaive = defineKernel({
  name: 'crossEntropy_gradient_naive',
  ...gradientSpec,
  grid: ({ R, C }) => groupsOf64(R * C),
  wgsl: () =>
    WEIGHT +
    oneEach(
      'params.R * params.C',
      /* wgsl */ `
  let row = i / params.C;
  let id = targets[row];
  var value = 0.0;
  if (id < params.C) {
    value = (exp(logits[i] - lse[row]) - select(0.0, 1.0, i % params.C == id)) * dy[0] * weightOf(row) / divisor[0];
  }
  ${writeOrAdd('dx[i]', 'value')}`,
    ),
});

const gradientShader = rowShader(/* wgsl */ `
  if (row >= params.R) { return; }
  let start = row * params.C;
  let id = targets[row];
  let logSumExp = lse[row];
  let factor = select(0.0, dy[0] / divisor[0] * weightOf(row), id < params.C);
  for (var c = lane; c < columns; c += LANES) {
    let value = (exp(logits[start + c] - logSumExp) - select(0.0, 1.0, c == id)) * factor;
    ${writeOrAdd('dx[start + c]', 'value')}
  }`);

/** The same with a subgroup a row: what belongs to the row is read once, and the division is done once. */
export const gradientRows = defineKernel({
  name: 'crossEntropy_gradient_rows',
  ...gradientSpec,
  ...rowLayout,
  wgsl: (point, adapter) => WEIGHT + gradientShader(point, adapter),
});

/** dw[r] = (loss[r] - loss) * dy / divisor; 0 for ignored rows.   losses, dw: (R), loss, divisor, dy: () f32, targets: (R) u32 */
export const weightGradient = defineKernel({
  name: 'crossEntropy_gradient_weights',
  bind: { losses: 'read', targets: 'read u32', loss: 'read', divisor: 'read', dy: 'read', dw: 'write' },
  params: { R: 'u32', V: 'u32', accumulate: 'u32' },
  grid: ({ R }) => groupsOf64(R),
  wgsl: () =>
    oneEach(
      'params.R',
      /* wgsl */ `
  let value = select(0.0, (losses[i] - loss[0]) * dy[0] / divisor[0], targets[i] < params.V);
  ${writeOrAdd('dw[i]', 'value')}`,
    ),
});
