import { defineKernel } from '../../tensor/kernel.ts';
import { defineEach } from '../skeleton/each.ts';
import { defineRows } from '../skeleton/rows.ts';
import { assign, writeOrAdd } from '../skeleton/text.ts';

/** WGSL of one invocation: log sum exp of row i of `logits`, which begins at `start`, in two walks over it. */
export const LOG_SUM_EXP = /* wgsl */ `
  let start = i * params.C;
  var largest = logits[start];
  for (var c = 1u; c < params.C; c++) { largest = max(largest, logits[start + c]); }
  var sum = 0.0;
  for (var c = 0u; c < params.C; c++) { sum += exp(logits[start + c] - largest); }
  let logSumExp = largest + log(sum);`;

/** The same of a row that lanes share. */
export const logSumExpOfRow = (each: (statements: string) => string): string => /* wgsl */ `
    var peaks = T(-3.4e38);
    ${each('peaks = max(peaks, logits[start + c]);')}
    let largest = rowMax(lane, top(peaks));
    var sum = T();
    ${each('sum += exp(logits[start + c] - largest);')}
    let logSumExp = largest + log(rowSum(lane, total(sum)));`;

/** WGSL for what is element `id` of a row: the parts of an element `c` (of T) that are it, as 1 or 0, and it itself. */
export const TARGET = /* wgsl */ `
fn hot(c: u32, id: u32) -> T {
  let columns = vec4<u32>(WIDTH * c) + vec4<u32>(0u, 1u, 2u, 3u);
  return narrow(select(vec4<f32>(), vec4<f32>(1.0), columns == vec4<u32>(id)));
}
fn part(v: T, c: u32, id: u32) -> f32 { return total(select(T(), v, hot(c, id) > T())); }`;

const lossSpec = {
  bind: { logits: 'read T', targets: 'read u32', lse: 'write?', losses: 'write' },
  params: { R: 'u32', C: 'u32' },
} as const;

/** The lesson: one invocation a row, two walks over it.   logits: (R, C), lse, losses: (R) f32, targets: (R) u32 */
export const naive = defineEach({
  ...lossSpec,
  name: 'crossEntropy_naive',
  each: ['R'],
  body: ({ has }) => /* wgsl */ `${LOG_SUM_EXP}
  ${has.lse ? 'lse[i] = logSumExp;' : ''}
  losses[i] = 0.0;
  if (targets[i] < params.C) { losses[i] = logSumExp - logits[start + targets[i]]; }`,
});

/** Lanes share a row. Log-sum-exp and loss come out of one kernel: probabilities are never stored. */
export const rows = defineRows({
  ...lossSpec,
  name: 'crossEntropy_rows',
  functions: TARGET,
  body: ({ each, has }) => /* wgsl */ `
    ${logSumExpOfRow(each)}
    if (lane == 0u) {
      let id = targets[row];
      let at = id / WIDTH;
      ${has.lse ? 'lse[row] = logSumExp;' : ''}
      var loss = 0.0;
      if (at < columns) { loss = logSumExp - part(logits[start + at], at, id); }
      losses[row] = loss;
    }`,
});

/** The weight of a row, 1 where none are given. */
const weightOf = (row: string, has: { weights: boolean }): string => (has.weights ? `weights[${row}]` : '1.0');

/**
 * loss = sum w loss / divisor, by one workgroup, over the rows that count: `divisor` is their sum of weights, or 1 where that is 0,
 * so that nothing is divided by 0.   losses, weights: (R) f32, targets: (R) u32, loss, divisor: () f32
 */
export const average = defineKernel({
  name: 'crossEntropy_mean',
  bind: { losses: 'read', targets: 'read u32', weights: 'read?', loss: 'write', divisor: 'write' },
  params: { R: 'u32', V: 'u32' },
  grid: () => 1,
  wgsl: (_, { has }) => /* wgsl */ `
var<workgroup> partial: array<vec2<f32>, 64>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = vec2<f32>();
  for (var r = lane; r < params.R; r += 64u) {
    if (targets[r] < params.V) { sum += ${weightOf('r', has)} * vec2<f32>(losses[r], 1.0); }
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
    logits: 'read T',
    targets: 'read u32',
    weights: 'read?',
    lse: 'read',
    divisor: 'read',
    dy: 'read',
    dx: 'write T',
  },
  params: { R: 'u32', C: 'u32', accumulate: 'u32' },
} as const;

/** dx[r,c] = (exp(logits[r,c] - lse[r]) - [c = target]) * dy w[r] / divisor, one invocation an element; ignored rows get 0. */
export const gradientNaive = defineEach({
  ...gradientSpec,
  name: 'crossEntropy_gradient_naive',
  each: ['R', 'C'],
  body: ({ has }) => /* wgsl */ `
  let row = i / params.C;
  let id = targets[row];
  var value = 0.0;
  if (id < params.C) {
    let slope = exp(logits[i] - lse[row]) - select(0.0, 1.0, i % params.C == id);
    value = slope * dy[0] * ${weightOf('row', has)} / divisor[0];
  }
  ${writeOrAdd('dx[i]', 'value')}`,
});

/** The same with lanes that share a row: what belongs to the row is read once, and the division is done once. */
export const gradientRows = defineRows({
  ...gradientSpec,
  name: 'crossEntropy_gradient_rows',
  constants: ({ accumulate }) => ({ accumulate }),
  functions: TARGET,
  body: ({ each, has, constants: { accumulate } }) => /* wgsl */ `
    let id = targets[row];
    let logSumExp = lse[row];
    let factor = select(0.0, dy[0] / divisor[0] * ${weightOf('row', has)}, id / WIDTH < columns);
    ${each(assign('dx[start + c]', '(exp(logits[start + c] - logSumExp) - hot(c, id)) * factor', accumulate))}`,
});

/** dw[r] = (loss[r] - loss) * dy / divisor; 0 for ignored rows.   losses, dw: (R), loss, divisor, dy: () f32, targets: (R) u32 */
export const weightGradient = defineEach({
  name: 'crossEntropy_gradient_weights',
  bind: { losses: 'read', targets: 'read u32', loss: 'read', divisor: 'read', dy: 'read', dw: 'write' },
  params: { R: 'u32', V: 'u32', accumulate: 'u32' },
  each: ['R'],
  body: /* wgsl */ `
  let value = select(0.0, (losses[i] - loss[0]) * dy[0] / divisor[0], targets[i] < params.V);
  ${writeOrAdd('dw[i]', 'value')}`,
});
