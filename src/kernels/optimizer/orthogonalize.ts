import { UserError } from '../../errors.ts';
import { type Call, defineOp, type Each, type Numbers, type Sizes, type Workload } from '../../tensor/op.ts';
import { format, type Shape, sizeOf } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { add, scale } from '../add.ts';
import { matmul } from '../matmul/matmul.ts';
import { defineEach } from '../skeleton/each.ts';
import { defineRows } from '../skeleton/rows.ts';
import { blockMatrices } from './optimizer.ts';

/*
 * With X = U diag(s) V^T, the nearest matrix with orthonormal rows (or columns) is U V^T. An odd polynomial of X acts on the
 * singular values alone: U diag(p(s)) V^T. Muon's quintic p(s) = a s + b s^3 + c s^5, five times over, takes all of [0.002, 1] to
 * between 0.68 and 1.21, which serves an optimizer as well as 1 does; its steep start, p'(0) = a, is what makes five
 * enough (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; after Newton and Schulz).
 *
 * In matrices, with A = X X^T: p(X) = (a I + b A + c A^2) X.
 */
const [a, b, c] = [3.4445, -4.775, 2.0315];
const ITERATIONS = 5;

interface Inputs {
  x: Tensor;
}

/** Added to the norm, so that a matrix of zeros stays one. */
const EPSILON = 1e-7;

/** sums[r] = sum_c x[r,c]^2.   x: (R, C), sums: (R) f32 */
const rowSquares = defineRows({
  name: 'orthogonalize_squares',
  bind: { x: 'read T', sums: 'write' },
  params: { R: 'u32', C: 'u32' },
  body: ({ each }) => /* wgsl */ `
    var squares = T();
    ${each('let v = x[start + c]; squares += v * v;')}
    let sum = rowSum(lane, total(squares));
    if (lane == 0u) { sums[row] = sum; }`,
});

/**
 * factors[r] = scale / (sqrt(sum_k sums[r,k]) + eps): what a matrix is to be multiplied by.   sums: (R, K), factors: (R) f32
 * C is 1, so that T is f32 whatever K is: Muon's bits go by the order of this sum.
 */
const normFactors = defineRows({
  name: 'orthogonalize_factors',
  bind: { sums: 'read T', factors: 'write' },
  params: { R: 'u32', C: 'u32', K: 'u32', scale: 'f32' },
  body: () => /* wgsl */ `
    var part = 0.0;
    for (var k = lane; k < params.K; k += LANES) { part += sums[row * params.K + k]; }
    let sum = rowSum(lane, part);
    if (lane == 0u) { factors[row] = params.scale / (sqrt(sum) + ${EPSILON}); }`,
});

/** y[i] = x[i] * factors[i / E], for matrices of E elements.   x, y: (N), factors: (N / E) f32 */
const scaleMatrices = defineEach({
  name: 'orthogonalize_scale',
  bind: { x: 'read T', factors: 'read', y: 'write T' },
  params: { N: 'u32', E: 'u32' },
  each: ['N'],
  lengths: ['N', 'E'],
  body: 'y[i] = x[i] * factors[i / params.E];',
});

/** s += shift I, in place, for matrices of S x S.   s: (N / S, S, S) f32 */
const shiftDiagonal = defineEach({
  name: 'orthogonalize_shift',
  bind: { s: 'write' },
  params: { N: 'u32', S: 'u32', shift: 'f32' },
  each: ['N'],
  body: 's[i * params.S + i % params.S] += params.shift;',
});

/** Every matrix of x (n, R, C) divided by its Frobenius norm, which is at least its largest singular value, times `size`. */
function normalized(x: Tensor, size: number): Tensor {
  const { engine } = x;
  const [n, R, C] = x.shape;
  const [sums, factors, y] = [engine.empty([n, R]), engine.empty([n]), engine.empty(x.shape)];
  rowSquares({ x, sums }, { R: n * R, C });
  normFactors({ sums, factors }, { R: n, C: 1, K: R, scale: size });
  scaleMatrices({ x, factors, y }, { N: x.size, E: R * C });
  return y;
}

