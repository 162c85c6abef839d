import { UserError } from '../errors.ts';
import { defineKernel } from '../tensor/kernel.ts';
import { type BackwardCall, type Call, defineOp, type Numbers } from '../tensor/op.ts';
import { format, rowsAndColumns, type Shape, sameShape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { groupsOf64, oneEach, rowLayout, rowShader, writeOrAdd } from './snippets.ts';

/** The target of rows that do not count. The batches of src/text carry the same number. */
export const IGNORE = 0xffffffff;

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
const naive = defineKernel({
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
const rows = defineKernel({
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

/** loss = sum of losses / count of targets that count, by one workgroup.   losses: (R) f32, targets: (R) u32, loss, count: () f32 */
export const average = defineKernel({
  name: 'crossEntropy_mean',
  bind: { losses: 'read', targets: 'read u32', loss: 'write', count: 'write' },
  params: { R: 'u32', V: 'u32' },
  grid: () => 1,
  wgsl: () => /* wgsl */ `
var<workgroup> partial: array<vec2<f32>, 64>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = vec2<f32>();
  for (var r = lane; r < params.R; r += 64u) {
    if (targets[r] < params.V) { sum += vec2<f32>(losses[r], 1.0); }
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (lane > 0u) { return; }
  for (var other = 1u; other < 64u; other++) { sum += partial[other]; }
  count[0] = sum.y;
  loss[0] = sum.x / max(sum.y, 1.0);
}`,
});

const gradientSpec = {
  bind: { logits: 'read', targets: 'read u32', lse: 'read', count: 'read', dy: 'read', dx: 'write' },
  params: { R: 'u32', C: 'u32', accumulate: 'u32' },
} as const;

/** dx[r,c] = (exp(logits[r,c] - lse[r]) - [c = target]) * dy / count, one invocation an element; ignored rows get 0. */
const gradientNaive = defineKernel({
  name: 'crossEntropy_gradient_naive',
  ...gradientSpec,
  grid: ({ R, C }) => groupsOf64(R * C),
  wgsl: () =>
    oneEach(
      'params.R * params.C',
      /* wgsl */ `
  let row = i / params.C;
  let id = targets[row];
  var value = 0.0;
  if (id < params.C) {
    value = (exp(logits[i] - lse[row]) - select(0.0, 1.0, i % params.C == id)) * dy[0] / count[0];
  }
  ${writeOrAdd('dx[i]', 'value')}`,
    ),
});

/** The same with a subgroup a row: what belongs to the row is read once, and the division is done once. */
const gradientRows = defineKernel({
  name: 'crossEntropy_gradient_rows',
  ...gradientSpec,
  ...rowLayout,
  wgsl: rowShader(/* wgsl */ `
  if (row >= params.R) { return; }
  let start = row * params.C;
  let id = targets[row];
  let total = lse[row];
  let counts = id < params.C;
  let factor = select(0.0, dy[0] / count[0], counts); // count is 0 where no row counts
  for (var c = lane; c < columns; c += LANES) {
    let value = (exp(logits[start + c] - total) - select(0.0, 1.0, c == id)) * factor;
    ${writeOrAdd('dx[start + c]', 'value')}
  }`),
});

/** The shape of the rows. */
function rowsOf(name: string, [logits, targets]: readonly (Shape | undefined)[]): Shape {
  const shape = logits!.slice(0, -1);
  if (logits!.length < 1) throw new UserError(`${name}: logits must have at least 1 axis, got ()`);
  if (sameShape(shape, targets!)) return shape;
  throw new UserError(
    `${name}: targets must be ${format(shape)} for logits ${format(logits!)}, got ${format(targets!)}`,
  );
}

/** Losses of the rows in float64; undefined for rows that do not count. */
function rowLosses(logits: Numbers, targets: Numbers): (number | undefined)[] {
  const { R, C } = rowsAndColumns(logits.shape);
  return Array.from({ length: R }, (_, r) => {
    const id = targets.data[r];
    if (id >= C) return undefined;
    const row = Array.from({ length: C }, (_, c) => logits.data[r * C + c]);
    const largest = Math.max(...row);
    return largest + Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0)) - row[id];
  });
}

const forward =
  (kernel: typeof naive | typeof rows) =>
  ({ engine, inputs, output: loss, saved: { lse, count } }: Call<object>): void => {
    const [logits, targets] = inputs as [Tensor, Tensor];
    const { R, C } = rowsAndColumns(logits.shape);
    const losses = engine.empty([R]);
    kernel({ logits, targets, lse, losses }, { R, C });
    average({ losses, targets, loss, count }, { R, V: C });
  };

function backward({ inputs, saved: { lse, count }, dy, target, variant }: BackwardCall<object>): void {
  const [logits, targets] = inputs as [Tensor, Tensor];
  const dx = target(0);
  if (!dx) return;
  const kernel = variant === 'naive' ? gradientNaive : gradientRows;
  const params = { ...rowsAndColumns(logits.shape), accumulate: dx.accumulate };
  kernel({ logits, targets, lse, count, dy, dx: dx.tensor }, params);
}

/**
 * Mean negative log-likelihood in nats of the targets under softmax(logits), over the rows whose target counts; targets
 * of V and more, such as IGNORE, do not. Where none counts, the loss and its gradients are 0.
 *
 * logits: (..., V), targets: (...) u32, loss: ()
 */
export const crossEntropy = defineOp<[logits: Tensor, targets: Tensor]>({
  name: 'crossEntropy',
  inputs: ['logits', 'targets'],
  shape: (shapes) => {
    rowsOf('crossEntropy', shapes);
    return [];
  },
  saves: ([logits]) => ({ lse: [rowsAndColumns(logits!).R], count: [] }),
  run: { naive: forward(naive), rows: forward(rows) },
  reference: ([logits, targets]) => {
    const losses = rowLosses(logits!, targets!).filter((loss) => loss !== undefined);
    return [losses.reduce((sum, loss) => sum + loss, 0) / Math.max(losses.length, 1)];
  },
  backward,
  reduction: ([logits]) => {
    const { R, C } = rowsAndColumns(logits!);
    return Math.max(R, C);
  },
  cases: [
    { inputs: [[1, 1], { shape: [1], below: 1 }] },
    { inputs: [[3, 7], { shape: [3], below: 7 }] },
    { inputs: [[2, 5, 9], { shape: [2, 5], below: 12 }] }, // 9 to 11 are ignored
    {
      inputs: [
        { shape: [70, 67], scale: 3 },
        { shape: [70], below: 67 },
      ],
    },
    { inputs: [[2, 300], { shape: [2], below: 300 }] },
  ],
});

const tokenForward =
  (kernel: typeof naive | typeof rows) =>
  ({ engine, inputs, output: losses }: Call<object>): void => {
    const [logits, targets] = inputs as [Tensor, Tensor];
    const { R, C } = rowsAndColumns(logits.shape);
    kernel({ logits, targets, lse: engine.empty([R]), losses }, { R, C });
  };

/**
 * Negative log-likelihood in nats of each target, for evaluation; 0 for those that do not count (see crossEntropy).
 *
 * logits: (..., V), targets: (...) u32, losses: (...)
 */
export const tokenLosses = defineOp<[logits: Tensor, targets: Tensor]>({
  name: 'tokenLosses',
  inputs: ['logits', 'targets'],
  shape: (shapes) => rowsOf('tokenLosses', shapes),
  run: { naive: tokenForward(naive), rows: tokenForward(rows) },
  reference: ([logits, targets]) => rowLosses(logits!, targets!).map((loss) => loss ?? 0),
  reduction: ([logits]) => logits!.at(-1)!,
  cases: [
    { inputs: [[1, 1], { shape: [1], below: 1 }] },
    { inputs: [[2, 3, 7], { shape: [2, 3], below: 9 }] },
    { inputs: [[9, 65], { shape: [9], below: 65 }] },
  ],
});
