import { UserError } from '../../errors.ts';
import type { Capabilities } from '../../tensor/capabilities.ts';
import {
  type Call,
  type Case,
  defineOp,
  type Each,
  type Numbers,
  type Sizes,
  type Variant,
  type Workload,
} from '../../tensor/op.ts';
import { format, type Shape, sizeOf } from '../../tensor/shape.ts';
import { geluValue } from '../geluFormula.ts';
import { fast } from './kernel.ts';
import { backward, extents, type MatmulAttributes, type MatmulInputs, multiply } from './product.ts';

export { multiplyInto } from './product.ts';

function outputShape({ a, b, bias, residual }: Each<MatmulInputs, Shape>, attributes: MatmulAttributes): Shape {
  const { transposeA, transposeB } = attributes;
  if (a.length < 2 || b.length < 2) {
    throw new UserError(`matmul: a and b need at least 2 axes, got a ${format(a)}, b ${format(b)}`);
  }
  const [K, inner] = [a.at(transposeA ? -2 : -1), b.at(transposeB ? -1 : -2)];
  if (K !== inner) throw new UserError(`matmul: inner axes differ, a ${format(a)}, b ${format(b)}`);
  const leading = a.slice(0, -2);
  const sameBatch = format(leading) === format(b.slice(0, -2));
  if (!sameBatch && b.length > 2) throw new UserError(`matmul: batch axes differ, a ${format(a)}, b ${format(b)}`);
  const N = b.at(transposeB ? -2 : -1)!;
  const out = [...leading, a.at(transposeA ? -1 : -2)!, N];
  if (bias && (bias.length !== 1 || bias[0] !== N)) {
    throw new UserError(`matmul: bias must be (${N}), got ${format(bias)}`);
  }
  if (residual && format(residual) !== format(out)) {
    throw new UserError(`matmul: residual must be ${format(out)}, got ${format(residual)}`);
  }
  return out;
}

function forward({ inputs, attributes, output: c, saved: { before }, variant }: Call<MatmulInputs, MatmulAttributes>) {
  multiply(variant, { ...inputs, before, c }, extents(inputs.a.shape, inputs.b.shape, attributes));
}

function reference({ a, b, bias, residual }: Each<MatmulInputs, Numbers>, attributes: MatmulAttributes): Float64Array {
  const { M, N, K, batch, a: as, b: bs } = extents(a.shape, b.shape, attributes);
  const c = new Float64Array(batch * M * N);
  for (let i = 0; i < c.length; i++) {
    const n = i % N;
    const m = Math.floor(i / N) % M;
    const matrix = Math.floor(i / N / M);
    let sum = bias ? bias.data[n] : 0;
    for (let k = 0; k < K; k++) {
      sum += a.data[matrix * as.batch + m * as.row + k * as.col] * b.data[matrix * bs.batch + k * bs.row + n * bs.col];
    }
    c[i] = (attributes.gelu ? geluValue(sum) : sum) + (residual ? residual.data[i] : 0);
  }
  return c;
}

/** A rung of the ladder: one tuning point of the fast kernel. TN is four columns a lane unless told. */
const rung = (
  idea: string,
  [LANES, IMAGE, MATRIX]: readonly [number, number, number],
  TM: number,
  TN?: number,
): Variant<MatmulInputs, MatmulAttributes> => ({
  ...{ idea, run: forward },
  at: {
    kernel: fast,
    point: ({ subgroupSize }: Capabilities) => ({ LANES, IMAGE, MATRIX, TM, TN: TN ?? 4 * (subgroupSize || 8) }),
  },
});

/** One call that is a product of `rows` rows: its gradients are two more products of the same size. */
function product(
  what: string,
  rows: Shape,
  [K, N]: readonly [number, number],
  attributes: MatmulAttributes & { residual?: boolean },
): Workload<MatmulInputs, MatmulAttributes> {
  const { residual, ...rest } = attributes;
  const inputs = { a: [...rows, K], b: rest.transposeB ? [N, K] : [K, N] };
  const forward = 2 * sizeOf(rows) * K * N;
  const called: Case<MatmulInputs, MatmulAttributes> = [
    residual ? { ...inputs, residual: [...rows, N] } : inputs,
    rest,
  ];
  return { what, case: called, flops: { forward, training: 3 * forward } };
}

/** The linear layers of a block, and the head. */
export function linearProducts(
  { C, H, KV, D, I, V, gated, transposed }: Sizes,
  rows: Shape,
): Workload<MatmulInputs, MatmulAttributes>[] {
  const layout = transposed ? { transposeB: true } : {};
  return [
    product('queries, keys, values', rows, [C, D * (H + 2 * KV)], layout),
    product('heads + residual', rows, [C, C], { ...layout, residual: true }),
    gated
      ? product('MLP gate and up', rows, [C, 2 * I], layout)
      : product('MLP up + GELU', rows, [C, I], { gelu: true }),
    product('MLP down + residual', rows, [I, C], { ...layout, residual: true }),
    product('logits', rows, [C, V], { transposeB: true }),
  ];
}

