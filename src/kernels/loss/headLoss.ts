import { UserError } from '../../errors.ts';
import { type BackwardCall, type Call, defineOp, type Each } from '../../tensor/op.ts';
import { format, rowsAndColumns, type Shape, sameShape } from '../../tensor/shape.ts';
import { ELEMENT_BYTES, type Tensor } from '../../tensor/tensor.ts';
import { matmul, multiplyInto } from '../matmul/matmul.ts';
import { defineEach } from '../skeleton/each.ts';
import { defineRows } from '../skeleton/rows.ts';
import { assign } from '../skeleton/text.ts';
import { average, LOG_SUM_EXP, logSumExpOfRow, TARGET } from './kernels.ts';
import { crossEntropy } from './loss.ts';

/*
 * The head of a language model and its loss in one: the logits (R, V) are by far the largest tensor of a small model with a
 * large vocabulary, and nobody wants them but the loss. So they are made for a chunk of rows at a time.
 *
 * What follows from a chunk's logits is done while they are there: the losses, and where gradients are wanted, d loss/d logits in
 * their place, and from these the chunk's dHidden and its share of dWeight. The backward pass only scales both by its dy.
 * So does Liger Kernel (Hsu et al., "Liger Kernel: Efficient Triton Kernels for LLM Training", 2024, section 3.2; before
 * it github.com/mgmalek/efficient_cross_entropy). To make the logits again in the backward pass instead (as in Wijmans et
 * al., "Cut Your Losses in Large-Vocabulary Language Models", ICLR 2025) needs no (V, C) buffer for dWeight, but a fourth
 * product where there are three, and with a large vocabulary those are most of a small model's step: 88% of the
 * multiply-adds of 4 layers of width 128 at V = 50,257. dWeight is C / R of the logits that are saved.
 *
 * On lavapipe, loss and gradients of 768 rows of width 128 at V = 5,003 take 12.7 MiB in place of 46.8 for the composition,
 * in 0.99 of its time; 512 rows at V = 50,257, 74 in place of 295, in 1.06 of it (128 rows a chunk; of 256, 1.02).
 */

/** What the logits of a chunk take: GPUs want enough rows to fill them; a software adapter is as fast with 192 as with all. */
const chunkBytes = (software: boolean): number => (software ? 4 : 64) * 2 ** 20;

/** Each chunk reads and writes all of dWeight: 64 rows at a time take 4% to 10% longer than 128 or 192 on lavapipe. */
const LEAST_ROWS = 128;

/** Chunks begin at multiples of this many rows: at 256 bytes, which bindings ask for, whatever the width. */
const ROWS = 64;

/**
 * Rows of a chunk, a multiple of 64: as many as have 4 MiB of logits (64 MiB on a GPU), 128 at least, then the fewest that make
 * the same number of chunks, since a last one of another size takes images of its own.
 */
export function chunkRowsFor(R: number, V: number, software: boolean): number {
  const most = Math.max(LEAST_ROWS, floor64(chunkBytes(software) / (ELEMENT_BYTES * V)));
  return Math.ceil(R / Math.ceil(R / most) / ROWS) * ROWS;
}

const floor64 = (rows: number): number => Math.floor(rows / ROWS) * ROWS;

/**
 * Whether `headLoss` takes less memory than its composition: that holds the logits and their gradient, 2 R V numbers; the
 * chunks hold (rows + C) V. Where it does not, the composition has fewer dispatches.   hidden: (..., C), weight: (V, C)
 */
export function headLossPays(hidden: Tensor, weight: Tensor): boolean {
  const { R, C } = rowsAndColumns(hidden.shape);
  const rows = chunkRowsFor(R, weight.shape[0], hidden.engine.capabilities.software);
  return rows < R && rows + C < 2 * R;
}

const spec = {
  bind: { logits: 'write T', targets: 'read u32', losses: 'write' },
  params: { R: 'u32', C: 'u32', gradient: 'u32' },
} as const;

/**
 * The lesson: one invocation a row. losses[r] = -log softmax(logits)[target]; where `gradient` is 1, logits become softmax(logits)
 * less 1 at the target, or 0 for rows that do not count.   logits: (R, C), losses: (R) f32, targets: (R) u32
 */