/** X X^T for wide matrices, X^T X for tall ones: the smaller of the two, which serves as well. */
const gram = (x: Tensor): Tensor =>
  matmul({ a: x, b: x }, isTall(x.shape) ? { transposeA: true } : { transposeB: true });
const product = (p: Tensor, q: Tensor): Tensor => matmul({ a: p, b: q }, {});
/** B X, or X B for tall ones. */
const applied = (B: Tensor, x: Tensor): Tensor => (isTall(x.shape) ? product(x, B) : product(B, x));

const isTall = ([, R, C]: Shape): boolean => R > C;

/** The lesson: the polynomial as it is written. */
function textbook(x: Tensor): Tensor {
  let y = normalized(x, 1);
  const times = (p: Tensor, factor: number): Tensor => scale({ x: p }, { factor });
  for (let i = 0; i < ITERATIONS; i++) {
    const A = gram(y);
    const B = add({ a: times(A, b), b: times(product(A, A), c) });
    y = add({ a: times(y, a), b: applied(B, y) });
  }
  return y;
}

/** Iteration k works on sizes[k] X: chosen from the last one back, so that the result itself comes out at size 1. */
const SIZES = Array.from({ length: ITERATIONS }, (_, k) =>
  Array.from({ length: ITERATIONS - k }).reduce<number>((size) => (c * size) ** (1 / 5), 1),
);

/**
 * The same from matmuls and diagonals alone. Completing the square,
 *
 *     a I + b A + c A^2 = S^2 + (a - b^2 / 4c) I   with   S = sqrt(c) A + b / (2 sqrt(c)) I,
 *
 * and where X is kept at g X with g^2 = l sqrt(c), the product (g X) (g X)^T is already l sqrt(c) A: no pass over a whole matrix
 * is left. What comes out is l^2 g p(X) = (g^5 / c) p(X).
 */
function diagonals(x: Tensor): Tensor {
  let y = normalized(x, SIZES[0]);
  for (const size of SIZES) {
    const l = size ** 2 / Math.sqrt(c);
    const S = shifted(gram(y), (l * b) / (2 * Math.sqrt(c)));
    const B = shifted(product(S, S), l ** 2 * (a - b ** 2 / (4 * c)));
    y = applied(B, y);
  }
  return y;
}

/** s + shift I, in place of s. */
function shifted(s: Tensor, shift: number): Tensor {
  const [n, S] = s.shape;
  shiftDiagonal({ s }, { N: n * S, S, shift });
  return s;
}

/** B = b A + c A^2, element by element.   A, square (A^2), B: (N) f32 */
const polynomial = defineEach({
  name: 'orthogonalize_polynomial',
  bind: { A: 'read T', square: 'read T', B: 'write T' },
  params: { N: 'u32' },
  each: ['N'],
  lengths: ['N'],
  body: `B[i] = ${b} * A[i] + ${c} * square[i];`,
});

/**
 * For long matrices: five iterations on the small A alone, for all that happens to X is that polynomials of A multiply it, and those
 * commute. With B = p(A): Q becomes B Q, A becomes B A B, and at the end X is multiplied once, by Q. For X of R x q R that is
 * 17 + 2 q products of R x R where the others take 5 + 10 q.
 */
function onGram(x: Tensor): Tensor {
  const y = normalized(x, 1);
  let A = gram(y);
  let Q: Tensor | undefined;
  for (let i = 0; i < ITERATIONS; i++) {
    const B = x.engine.empty(A.shape);
    polynomial({ A, square: product(A, A), B }, { N: A.size });
    shifted(B, a);
    Q = Q ? product(B, Q) : B;
    if (i < ITERATIONS - 1) A = product(product(B, A), B);
  }
  return applied(Q!, y);
}

/** From where on a matrix is long: above, `onGram` takes fewer products. */
const LONG = 1.5;
const isLong = ([short, long]: readonly number[]): boolean => long >= LONG * short;
const ascending = (shape: Shape): number[] => shape.toSorted((p, q) => p - q);
const best = (x: Tensor): Tensor => (isLong(ascending(x.shape.slice(1))) ? onGram(x) : diagonals(x));

