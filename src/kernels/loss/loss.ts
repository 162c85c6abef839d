import { UserError } from '../../errors.ts';
import { type BackwardCall, type Call, defineOp, type Each, type Numbers } from '../../tensor/op.ts';
import { format, rowsAndColumns, type Shape, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { average, gradientNaive, gradientRows, naive, rows, weightGradient } from './kernels.ts';

/** The target of rows that do not count. The batches of src/text carry the same number. */
export const IGNORE = 0xffffffff;

interface TokenInputs {
  logits: Tensor;
  targets: Tensor;
}

interface Inputs extends TokenInputs {
  weights?: Tensor;
}

/** The shape of the rows. */
function shapeOfRows(name: string, { logits, targets }: Each<TokenInputs, Shape>): Shape {
  const shape = logits.slice(0, -1);
  if (logits.length < 1) throw new UserError(`${name}: logits must have at least 1 axis, got ()`);
  if (sameShape(shape, targets)) return shape;
  throw new UserError(`${name}: targets must be ${format(shape)} for logits ${format(logits)}, got ${format(targets)}`);
}

/** Losses of the rows in float64; undefined for rows that do not count. */
function rowLosses({ logits, targets }: Each<TokenInputs, Numbers>): (number | undefined)[] {
  const { R, C } = rowsAndColumns(logits.shape);
  return Array.from({ length: R }, (_, r) => {
    const id = targets.data[r];
    if (id >= C) return undefined;
    const row = Array.from({ length: C }, (_, c) => logits.data[r * C + c]);
    const largest = Math.max(...row);
    return largest + Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0)) - row[id];
  });
}

const IDEAS = {
  naive: 'An invocation a row, which it walks over twice, number by number.',
  rows: 'A subgroup a row; log-sum-exp and loss come out of one kernel, and its gradient reads what belongs to a row once.',
};

const forward =
  (kernel: typeof naive | typeof rows) =>
  ({ inputs: { logits, targets, weights }, output: loss, saved: { lse, losses, divisor } }: Call<Inputs>): void => {
    const { R, C } = rowsAndColumns(logits.shape);
    kernel({ logits, targets, lse, losses }, { R, C });
    average({ losses, targets, weights, loss, divisor }, { R, V: C });
  };

function backward({ inputs, output: loss, saved, dy, target, variant }: BackwardCall<Inputs>): void {
  const { logits, targets, weights } = inputs;
  const { lse, losses, divisor } = saved;
  const { R, C } = rowsAndColumns(logits.shape);
  const [dx, dw] = [target('logits'), target('weights')];
  if (dx) {
    const kernel = variant === 'naive' ? gradientNaive : gradientRows;
    const tensors = { logits, targets, weights, lse, divisor, dy, dx: dx.tensor };
    kernel(tensors, { R, C, accumulate: dx.accumulate });
  }
  if (dw) weightGradient({ losses, targets, loss, divisor, dy, dw: dw.tensor }, { R, V: C, accumulate: dw.accumulate });
}

/**
 * Mean negative log-likelihood in nats of the targets under softmax(logits), over the rows whose target counts; targets
 * of V and more, such as IGNORE, do not. Where none counts, the loss and its gradients are 0.
 *
 * With weights it is sum w l / sum w over those rows, as PyTorch's with class weights (a row's being that of its target).
 * Where all of them are 0, so are the loss and the gradient of the logits.
 *
 * logits: (..., V), targets: (...) u32, weights: (...), at least 0, loss: ()
 */
export const crossEntropy = defineOp<Inputs>({
  name: 'crossEntropy',
  inputs: ['logits', 'targets', 'weights?'],
  shape: ({ weights, ...shapes }) => {
    const wanted = shapeOfRows('crossEntropy', shapes);
    if (!weights || sameShape(weights, wanted)) return [];
    throw new UserError(`crossEntropy: weights must be ${format(wanted)}, one for each target, got ${format(weights)}`);
  },
  saves: ({ logits }) => {
    const { R } = rowsAndColumns(logits);
    return { lse: [R], losses: [R], divisor: [] };
  },
  run: {
    naive: { idea: IDEAS.naive, run: forward(naive) },
    rows: {
      idea: IDEAS.rows,
      gain: 'lavapipe, with the gradient: 6.1 times naive at (192, 5004), 3.0 at (768, 83); forward 1.8 times and level',
      run: forward(rows),
    },
  },
  reference: ({ weights, ...rest }) => {
    let [sum, total] = [0, 0];
    rowLosses(rest).forEach((loss, r) => {
      if (loss === undefined) return;
      const weight = weights ? weights.data[r] : 1;
      sum += weight * loss;
      total += weight;
    });
    return [sum / (total || 1)];
  },
  backward,
  reduction: ({ logits }) => {
    const { R, C } = rowsAndColumns(logits);
    return Math.max(R, C);
  },
  cases: [
    [{ logits: [1, 1], targets: { shape: [1], below: 1 } }],
    [{ logits: [3, 7], targets: { shape: [3], below: 7 } }],
    [{ logits: [2, 5, 9], targets: { shape: [2, 5], below: 12 } }], // 9 to 11 are ignored
    [{ logits: { shape: [70, 67], scale: 3 }, targets: { shape: [70], below: 67 } }],
    [{ logits: [33, 36], targets: { shape: [33], below: 40 } }],
    [{ logits: [2, 300], targets: { shape: [2], below: 300 } }],
    [{ logits: [1, 3], targets: { shape: [1], below: 3 }, weights: [1] }],
    [{ logits: [2, 5, 9], targets: { shape: [2, 5], below: 12 }, weights: [2, 5] }],
    [{ logits: [67, 5], targets: { shape: [67], below: 5 }, weights: [67] }],
  ],
  workloads: ({ B, T, V }) => [{ case: [{ logits: [B * T, V], targets: { shape: [B * T], below: V } }] }],
  operations: 4,
});

const tokenForward =
  (kernel: typeof naive | typeof rows) =>
  ({ inputs: { logits, targets }, output: losses }: Call<TokenInputs>): void =>
    kernel({ logits, targets, losses }, rowsAndColumns(logits.shape));

/**
 * Negative log-likelihood in nats of each target, for evaluation; 0 for those that do not count (see crossEntropy).
 *
 * logits: (..., V), targets: (...) u32, losses: (...)
 */
export const tokenLosses = defineOp<TokenInputs>({
  name: 'tokenLosses',
  inputs: ['logits', 'targets'],
  shape: (shapes) => shapeOfRows('tokenLosses', shapes),
  run: {
    naive: { idea: IDEAS.naive, run: tokenForward(naive) },
    rows: { idea: IDEAS.rows, run: tokenForward(rows) },
  },
  reference: (inputs) => rowLosses(inputs).map((loss) => loss ?? 0),
  reduction: ({ logits }) => logits.at(-1) ?? 1,
  cases: [
    [{ logits: [1, 1], targets: { shape: [1], below: 1 } }],
    [{ logits: [2, 3, 7], targets: { shape: [2, 3], below: 9 } }],
    [{ logits: [9, 65], targets: { shape: [9], below: 65 } }],
    [{ logits: [9, 68], targets: { shape: [9], below: 70 } }],
  ],
  workloads: ({ B, T, V }) => [{ case: [{ logits: [B * T, V], targets: { shape: [B * T], below: V } }] }],
  operations: 4,
});
