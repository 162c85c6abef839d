import { UserError } from '../../errors.ts';
import { defineKernel } from '../../tensor/kernel.ts';
import { defineOp, type Numbers } from '../../tensor/op.ts';
import { format, type Shape, sizeOf } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { add, scale } from '../elementwise.ts';
import { matmul } from '../matmul/matmul.ts';
import { defineElementwise, defineVectors, groupsOf64, oneEach, rowLayout, rowShader } from '../skeleton/snippets.ts';

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

/** Added to the norm, so that a matrix of zeros stays one. */
const EPSILON = 1e-7;

/** sums[r] = sum_c x[r,c]^2.   x: (R, C), sums: (R) f32 */
const rowSquares = defineVectors({
  name: 'orthogonalize_squares',
  bind: { x: 'read', sums: 'write' },
  params: { R: 'u32', C: 'u32' },
  lengths: ['C'],
  scalars: ['sums'],
  ...rowLayout,
  wgsl: rowShader(/* wgsl */ `
  var squares = T();
  for (var c = lane; c < columns; c += LANES) {
    let value = x[row * params.C + c];
    squares += value * value;
  }
  let sum = rowSum(index, total(squares));
  if (lane == 0u && row < params.R) { sums[row] = sum; }`),
});

/** factors[r] = scale / (sqrt(sum_c sums[r,c]) + eps): what a matrix is to be multiplied by.   sums: (R, C), factors: (R) f32 */
const normFactors = defineKernel({
  name: 'orthogonalize_factors',
  bind: { sums: 'read', factors: 'write' },
  params: { R: 'u32', C: 'u32', scale: 'f32' },
  ...rowLayout,
  wgsl: rowShader(/* wgsl */ `
  var part = 0.0;
  for (var c = lane; c < columns; c += LANES) { part += sums[row * params.C + c]; }
  let sum = rowSum(index, part);
  if (lane == 0u && row < params.R) { factors[row] = params.scale / (sqrt(sum) + ${EPSILON}); }`),
});

/** y[i] = x[i] * factors[i / E], for matrices of E elements.   x, y: (N), factors: (N / E) f32 */
const scaleMatrices = defineElementwise({
  name: 'orthogonalize_scale',
  bind: { x: 'read', factors: 'read', y: 'write' },
  params: { N: 'u32', E: 'u32' },
  lengths: ['N', 'E'],
  scalars: ['factors'],
  body: 'y[i] = x[i] * factors[i / params.E];',
});

/** s += shift I, in place, for matrices of S x S.   s: (N / S, S, S) f32 */
const shiftDiagonal = defineKernel({
  name: 'orthogonalize_shift',
  bind: { s: 'write' },
  params: { N: 'u32', S: 'u32', shift: 'f32' },
  grid: ({ N }) => groupsOf64(N),
  wgsl: () => oneEach('params.N', 's[i * params.S + i % params.S] += params.shift;'),
});

/** Every matrix of x (n, R, C) divided by its Frobenius norm, which is at least its largest singular value, times `size`. */
function normalized(x: Tensor, size: number): Tensor {
  const { engine } = x;
  const [n, R, C] = x.shape;
  const [sums, factors, y] = [engine.empty([n, R]), engine.empty([n]), engine.empty(x.shape)];
  rowSquares({ x, sums }, { R: n * R, C });
  normFactors({ sums, factors }, { R: n, C: R, scale: size });
  scaleMatrices({ x, factors, y }, { N: x.size, E: R * C });
  return y;
}

/** X X^T for wide matrices, X^T X for tall ones: the smaller of the two, which serves as well. */
const gram = (x: Tensor): Tensor =>
  matmul(x, x, undefined, undefined, isTall(x.shape) ? { transposeA: true } : { transposeB: true });
const product = (p: Tensor, q: Tensor): Tensor => matmul(p, q, undefined, undefined, {});
/** B X, or X B for tall ones. */
const applied = (B: Tensor, x: Tensor): Tensor => (isTall(x.shape) ? product(x, B) : product(B, x));

const isTall = ([, R, C]: Shape): boolean => R > C;

