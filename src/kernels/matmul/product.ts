import type { BackwardCall } from '../../tensor/op.ts';
import { type Shape, sizeOf } from '../../tensor/shape.ts';
import type { Target, Tensor } from '../../tensor/tensor.ts';
import { geluGradient } from '../gelu.ts';
import { sumDown } from '../reduce.ts';
import { fast, naive } from './kernel.ts';

/** What a product is made of: `bias` and `residual` belong to its epilogue. */
export interface MatmulInputs {
  a: Tensor;
  b: Tensor;
  bias?: Tensor;
  residual?: Tensor;
}

export interface MatmulAttributes {
  /** a is given as (..., K, M), b as (..., N, K). */
  transposeA?: boolean;
  transposeB?: boolean;
  /** Applies GELU after the bias. */
  gelu?: boolean;
}

/** Strides of an operand: elements to the next row, column and matrix. */
interface Strides {
  row: number;
  col: number;
  batch: number;
}
const flip = ({ row, col, batch }: Strides): Strides => ({ row: col, col: row, batch });

/** Sizes of a product, and how its operands lie. */
export interface Extents extends Record<'M' | 'N' | 'K' | 'batch', number> {
  a: Strides;
  b: Strides;
}

/** Works out M, N, K, batch and strides. A two-axis b is shared: the leading axes of a are then rows, unless a is transposed. */
export function extents(aShape: Shape, bShape: Shape, { transposeA, transposeB }: MatmulAttributes): Extents {
  const [aRows, aCols] = aShape.slice(-2);
  const [bRows, bCols] = bShape.slice(-2);
  const joined = bShape.length === 2 && !transposeA;
  const a = { row: aCols, col: 1, batch: aRows * aCols };
  const b = { row: bCols, col: 1, batch: bShape.length === 2 ? 0 : bRows * bCols };
  return {
    M: joined ? sizeOf(aShape.slice(0, -1)) : transposeA ? aCols : aRows,
    N: transposeB ? bRows : bCols,
    K: transposeA ? aRows : aCols,
    batch: joined ? 1 : sizeOf(aShape.slice(0, -2)),
    a: transposeA ? flip(a) : a,
    b: transposeB ? flip(b) : b,
  };
}

/** What the kernels read and write: the operands, and the epilogue's tensors. */
interface Operands extends MatmulInputs {
  before?: Tensor;
  c: Tensor;
}

export function multiply(
  variant: string,
  operands: Operands,
  { a, b, ...sizes }: Extents,
  accumulate: 0 | 1 = 0,
): void {
  const kernel = variant === 'naive' ? naive : fast;
  kernel(operands, {
    ...{ ...sizes, accumulate, aBatch: a.batch, bBatch: b.batch },
    ...{ aRow: a.row, aCol: a.col, bRow: b.row, bCol: b.col },
  });
}

/** c = a b, or c += a b, without the tape: for ops that are made of products. Writes to `target`, dense as `matmul`'s output. */
export function multiplyInto(
  { tensor: c, accumulate }: Target,
  { a, b }: Pick<MatmulInputs, 'a' | 'b'>,
  attributes: MatmulAttributes,
  variant: string,
): void {
  multiply(variant, { a, b, c }, extents(a.shape, b.shape, attributes), accumulate);
}

/** da = dc b^T and db = a^T dc, each written in the layout that its operand has; dbias sums over rows. */
export function backward(call: BackwardCall<MatmulInputs, MatmulAttributes>): void {
  const { inputs, attributes, variant, dy, target, pass } = call;
  const { a, b } = inputs;
  const sizes = extents(a.shape, b.shape, attributes);
  pass('residual', dy);
  const dc = throughGelu(call);
  const [dbias, da, db] = [target('bias'), target('a'), target('b')];
  if (dbias) sumDown(dc, dbias);
  if (da) leftGradient(variant, { b, dc }, sizes, da, attributes);
  if (!db) return;
  if (sizes.b.batch > 0 || sizes.batch === 1) rightGradient(variant, { a, dc }, sizes, db, attributes);
  else rightGradientOfBatch(variant, { a, dc }, sizes, db, attributes);
}

/** The gradient before the epilogue's GELU. */
function throughGelu({ engine, saved: { before }, dy }: BackwardCall<MatmulInputs, MatmulAttributes>): Tensor {
  if (!before) return dy;
  const dc = engine.empty(dy.shape, 'f32', 'a gradient');
  geluGradient({ x: before, dy, dx: dc }, { N: dy.size, accumulate: 0 });
  return dc;
}

/** The product's own strides: (M, N), dense. */
const outputStrides = ({ M, N }: Extents): Strides => ({ row: N, col: 1, batch: M * N });

function leftGradient(
  variant: string,
  { b, dc }: Record<'b' | 'dc', Tensor>,
  sizes: Extents,
  { tensor: c, accumulate }: Target,
  { transposeA }: MatmulAttributes,
): void {
  const { M, N, K, batch } = sizes;
  const dcStrides = outputStrides(sizes);
  if (transposeA) {
    // da is (K, M): the product's transpose, b dc^T
    const product = { M: K, N: M, K: N, batch, a: sizes.b, b: flip(dcStrides) };
    multiply(variant, { a: b, b: dc, c }, product, accumulate);
  } else multiply(variant, { a: dc, b, c }, { M, N: K, K: N, batch, a: dcStrides, b: flip(sizes.b) }, accumulate);
}

function rightGradient(
  variant: string,
  { a, dc }: Record<'a' | 'dc', Tensor>,
  sizes: Extents,
  { tensor: c, accumulate }: Target,
  { transposeB }: MatmulAttributes,
): void {
  const { M, N, K, batch } = sizes;
  const dcStrides = outputStrides(sizes);
  if (transposeB) {
    // db is (N, K): dc^T a
    const product = { M: N, N: K, K: M, batch, a: flip(dcStrides), b: sizes.a };
    multiply(variant, { a: dc, b: a, c }, product, accumulate);
  } else multiply(variant, { a, b: dc, c }, { M: K, N, K: M, batch, a: flip(sizes.a), b: dcStrides }, accumulate);
}

/** Of a b that all matrices of a batch share: the sum of what each gives. */
function rightGradientOfBatch(
  variant: string,
  { a, dc }: Record<'a' | 'dc', Tensor>,
  sizes: Extents,
  target: Target,
  attributes: MatmulAttributes,
): void {
  const parts = a.engine.empty([sizes.batch, ...target.tensor.shape]);
  rightGradient(variant, { a, dc }, sizes, { tensor: parts, accumulate: 0 }, attributes);
  sumDown(parts, target);
}