const naive = defineEach({
  ...spec,
  name: 'headLoss_naive',
  each: ['R'],
  body: /* wgsl */ `${LOG_SUM_EXP}
  let id = targets[i];
  let counts = id < params.C;
  losses[i] = 0.0;
  if (counts) { losses[i] = logSumExp - logits[start + id]; }
  if (params.gradient == 0u) { return; }
  for (var c = 0u; c < params.C; c++) {
    let slope = exp(logits[start + c] - logSumExp) - select(0.0, 1.0, c == id);
    logits[start + c] = select(0.0, slope, counts);
  }`,
});

/** The same with lanes that share a row. */
const rows = defineRows({
  ...spec,
  name: 'headLoss_rows',
  constants: ({ gradient }) => ({ gradient }),
  functions: TARGET,
  body: ({ each, constants: { gradient } }) => /* wgsl */ `
    ${logSumExpOfRow(each)}
    let id = targets[row];
    let at = id / WIDTH;
    let counts = at < columns;
    // the lane whose column it is reads the target's logit: another one could find it overwritten
    if (lane == select(0u, at % LANES, counts)) {
      var loss = 0.0;
      if (counts) { loss = logSumExp - part(logits[start + at], at, id); }
      losses[row] = loss;
    }
    ${gradient ? each('logits[start + c] = select(T(), exp(logits[start + c] - logSumExp) - hot(c, id), counts);') : ''}`,
});

/** dx (+)= x dy / divisor: what was kept are gradients of the sum of the losses.   x, dx: (N), dy, divisor: () f32 */
const finish = defineEach({
  name: 'headLoss_gradient',
  bind: { x: 'read T', dy: 'read', divisor: 'read', dx: 'write T' },
  params: { N: 'u32', accumulate: 'u32' },
  each: ['N'],
  lengths: ['N'],
  body: ({ constants: { accumulate } }) => assign('dx[i]', 'x[i] * (dy[0] / divisor[0])', accumulate),
});

interface Inputs {
  hidden: Tensor;
  weight: Tensor;
  targets: Tensor;
}

export interface HeadLossAttributes {
  /** Rows whose logits are made at a time: a multiple of 64; see `chunkRowsFor` for what is taken unless told. */
  chunkRows?: number;
}

function checkShapes({ hidden, weight, targets }: Each<Inputs, Shape>): void {
  const [rowShape, C] = [hidden.slice(0, -1), hidden.at(-1)];
  if (C === undefined || weight.length !== 2 || weight[1] !== C) {
    const [h, w] = [format(hidden), format(weight)];
    throw new UserError(`headLoss: hidden (..., C) and weight (V, C) do not fit, got hidden ${h}, weight ${w}`);
  }
  if (sameShape(rowShape, targets)) return;
  throw new UserError(
    `headLoss: targets must be ${format(rowShape)} for hidden ${format(hidden)}, got ${format(targets)}`,
  );
}

/** Losses of all rows, in chunks of `chunkRows`, and the gradients of their sum that are wanted. */
function inChunks(
  { engine, inputs, saved, variant, output: loss }: Call<Inputs, HeadLossAttributes>,
  chunkRows: number,
  kernel: typeof naive | typeof rows,
): void {
  const { hidden, weight, targets } = inputs;
  const { R, C } = rowsAndColumns(hidden.shape);
  const V = weight.shape[0];
  const wanted = (input: Tensor): boolean => engine.tape.writing && input.requiresGrad;
  const gradient = wanted(hidden) || wanted(weight) ? 1 : 0;
  const room = engine.empty([Math.min(chunkRows, R), V], 'f32', 'the logits of a chunk');
  const losses = engine.empty([R]);
  for (let first = 0; first < R; first += chunkRows) {
    const count = Math.min(chunkRows, R - first);
    const [some, logits] = [hidden.part(first * C, [count, C]), room.part(0, [count, V])];
    multiplyInto({ tensor: logits, accumulate: 0 }, { a: some, b: weight }, { transposeB: true }, variant);
    const ofRows = { targets: targets.part(first, [count]), losses: losses.part(first, [count]) };
    kernel({ logits, ...ofRows }, { R: count, C: V, gradient });
    const dHidden = { tensor: saved.dHidden.part(first * C, [count, C]), accumulate: 0 } as const;
    if (wanted(hidden)) multiplyInto(dHidden, { a: logits, b: weight }, {}, variant);
    const dWeight = { tensor: saved.dWeight, accumulate: first > 0 ? 1 : 0 } as const;
    if (wanted(weight)) multiplyInto(dWeight, { a: logits, b: some }, { transposeA: true }, variant);
  }
  average({ losses, targets, loss, divisor: saved.divisor }, { R, V });
}