/**
 * Matrix product c = a b, with an optional epilogue: gelu(a b + bias) + residual.
 *   a: (..., M, K), b: (K, N) shared by the batch or (..., K, N), bias: (N), residual and c: (..., M, N)
 * `transposeA` and `transposeB` take the operands as (..., K, M) and (..., N, K).
 * @throws UserError when inner or batch axes differ, or bias or residual do not fit.
 */
export const matmul = defineOp<MatmulInputs, MatmulAttributes>({
  name: 'matmul',
  inputs: ['a', 'b', 'bias?', 'residual?'],
  shape: outputShape,
  saves: (shapes, attributes): Record<string, Shape> =>
    attributes.gelu ? { before: outputShape(shapes, attributes) } : {},
  run: {
    naive: {
      idea: 'An invocation an element: every multiply-add loads both of its operands from memory.',
      run: forward,
    },
    tile32: rung(
      'A workgroup stages 32 x 32 tiles in workgroup memory, so that a load from memory serves 32 multiply-adds; each invocation sums 4 x 4 of them in registers.',
      [0, 0, 0],
      32,
      32,
    ),
    tile64: rung(
      '64 x 64 tiles and 8 x 8 sums an invocation: 64 multiply-adds for four vectors from workgroup memory. What GPUs want.',
      [0, 0, 0],
      64,
      64,
    ),
    matrix64: rung(
      'A subgroup multiplies whole matrices of the staged tile at once, on the units that GPUs have for that.',
      [0, 0, 1],
      64,
      64,
    ),
    lanes8: rung(
      'A subgroup by itself, without barriers, which CPUs pay dearly: lanes own columns, and 8 rows go around by shuffles in place of loads.',
      [1, 0, 0],
      8,
    ),
    lanes16: rung('16 rows: every column that was loaded serves twice as many multiply-adds.', [1, 0, 0], 16),
    lanes32: rung('32 rows: twice as many again; more would not fit the registers.', [1, 0, 0], 32),
    image32: rung(
      'Operands come as textures, from which a CPU loads four numbers in the time that a buffer takes for one; the copies are counted.',
      [1, 1, 0],
      32,
      32,
    ),
    image64: rung(
      '64 rows from textures: each value of B that is loaded serves twice as many multiply-adds.',
      [1, 1, 0],
      64,
      32,
    ),
    best: { idea: 'Whichever of these is best for the shape and the adapter.', run: forward },
  },
  reference,
  backward,
  reduction: ({ a, b }, attributes) => {
    const { M, N, K, batch } = extents(a, b, attributes);
    return Math.max(M * batch, N, K);
  },
  cases: [
    [{ a: [1, 1], b: [1, 1] }],
    [{ a: [3, 5], b: [5, 7] }],
    [{ a: [33, 13], b: [13, 65] }],
    [{ a: [2, 17, 9], b: [9, 31] }],
    [{ a: [5, 11], b: [37, 11] }, { transposeB: true }],
    [{ a: [11, 9], b: [11, 33] }, { transposeA: true }],
    [{ a: [2, 3, 4, 5], b: [2, 3, 5, 6] }],
    [
      { a: [3, 7, 5], b: [3, 9, 7] },
      { transposeA: true, transposeB: true },
    ],
    [{ a: [3, 7, 5], b: [3, 7, 9] }, { transposeA: true }],
    // matrices of a that share b
    [{ a: [3, 7, 5], b: [7, 9] }, { transposeA: true }],
    [
      { a: [2, 2, 7, 5], b: [9, 7], bias: [9] },
      { transposeA: true, transposeB: true },
    ],
    [
      { a: [7, 5], b: [9, 7] },
      { transposeA: true, transposeB: true },
    ],
    [{ a: [2, 3, 5], b: [2, 9, 5] }, { transposeB: true }],
    [{ a: [4, 6], b: [6, 9], bias: [9] }],
    [{ a: [1, 6], b: [6, 9], bias: [9], residual: [1, 9] }],
    [{ a: [2, 5, 6], b: [6, 9], bias: [9] }, { gelu: true }],
    // columns in fours
    [{ a: [65, 4], b: [4, 36], bias: [36], residual: [65, 36] }],
    [{ a: [2, 3, 5], b: [5, 12], bias: [12] }, { gelu: true }],
    [{ a: [2, 5, 6], b: [9, 6], residual: [2, 5, 9] }, { transposeB: true }],
  ],
  workloads: (sizes) => linearProducts(sizes, [sizes.B, sizes.T]),
  ladder: {
    axes: ['M', 'N', 'K'],
    shapes: { software: [512, 512, 512], gpu: [4096, 4096, 4096] },
    workload: ([M, N, K]) => ({
      case: [{ a: [M, K], b: [K, N] }],
      flops: { forward: 2 * M * N * K, training: 6 * M * N * K },
    }),
  },
});
