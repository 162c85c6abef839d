/** Sizes of the axes, outermost first; () is a scalar. All tensors are dense and row-major. */
export type Shape = readonly number[];

/** Number of elements. */
export const sizeOf = (shape: Shape): number => shape.reduce((product, axis) => product * axis, 1);

/** "(3, 4)": how shapes are written in errors. */
export const format = (shape: Shape): string => `(${shape.join(', ')})`;

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((axis, i) => axis === b[i]);

/** Splits a shape into rows and the last axis: (2, 3, 4) is 6 rows of 4 columns; a scalar is one row of one. */
export function rowsAndColumns(shape: Shape): { R: number; C: number } {
  const C = shape.at(-1) ?? 1;
  return { R: C === 0 ? 0 : sizeOf(shape) / C, C };
}

/**
 * The shape that two shapes broadcast to, by NumPy's rule: aligned at the last axis, axes must be equal or 1.
 * Returns undefined where they do not fit.
 */
export function broadcast(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const out: number[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    out.push(x === 1 ? y : x);
  }
  return out;
}
