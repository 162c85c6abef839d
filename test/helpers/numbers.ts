import { expect } from 'vitest';
import { normals, threefry } from '../../src/tensor/random.ts';
import { type Shape, sizeOf } from '../../src/tensor/shape.ts';

/** Normal numbers in f32, by seed. */
export const normalNumbers = (shape: Shape, seed: number, scale = 1): Float32Array<ArrayBuffer> =>
  normals(sizeOf(shape), scale, 1234, seed);

/** Ids in [0, below), by seed. */
export const randomIds = (shape: Shape, below: number, seed: number): Uint32Array<ArrayBuffer> =>
  Uint32Array.from({ length: sizeOf(shape) }, (_, i) => threefry(seed, 77, i, 0)[0] % below);

/** Largest absolute value, at least 1. */
export const magnitude = (numbers: ArrayLike<number>): number =>
  Array.from(numbers).reduce((largest, x) => Math.max(largest, Math.abs(x)), 1);

/** Fails at the first element with !(|actual - expected| <= tolerance), so that NaN fails. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what = '',
): void {
  expect(actual.length, `${what}: length`).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]);
    if (!(error <= tolerance)) {
      expect.fail(`${what}[${i}]: ${actual[i]}, expected ${expected[i]} (error ${error}, tolerance ${tolerance})`);
    }
  }
}