/** The lesson: the polynomial as it is written. */
function textbook(x: Tensor): Tensor {
  let y = normalized(x, 1);
  for (let i = 0; i < ITERATIONS; i++) {
    const A = gram(y);
    const B = add(scale(A, { factor: b }), scale(product(A, A), { factor: c }));
    y = add(scale(y, { factor: a }), applied(B, y));
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
 * is left. What comes out is l^2 g p(X) = (g^5 / c) p(X). 16 matrices of 128 x 128 on lavapipe: 25 ms, the textbook 35.
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

function shifted(s: Tensor, shift: number): Tensor {
  const [n, S] = s.shape;
  shiftDiagonal({ s }, { N: n * S, S, shift });
  return s;
}

/** B = a I + b A + c A^2, for matrices of S x S.   A, square (A^2), B: (N / S^2, S, S) f32 */
const polynomial = defineElementwise({
  name: 'orthogonalize_polynomial',
  bind: { A: 'read', square: 'read', B: 'write' },
  params: { N: 'u32' },
  lengths: ['N'],
  body: `B[i] = ${b} * A[i] + ${c} * square[i];`,
});

/**
 * For long matrices: five iterations on the small A alone, for all that happens to X is that polynomials of A multiply it, and those
 * commute. With B = p(A): Q becomes B Q, A becomes B A B, and at the end X is multiplied once, by Q. For X of R x q R that is
 * 17 + 2 q products of R x R where the others take 5 + 10 q. Four of 128 x 512 on lavapipe: 20 ms in place of 32.
 */
function onGram(x: Tensor): Tensor {
  const y = normalized(x, 1);
  let A = gram(y);
  let Q: Tensor | undefined;
  for (let i = 0; i < ITERATIONS; i++) {
    const [B, [n, S]] = [x.engine.empty(A.shape), A.shape];
    polynomial({ A, square: product(A, A), B }, { N: A.size });
    shiftDiagonal({ s: B }, { N: n * S, S, shift: a });
    Q = Q ? product(B, Q) : B;
    if (i < ITERATIONS - 1) A = product(product(B, A), B);
  }
  return applied(Q!, y);
}

/** From where on a matrix is long: above, `onGram` takes fewer products. */
const LONG = 1.5;
const best = (x: Tensor): Tensor => {
  const [short, long] = x.shape.slice(1).toSorted((p, q) => p - q);
  return long >= LONG * short ? onGram(x) : diagonals(x);
};

/** Five iterations in float64 on one matrix, row-major. */
function iterate(matrix: Float64Array, R: number, C: number): Float64Array {
  const norm = Math.sqrt(matrix.reduce((sum, value) => sum + value ** 2, 0));
  let x = matrix.map((value) => value / (norm + EPSILON));
  const times = (p: Float64Array, q: Float64Array, K: number, N: number): Float64Array =>
    Float64Array.from({ length: (p.length / K) * N }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += p[Math.floor(i / N) * K + k] * q[k * N + (i % N)];
      return sum;
    });
  for (let i = 0; i < ITERATIONS; i++) {
    const transposed = Float64Array.from(x, (_, j) => x[(j % R) * C + Math.floor(j / R)]);
    const A = times(x, transposed, C, R);
    const square = times(A, A, R, R);
    const B = A.map((value, j) => b * value + c * square[j]);
    const BX = times(B, x, R, C);
    x = x.map((value, j) => a * value + BX[j]);
  }
  return x;
}

function reference([x]: readonly (Numbers | undefined)[]): Float64Array {
  const [n, R, C] = x!.shape;
  const data = Float64Array.from(x!.data);
  const parts = Array.from({ length: n }, (_, i) => iterate(data.slice(i * R * C, (i + 1) * R * C), R, C));
  return Float64Array.from(parts.flatMap((part) => [...part]));
}

/**
 * Every matrix of a stack made (nearly) orthogonal: U diag(s) V^T becomes U diag(t) V^T with t between 0.68 and 1.21 for all s of
 * at least 1/500 of the matrix' Frobenius norm. Five iterations of Muon's quintic.   (n, R, C) -> (n, R, C)
 * @throws UserError when the input is not a stack of matrices.
 */
export const orthogonalize = defineOp<[x: Tensor]>({
  name: 'orthogonalize',
  inputs: ['x'],
  shape: ([x]) => {
    if (x!.length === 3 && sizeOf(x!) > 0) return x!;
    throw new UserError(`orthogonalize: x must be a stack of matrices (n, R, C), got ${format(x!)}`);
  },
  run: {
    textbook: ({ engine, inputs: [x], output }) => engine.device.copy(textbook(x!).view, output.view),
    diagonals: ({ engine, inputs: [x], output }) => engine.device.copy(diagonals(x!).view, output.view),
    best: ({ engine, inputs: [x], output }) => engine.device.copy(best(x!).view, output.view),
  },
  reference,
  products: 3 * ITERATIONS,
  // each iteration multiplies a small singular value, and the rounding in its directions, by a: five of them by 485
  reduction: ([x]) => a ** ITERATIONS * Math.max(...x!.slice(1)),
  cases: [{ inputs: [[1, 1, 1]] }, { inputs: [[2, 3, 7]] }, { inputs: [[3, 12, 5]] }, { inputs: [[1, 33, 36]] }],
});
