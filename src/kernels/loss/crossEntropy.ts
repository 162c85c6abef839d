import { UserError } from '../../errors.ts';
import { type BackwardCall, type Call, defineOp, type Numbers } from '../../tensor/op.ts';
import { format, rowsAndColumns, type Shape, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { average, gradientNaive, gradientRows, naive, rows, weightGradient } from './crossEntropyKernels.ts';

/** The target of rows that do not count. The batches of src/text carry the same number. */
export const IGNORE = 0xffffffff;

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
  ({ inputs, output: loss, saved: { lse, losses, divisor } }: Call<object>): void => {
    const [logits, targets, weights] = inputs as Inputs;
    const { R, C } = rowsAndColumns(logits.shape);
    kernel({ logits, targets, lse, losses }, { R, C });
    average({ losses, targets, weights: weights ?? losses, loss, divisor }, { R, V: C, weighted: weights ? 1 : 0 });
  };

function backward({ inputs, output: loss, saved, dy, target, variant }: BackwardCall<object>): void {
  const [logits, targets, weights] = inputs as Inputs;
  const { lse, losses, divisor } = saved;
  const { R, C } = rowsAndColumns(logits.shape);
  const [dx, dw] = [target(0), target(2)];
  if (dx) {
    const kernel = variant === 'naive' ? gradientNaive : gradientRows;
    const params = { R, C, weighted: weights ? 1 : 0, accumulate: dx.accumulate };
    kernel({ logits, targets, weights: weights ?? losses, lse, divisor, dy, dx: dx.tensor }, params);
  }
  if (dw) weightGradient({ losses, targets, loss, divisor, dy, dw: dw.tensor }, { R, V: C, accumulate: dw.accumulate });
}

type Inputs = [logits: Tensor, targets: Tensor, weights?: Tensor];

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
  shape: (shapes) => {
    const rowShape = rowsOf('crossEntropy', shapes);
    const weights = shapes[2];
    if (!weights || sameShape(weights, rowShape)) return [];
    const [wanted, got] = [format(rowShape), format(weights)];
    throw new UserError(`crossEntropy: weights must be ${wanted}, one for each target, got ${got}`);
  },
  saves: ([logits]) => {
    const { R } = rowsAndColumns(logits!);
    return { lse: [R], losses: [R], divisor: [] };
  },
  run: { naive: forward(naive), rows: forward(rows) },
  reference: ([logits, targets, weights]) => {
    let [sum, total] = [0, 0];
    rowLosses(logits!, targets!).forEach((loss, r) => {
      if (loss === undefined) return;
      const weight = weights ? weights.data[r] : 1;
      sum += weight * loss;
      total += weight;
    });
    return [sum / (total || 1)];
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
    { inputs: [[1, 3], { shape: [1], below: 3 }, [1]] },
    { inputs: [[2, 5, 9], { shape: [2, 5], below: 12 }, [2, 5]] },
    { inputs: [[67, 5], { shape: [67], below: 5 }, [67]] },
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
