import { UserError } from '../../errors.ts';
import { defineKernel } from '../../tensor/kernel.ts';
import { type BackwardCall, type Call, defineOp } from '../../tensor/op.ts';
import { format, rowsAndColumns, type Shape, sameShape } from '../../tensor/shape.ts';
import { ELEMENT_BYTES, Tensor } from '../../tensor/tensor.ts';
import { matmul, multiplyInto } from '../matmul/matmul.ts';
import {
  defineElementwise,
  defineVectors,
  groupsOf64,
  oneEach,
  rowLayout,
  rowShader,
  writeOrAdd,
} from '../skeleton/snippets.ts';
import { crossEntropy } from './crossEntropy.ts';
import { average, LOG_SUM_EXP } from './crossEntropyKernels.ts';

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

const rowSpec = {
  bind: { logits: 'write', targets: 'read u32', losses: 'write' },
  params: { R: 'u32', C: 'u32', gradient: 'u32' },
} as const;

/**
 * The lesson: one invocation a row. losses[r] = -log softmax(logits)[target]; where `gradient` is 1, logits become softmax(logits)
 * less 1 at the target, or 0 for rows that do not count.   logits: (R, C), losses: (R) f32, targets: (R) u32
 */
const naive = defineKernel({
  name: 'headLoss_naive',
  ...rowSpec,
  grid: ({ R }) => groupsOf64(R),
  wgsl: () =>
    oneEach(
      'params.R',
      /* wgsl */ `${LOG_SUM_EXP}
  let id = targets[i];
  let counts = id < params.C;
  losses[i] = 0.0;
  if (counts) { losses[i] = logSumExp - logits[start + id]; }
  if (params.gradient == 0u) { return; }
  for (var c = 0u; c < params.C; c++) {
    let slope = exp(logits[start + c] - logSumExp) - select(0.0, 1.0, c == id);
    logits[start + c] = select(0.0, slope, counts);
  }`,
    ),
});

/** 1 at the part of vector `c` of a row that is its element `id`, else 0. */
const HOT = /* wgsl */ `
fn hot(c: u32, id: u32) -> T {
  let columns = vec4<u32>(WIDTH * c) + vec4<u32>(0u, 1u, 2u, 3u);
  return narrow(select(vec4<f32>(), vec4<f32>(1.0), columns == vec4<u32>(id)));
}`;

const rowsShader = rowShader(/* wgsl */ `
  let start = row * params.C;
  var peaks = T(-3.4e38);
  for (var c = lane; c < columns; c += LANES) { peaks = max(peaks, logits[start + c]); }
  let largest = rowMax(index, top(peaks));
  var sum = T();
  for (var c = lane; c < columns; c += LANES) { sum += exp(logits[start + c] - largest); }
  let lse = largest + log(rowSum(index, total(sum)));
  if (row >= params.R) { return; }
  let id = targets[row];
  let at = id / WIDTH;
  let counts = at < params.C;
  // the lane whose column it is reads the target's logit: another one could find it overwritten
  if (lane == select(0u, at % LANES, counts)) {
    var loss = 0.0;
    if (counts) { loss = lse - total(logits[start + at] * hot(at, id)); }
    losses[row] = loss;
  }
  if (params.gradient == 0u) { return; }
  for (var c = lane; c < columns; c += LANES) {
    logits[start + c] = select(T(), exp(logits[start + c] - lse) - hot(c, id), counts);
  }`);

/**
 * The same with a subgroup a row, on vectors of four where V is a multiple of four: 1.5 times naive at (192, 5004) on
 * lavapipe, 1.3 times on SwiftShader. For other V it is level with naive on lavapipe.
 */
const rows = defineVectors({
  name: 'headLoss_rows',
  ...rowSpec,
  lengths: ['C'],
  scalars: ['losses'],
  ...rowLayout,
  wgsl: (point, adapter) => HOT + rowsShader(point, adapter),
});

/** dx (+)= x dy / divisor: what was kept are gradients of the sum of the losses.   x, dx: (N), dy, divisor: () f32 */
const finish = defineElementwise({
  name: 'headLoss_gradient',
  bind: { x: 'read', dy: 'read', divisor: 'read', dx: 'write' },
  params: { N: 'u32', accumulate: 'u32' },
  lengths: ['N'],
  scalars: ['dy', 'divisor'],
  body: /* wgsl */ `
    let value = x[i] * (dy[0] / divisor[0]);
    ${writeOrAdd('dx[i]', 'value', 'accumulate')}`,
});

export interface HeadLossAttributes {
  /** Rows whose logits are made at a time: a multiple of 64; see `chunkRowsFor` for what is taken unless told. */
  chunkRows?: number;
}

function checkShapes([hidden, weight, targets]: readonly (Shape | undefined)[]): void {
  const [rowShape, C] = [hidden!.slice(0, -1), hidden!.at(-1)];
  if (C === undefined || weight!.length !== 2 || weight![1] !== C) {
    const [h, w] = [format(hidden!), format(weight!)];
    throw new UserError(`headLoss: hidden (..., C) and weight (V, C) do not fit, got hidden ${h}, weight ${w}`);
  }
  if (sameShape(rowShape, targets!)) return;
  throw new UserError(
    `headLoss: targets must be ${format(rowShape)} for hidden ${format(hidden!)}, got ${format(targets!)}`,
  );
}

