import { describe, expect, it } from 'vitest';
import { broadcast, format, rowsAndColumns, type Shape, sameShape, sizeOf } from '../../src/tensor/shape.ts';

describe('shapes', () => {
  it('have a size: 1 for a scalar, 0 with an empty axis', () => {
    expect([[], [7], [2, 3, 4], [2, 0, 4]].map(sizeOf)).toEqual([1, 7, 24, 0]);
  });

  it('are written with their axes', () => {
    expect([[], [7], [3, 4]].map(format)).toEqual(['()', '(7)', '(3, 4)']);
  });

  it('are the same axis by axis', () => {
    expect(sameShape([2, 3], [2, 3])).toBe(true);
    expect(sameShape([2, 3], [3, 2])).toBe(false);
    expect(sameShape([2], [2, 1])).toBe(false);
    expect(sameShape([], [])).toBe(true);
  });

  it.each<[Shape, { R: number; C: number }]>([
    [[], { R: 1, C: 1 }],
    [[5], { R: 1, C: 5 }],
    [[2, 3, 4], { R: 6, C: 4 }],
    [[0, 4], { R: 0, C: 4 }],
    [[3, 0], { R: 0, C: 0 }],
  ])('%j as rows and columns', (shape, expected) => {
    expect(rowsAndColumns(shape)).toEqual(expected);
  });

  it.each<[Shape, Shape, Shape | undefined]>([
    [[], [], []],
    [[2, 3], [], [2, 3]],
    [[2, 3], [3], [2, 3]],
    [[2, 3], [2], undefined],
    [
      [70, 1],
      [1, 67],
      [70, 67],
    ],
    [
      [2, 1, 3, 1],
      [4, 1, 5],
      [2, 4, 3, 5],
    ],
    [
      [0, 3],
      [1, 3],
      [0, 3],
    ],
    [[0, 3], [2, 3], undefined],
  ])('%j and %j broadcast to %j', (a, b, expected) => {
    expect(broadcast(a, b)).toEqual(expected);
    expect(broadcast(b, a)).toEqual(expected);
  });
});