const rowsOfChunk = ({ engine, inputs: { hidden, weight } }: Call<Inputs>): number =>
  chunkRowsFor(rowsAndColumns(hidden.shape).R, weight.shape[0], engine.capabilities.software);

function backward({
  saved: { dHidden, dWeight, divisor },
  dy,
  target,
}: BackwardCall<Inputs, HeadLossAttributes>): void {
  for (const [name, x] of [['hidden', dHidden] as const, ['weight', dWeight] as const]) {
    const dx = target(name);
    if (dx) finish({ x, dy, divisor, dx: dx.tensor }, { N: x.size, accumulate: dx.accumulate });
  }
}

/**
 * crossEntropy(hidden weight^T, targets) in a fraction of its memory: the logits exist for `chunkRows` rows at a time (see
 * above). Mean negative log-likelihood in nats over the rows whose target is below V; 0 where there are none. The naive
 * variant holds all logits.
 *
 * hidden: (..., C), weight: (V, C), targets: (...) u32, loss: ()
 * @throws UserError when shapes do not fit, or chunkRows is not a multiple of 64.
 */
export const headLoss = defineOp<Inputs, HeadLossAttributes>({
  name: 'headLoss',
  inputs: ['hidden', 'weight', 'targets'],
  shape: (shapes, { chunkRows = ROWS }) => {
    checkShapes(shapes);
    if (chunkRows > 0 && chunkRows % ROWS === 0) return [];
    throw new UserError(`headLoss: chunkRows must be a multiple of ${ROWS}, got ${chunkRows}`);
  },
  saves: ({ hidden, weight }) => ({ dHidden: hidden, dWeight: weight, divisor: [] }),
  run: {
    naive: {
      idea: 'All logits at once, and an invocation a row of them.',
      run: (call) => inChunks(call, rowsAndColumns(call.inputs.hidden.shape).R, naive),
    },
    chunked: {
      idea: 'Logits of a chunk of rows at a time, on vectors of four where V is a multiple of four; a subgroup a row.',
      gain: 'the row kernel at (192, 5004): 1.5 times naive on lavapipe, 1.3 on SwiftShader; for other V it is level with naive on lavapipe',
      run: (call) => inChunks(call, call.attributes.chunkRows ?? rowsOfChunk(call), rows),
    },
  },
  reference: ({ hidden, weight, targets }) => {
    const shape = [...hidden.shape.slice(0, -1), weight.shape[0]];
    const data = matmul.definition.reference({ a: hidden, b: weight }, { transposeB: true });
    return crossEntropy.definition.reference({ logits: { shape, data }, targets }, {});
  },
  backward,
  products: 2,
  reduction: ({ hidden, weight }) => {
    const { R, C } = rowsAndColumns(hidden);
    return Math.max(R, C, weight[0]);
  },
  cases: [
    [{ hidden: [1, 1], weight: [1, 1], targets: { shape: [1], below: 1 } }],
    [{ hidden: [3, 5], weight: [7, 5], targets: { shape: [3], below: 9 } }], // 7 and 8 are ignored
    [{ hidden: [2, 33, 3], weight: [36, 3], targets: { shape: [2, 33], below: 40 } }, { chunkRows: 64 }],
    [{ hidden: [129, 5], weight: [13, 5], targets: { shape: [129], below: 14 } }, { chunkRows: 64 }],
    [{ hidden: [70, 2], weight: [260, 2], targets: { shape: [70], below: 300 } }, { chunkRows: 64 }],
  ],
  workloads: ({ B, T, C, V }) => {
    const forward = 2 * B * T * C * V;
    return [
      {
        case: [{ hidden: [B * T, C], weight: [V, C], targets: { shape: [B * T], below: V } }],
        flops: { forward, training: 3 * forward },
      },
    ];
  },
});
