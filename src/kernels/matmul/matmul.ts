import { UserError } from '../../errors.ts';
import { type BackwardCall, type Call, defineOp, type Numbers, type Target } from '../../tensor/op.ts';
import { format, type Shape, sizeOf } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { geluGradient } from '../gelu.ts';
import { geluValue } from '../geluFormula.ts';
import { sumDown } from '../reduce.ts';
import { matmulKernel } from './kernel.ts';

/** Strides of an operand: elements to the next row, column and matrix. */
interface Strides {
  row: number;
  col: number;
  batch: number;
}
const flip = ({ row, col, batch }: Strides): Strides => ({ row: col, col: row, batch });

interface Product {
  a: Tensor;
  aStrides: Strides;
  b: Tensor;
  bStrides: Strides;
  c: Tensor;
  M: number;
  N: number;
  K: number;
  batch: number;
  accumulate?: 0 | 1;
  /** The epilogue's tensors. */
  bias?: Tensor;
  before?: Tensor;
  residual?: Tensor;
}

function multiply(variant: string, product: Product): void {
  const { a, b, c, aStrides, bStrides, M, N, K, batch, accumulate = 0, bias, before, residual } = product;
  const epilogue = { ...(bias && { bias: true }), ...(before && { gelu: true }), ...(residual && { residual: true }) };
  const kernel = matmulKernel(epilogue, variant === 'naive');
  const extras = { ...(bias && { bias }), ...(before && { before }), ...(residual && { residual }) };
  kernel(
    { a, b, c, ...extras },
    {
      ...{ M, N, K, batch, accumulate },
      ...{ aBatch: aStrides.batch, bBatch: bStrides.batch },
      ...{ aRow: aStrides.row, aCol: aStrides.col, bRow: bStrides.row, bCol: bStrides.col },
    },
  );
}

export interface MatmulAttributes {
  /** a is given as (..., K, M), b as (..., N, K). */
  transposeA?: boolean;
  transposeB?: boolean;
  /** Applies GELU after the bias. */
  gelu?: boolean;
}

interface Extents {
  M: number;
  N: number;
  K: number;
  batch: number;
  a: Strides;
  b: Strides;
}

/** Works out M, N, K, batch and strides. A two-axis b is shared: the leading axes of a are then rows. */
function extents(aShape: Shape, bShape: Shape, { transposeA, transposeB }: MatmulAttributes): Extents {
  const [aRows, aCols] = aShape.slice(-2);
  const [bRows, bCols] = bShape.slice(-2);
  const shared = bShape.length === 2 && !transposeA;
  const batch = shared ? 1 : sizeOf(aShape.slice(0, -2));
  const a = { row: aCols, col: 1, batch: aRows * aCols };
  const b = { row: bCols, col: 1, batch: bShape.length === 2 ? 0 : bRows * bCols };
  return {
    M: shared ? sizeOf(aShape.slice(0, -1)) : transposeA ? aCols : aRows,
    N: transposeB ? bRows : bCols,
    K: transposeA ? aRows : aCols,
    batch,
    a: transposeA ? flip(a) : a,
    b: transposeB ? flip(b) : b,
  };
}

/** c = a b, or c += a b, without the tape: for ops that are made of products. Writes to `target`, dense as `matmul`'s output. */
export function multiplyInto(
  { tensor: c, accumulate }: Target,
  a: Tensor,
  b: Tensor,
  attributes: MatmulAttributes,
  variant: string,
): void {
  const { a: aStrides, b: bStrides, ...sizes } = extents(a.shape, b.shape, attributes);
  multiply(variant, { a, aStrides, b, bStrides, c, ...sizes, accumulate });
}

function outputShape([a, b, bias, residual]: readonly (Shape | undefined)[], attributes: MatmulAttributes): Shape {
  const { transposeA, transposeB } = attributes;
  if (a!.length < 2 || b!.length < 2) {
    throw new UserError(`matmul: a and b need at least 2 axes, got a ${format(a!)}, b ${format(b!)}`);
  }
  const [K, inner] = [a!.at(transposeA ? -2 : -1), b!.at(transposeB ? -1 : -2)];
  if (K !== inner) throw new UserError(`matmul: inner axes differ, a ${format(a!)}, b ${format(b!)}`);
  const leading = a!.slice(0, -2);
  const sameBatch = format(leading) === format(b!.slice(0, -2));
  if (!sameBatch && b!.length > 2) throw new UserError(`matmul: batch axes differ, a ${format(a!)}, b ${format(b!)}`);
  const N = b!.at(transposeB ? -2 : -1)!;
  const out = [...leading, a!.at(transposeA ? -1 : -2)!, N];
  if (bias && (bias.length !== 1 || bias[0] !== N)) {
    throw new UserError(`matmul: bias must be (${N}), got ${format(bias)}`);
  }
  if (residual && format(residual) !== format(out)) {
    throw new UserError(`matmul: residual must be ${format(out)}, got ${format(residual)}`);
  }
  return out;
}

function forward({
  inputs: [a, b, bias, residual],
  attributes,
  output: c,
  saved,
  variant,
}: Call<MatmulAttributes>): void {
  const { a: aStrides, b: bStrides, ...sizes } = extents(a!.shape, b!.shape, attributes);
  multiply(variant, { a: a!, aStrides, b: b!, bStrides, c, ...sizes, bias, residual, before: saved.before });
}

