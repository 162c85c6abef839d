/** Linear algebra of small symmetric matrices, in float64. */

/** A square matrix by rows. */
export type Matrix = Float64Array[];

/** Zeros: (rows, columns). */
export const zeros = (rows: number, columns: number): Matrix =>
  Array.from({ length: rows }, () => new Float64Array(columns));

/**
 * What solves A x = b for any b, of a symmetric, positive definite A, by Cholesky's factors: A = L L'.   A: (n, n), b: (n) -> x: (n)
 * @throws Error where A is not positive definite
 */
export function solver(A: Matrix): (b: ArrayLike<number>) => Float64Array {
  const n = A.length;
  const L = zeros(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = A[i][j];
      for (let k = 0; k < j; k++) rest -= L[i][k] * L[j][k];
      if (i === j && !(rest > 0)) throw new Error('solve: the matrix is not positive definite');
      L[i][j] = i === j ? Math.sqrt(rest) : rest / L[j][j];
    }
  }
  return (b) => {
    const x = Float64Array.from(b);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < i; k++) x[i] -= L[i][k] * x[k];
      x[i] /= L[i][i];
    }
    for (let i = n - 1; i >= 0; i--) {
      for (let k = i + 1; k < n; k++) x[i] -= L[k][i] * x[k];
      x[i] /= L[i][i];
    }
    return x;
  };
}

/** x in A x = b: see `solver`. */
export const solve = (A: Matrix, b: ArrayLike<number>): Float64Array => solver(A)(b);

/** Sweeps of rotations after which a matrix of hundreds of rows is diagonal to the last bits. */
const SWEEPS = 30;

/**
 * Eigenvalues of a symmetric matrix, largest first, and their vectors of length 1, by Jacobi's rotations (Golub and Van Loan,
 * "Matrix computations", 8.5).   A: (n, n)
 */
export function eigen(A: Matrix): { readonly value: number; readonly vector: Float64Array }[] {
  const n = A.length;
  const a = A.map((row) => Float64Array.from(row));
  const vectors = zeros(n, n); // a row each
  for (let i = 0; i < n; i++) vectors[i][i] = 1;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let rest = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        rest += a[p][q] ** 2;
        rotate(a, vectors, p, q);
      }
    }
    if (rest === 0) break;
  }
  return vectors.map((vector, i) => ({ value: a[i][i], vector })).sort((x, y) => y.value - x.value);
}

/** Turns the plane of axes p and q so that a[p][q] becomes 0. */
function rotate(a: Matrix, vectors: Matrix, p: number, q: number): void {
  if (Math.abs(a[p][q]) < 1e-15 * Math.sqrt(Math.abs(a[p][p] * a[q][q]))) a[p][q] = a[q][p] = 0;
  if (a[p][q] === 0) return;
  const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  const [rowP, rowQ] = [a[p], a[q]];
  for (let k = 0; k < a.length; k++) [a[k][p], a[k][q]] = [c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]];
  turn(rowP, rowQ, c, s);
  turn(vectors[p], vectors[q], c, s);
  a[p][q] = a[q][p] = 0;
}

function turn(x: Float64Array, y: Float64Array, c: number, s: number): void {
  for (let k = 0; k < x.length; k++) [x[k], y[k]] = [c * x[k] - s * y[k], s * x[k] + c * y[k]];
}

/** The product of two vectors; of the elements that `weights` has, each times its weight. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>, weights?: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i] * (weights ? weights[i] : 1);
  return sum;
}