/** Rows `first` to before `first + count` of a tensor of rows, of the given shape. */
function rowsOf({ engine, dtype, view, size }: Tensor, R: number, first: number, count: number): Tensor {
  const width = size / R;
  const [offsetBytes, sizeBytes] = [view.offsetBytes + ELEMENT_BYTES * width * first, ELEMENT_BYTES * width * count];
  return new Tensor(engine, [count, width], dtype, { block: view.block, offsetBytes, sizeBytes });
}

/** Losses of all rows, in chunks of `chunkRows`, and the gradients of their sum that are wanted. */
function inChunks(
  { engine, inputs, saved, variant, output: loss }: Call<HeadLossAttributes>,
  chunkRows: number,
  kernel: typeof naive | typeof rows,
): void {
  const [hidden, weight, targets] = inputs as [Tensor, Tensor, Tensor];
  const { R } = rowsAndColumns(hidden.shape);
  const V = weight.shape[0];
  const wanted = (input: Tensor): boolean => engine.tape.writing && input.requiresGrad;
  const gradient = wanted(hidden) || wanted(weight) ? 1 : 0;
  const room = engine.empty([Math.min(chunkRows, R), V], 'f32', 'the logits of a chunk');
  const losses = engine.empty([R]);
  for (let first = 0; first < R; first += chunkRows) {
    const count = Math.min(chunkRows, R - first);
    const of = (tensor: Tensor): Tensor => rowsOf(tensor, R, first, count);
    const logits = rowsOf(room, room.shape[0], 0, count); //                                        (count, V)
    multiplyInto({ tensor: logits, accumulate: 0 }, of(hidden), weight, { transposeB: true }, variant);
    kernel({ logits, targets: of(targets), losses: of(losses) }, { R: count, C: V, gradient });
    if (wanted(hidden)) multiplyInto({ tensor: of(saved.dHidden), accumulate: 0 }, logits, weight, {}, variant);
    const dWeight = { tensor: saved.dWeight, accumulate: first > 0 ? 1 : 0 } as const;
    if (wanted(weight)) multiplyInto(dWeight, logits, of(hidden), { transposeA: true }, variant);
  }
  average({ losses, targets, weights: losses, loss, divisor: saved.divisor }, { R, V, weighted: 0 });
}

const rowsOfChunk = ({ engine, inputs: [hidden, weight] }: Call<HeadLossAttributes>): number =>
  chunkRowsFor(rowsAndColumns(hidden!.shape).R, weight!.shape[0], engine.capabilities.software);

function backward({ saved: { dHidden, dWeight, divisor }, dy, target }: BackwardCall<HeadLossAttributes>): void {
  for (const [i, x] of [dHidden, dWeight].entries()) {
    const dx = target(i);
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
export const headLoss = defineOp<[hidden: Tensor, weight: Tensor, targets: Tensor], HeadLossAttributes>({
  name: 'headLoss',
  inputs: ['hidden', 'weight', 'targets'],
  shape: (shapes, { chunkRows = ROWS }) => {
    checkShapes(shapes);
    if (chunkRows > 0 && chunkRows % ROWS === 0) return [];
    throw new UserError(`headLoss: chunkRows must be a multiple of ${ROWS}, got ${chunkRows}`);
  },
  saves: ([hidden, weight]) => ({ dHidden: hidden!, dWeight: weight!, divisor: [] }),
  run: {
    naive: (call) => inChunks(call, rowsAndColumns(call.inputs[0]!.shape).R, naive),
    chunked: (call) => inChunks(call, call.attributes.chunkRows ?? rowsOfChunk(call), rows),
  },
  reference: ([hidden, weight, targets]) => {
    const shape = [...hidden!.shape.slice(0, -1), weight!.shape[0]];
    const logits = matmul.definition.reference([hidden, weight], { transposeB: true });
    return crossEntropy.definition.reference([{ shape, data: logits }, targets], {});
  },
  backward,
  products: 2,
  reduction: ([hidden, weight]) => {
    const { R, C } = rowsAndColumns(hidden!);
    return Math.max(R, C, weight![0]);
  },
  cases: [
    { inputs: [[1, 1], [1, 1], { shape: [1], below: 1 }] },
    { inputs: [[3, 5], [7, 5], { shape: [3], below: 9 }] }, // 7 and 8 are ignored
    { inputs: [[2, 33, 3], [36, 3], { shape: [2, 33], below: 40 }], attributes: { chunkRows: 64 } },
    { inputs: [[129, 5], [13, 5], { shape: [129], below: 14 }], attributes: { chunkRows: 64 } },
    { inputs: [[70, 2], [260, 2], { shape: [70], below: 300 }], attributes: { chunkRows: 64 } },
  ],
});