/** da = dc b^T and db = a^T dc, each written in the layout that its operand has; dbias sums over rows. */
function backward(call: BackwardCall<MatmulAttributes>): void {
  const { engine, inputs, attributes, saved, variant, dy, target, pass } = call;
  const [a, b] = inputs;
  const { M, N, K, batch, a: aStrides, b: bStrides } = extents(a!.shape, b!.shape, attributes);
  pass(3, dy);
  let dc = dy;
  if (saved.before) {
    dc = engine.empty(dy.shape, 'f32', 'a gradient');
    geluGradient({ x: saved.before, dy, dx: dc }, { N: dy.size, accumulate: 0 });
  }
  const dcStrides = { row: N, col: 1, batch: M * N };
  const dbias = target(2);
  if (dbias) sumDown(dc, dbias);
  const da = target(0);
  if (da) {
    const { tensor: c, accumulate } = da;
    const bt = { b: b!, bStrides: flip(bStrides) };
    if (attributes.transposeA) {
      // da is (K, M): the product's transpose, b dc^T
      multiply(variant, {
        a: b!,
        aStrides: bStrides,
        b: dc,
        bStrides: flip(dcStrides),
        c,
        M: K,
        N: M,
        K: N,
        batch,
        accumulate,
      });
    } else multiply(variant, { a: dc, aStrides: dcStrides, ...bt, c, M, N: K, K: N, batch, accumulate });
  }
  const db = target(1);
  if (db) {
    const { tensor: c, accumulate } = db;
    if (attributes.transposeB) {
      // db is (N, K): dc^T a
      multiply(variant, {
        a: dc,
        aStrides: flip(dcStrides),
        b: a!,
        bStrides: aStrides,
        c,
        M: N,
        N: K,
        K: M,
        batch,
        accumulate,
      });
    } else
      multiply(variant, {
        a: a!,
        aStrides: flip(aStrides),
        b: dc,
        bStrides: dcStrides,
        c,
        M: K,
        N,
        K: M,
        batch,
        accumulate,
      });
  }
}

function reference(inputs: readonly (Numbers | undefined)[], attributes: MatmulAttributes): Float64Array {
  const [a, b, bias, residual] = inputs;
  const { M, N, K, batch, a: as, b: bs } = extents(a!.shape, b!.shape, attributes);
  const c = new Float64Array(batch * M * N);
  for (let i = 0; i < c.length; i++) {
    const n = i % N;
    const m = Math.floor(i / N) % M;
    const matrix = Math.floor(i / N / M);
    let sum = bias ? bias.data[n] : 0;
    for (let k = 0; k < K; k++) {
      sum +=
        a!.data[matrix * as.batch + m * as.row + k * as.col] * b!.data[matrix * bs.batch + k * bs.row + n * bs.col];
    }
    c[i] = (attributes.gelu ? geluValue(sum) : sum) + (residual ? residual.data[i] : 0);
  }
  return c;
}

/**
 * Matrix product c = a b, with an optional epilogue: gelu(a b + bias) + residual.
 *   a: (..., M, K), b: (K, N) shared by the batch or (..., K, N), bias: (N), residual and c: (..., M, N)
 * `transposeA` and `transposeB` take the operands as (..., K, M) and (..., N, K).
 * @throws UserError when inner or batch axes differ, or bias or residual do not fit.
 */
export const matmul = defineOp<[a: Tensor, b: Tensor, bias?: Tensor, residual?: Tensor], MatmulAttributes>({
  name: 'matmul',
  inputs: ['a', 'b', 'bias?', 'residual?'],
  shape: outputShape,
  saves: (shapes, attributes): Record<string, Shape> =>
    attributes.gelu ? { before: outputShape(shapes, attributes) } : {},
  run: { naive: forward, best: forward },
  reference,
  backward,
  reduction: ([a, b], attributes) => {
    const { M, N, K, batch } = extents(a!, b!, attributes);
    return Math.max(M * batch, N, K);
  },
  cases: [
    {
      inputs: [
        [1, 1],
        [1, 1],
      ],
    },
    {
      inputs: [
        [3, 5],
        [5, 7],
      ],
    },
    {
      inputs: [
        [33, 13],
        [13, 65],
      ],
    },
    {
      inputs: [
        [2, 17, 9],
        [9, 31],
      ],
    },
    {
      inputs: [
        [5, 11],
        [37, 11],
      ],
      attributes: { transposeB: true },
    },
    {
      inputs: [
        [11, 9],
        [11, 33],
      ],
      attributes: { transposeA: true },
    },
    {
      inputs: [
        [2, 3, 4, 5],
        [2, 3, 5, 6],
      ],
    },
    {
      inputs: [
        [3, 7, 5],
        [3, 9, 7],
      ],
      attributes: { transposeA: true, transposeB: true },
    },
    {
      inputs: [
        [3, 7, 5],
        [3, 7, 9],
      ],
      attributes: { transposeA: true },
    },
    { inputs: [[4, 6], [6, 9], [9]] },
    { inputs: [[1, 6], [6, 9], [9], [1, 9]] },
    { inputs: [[2, 5, 6], [6, 9], [9]], attributes: { gelu: true } },
    // columns in fours
    { inputs: [[65, 4], [4, 36], [36], [65, 36]] },
    { inputs: [[2, 3, 5], [5, 12], [12]], attributes: { gelu: true } },
    { inputs: [[2, 5, 6], [9, 6], undefined, [2, 5, 9]], attributes: { transposeB: true } },
  ],
});