/** Floating-point operations of the products that `best` takes for one matrix; a multiply and an add are two. */
export function orthogonalizeOperations(rows: number, columns: number): number {
  const [n, m] = ascending([rows, columns]);
  const [square, long] = isLong([n, m]) ? [17, 2] : [ITERATIONS, 2 * ITERATIONS];
  return 2 * (square * n ** 3 + long * n * n * m);
}

/** The polynomial in float64. */
function reference({ x: { shape, data } }: Each<Inputs, Numbers>): Float64Array {
  const [n, R, C] = shape;
  const product = (p: Numbers, q: Numbers, columns: number, transposeB = false): Numbers => ({
    shape: [n, R, columns],
    data: matmul.definition.reference({ a: p, b: q }, { transposeB }),
  });
  const squares = new Float64Array(n);
  for (let i = 0; i < data.length; i++) squares[Math.floor(i / (R * C))] += data[i] ** 2;
  let y = Float64Array.from(data, (value, i) => value / (Math.sqrt(squares[Math.floor(i / (R * C))]) + EPSILON));
  for (let i = 0; i < ITERATIONS; i++) {
    const Y = { shape, data: y };
    const A = product(Y, Y, R, true);
    const square = product(A, A, R);
    const B = { shape: A.shape, data: Float64Array.from(A.data, (value, j) => b * value + c * square.data[j]) };
    const BY = product(B, Y, C);
    y = y.map((value, j) => a * value + BY.data[j]);
  }
  return y;
}

/** What Muon makes orthogonal: matrices of one shape together. Five iterations of three products of n rows and m columns. */
function stacksOf(sizes: Sizes): Workload<Inputs, object>[] {
  const counts = new Map<string, number>();
  for (const matrix of blockMatrices(sizes)) counts.set(`${matrix}`, (counts.get(`${matrix}`) ?? 0) + sizes.L);
  return [...counts].map(([matrix, count]) => {
    const [rows, columns] = matrix.split(',').map(Number);
    const [n, m] = [Math.min(rows, columns), Math.max(rows, columns)];
    const forward = count * ITERATIONS * 2 * (2 * n * n * m + n ** 3);
    return { case: [{ x: [count, rows, columns] }], flops: { forward, training: forward } };
  });
}

const copied =
  (method: (x: Tensor) => Tensor) =>
  ({ engine, inputs: { x }, output }: Call<Inputs>): void =>
    engine.device.copy(method(x).view, output.view);

/**
 * Every matrix of a stack made (nearly) orthogonal: U diag(s) V^T becomes U diag(t) V^T with t between 0.68 and 1.21 for all s of
 * at least 1/500 of the matrix' Frobenius norm. Five iterations of Muon's quintic.   (n, R, C) -> (n, R, C)
 * @throws UserError when the input is not a stack of matrices.
 */
export const orthogonalize = defineOp<Inputs>({
  name: 'orthogonalize',
  inputs: ['x'],
  shape: ({ x }) => {
    if (x.length === 3 && sizeOf(x) > 0) return x;
    throw new UserError(`orthogonalize: x must be a stack of matrices (n, R, C), got ${format(x)}`);
  },
  run: {
    textbook: { idea: 'The polynomial as it is written.', run: copied(textbook) },
    diagonals: {
      idea: 'The square completed: matmuls and diagonals alone, no pass over a whole matrix.',
      gain: 'lavapipe, 16 matrices of 128 x 128: 1.4 times textbook',
      run: copied(diagonals),
    },
    best: {
      idea: 'Long matrices: all five iterations on the small Gram matrix, and one product by what they come to.',
      gain: 'lavapipe, four of 128 x 512: 1.6 times diagonals',
      run: copied(best),
    },
  },
  reference,
  products: 3 * ITERATIONS,
  // each iteration multiplies a small singular value, and the rounding in its directions, by a: five of them by 485
  reduction: ({ x }) => a ** ITERATIONS * Math.max(...x.slice(1)),
  cases: [[{ x: [1, 1, 1] }], [{ x: [2, 3, 7] }], [{ x: [3, 12, 5] }], [{ x: [1, 33, 36] }]],
  workloads: stacksOf,
});
