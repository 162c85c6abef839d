/** Matrices of weights in fewer bits: how they are rounded, and how they lie in texels of sixteen bytes. Pure CPU. */
import { roundUp } from '../../gpu/memory.ts';
import type { Shape } from '../shape.ts';
import { fromF16, toF16 } from './float16.ts';

/** How matrices of weights are held: as they are trained, as halves, or as whole numbers times a scale. */
export const WEIGHT_FORMATS = ['f32', 'f16', 'int8', 'int4'] as const;
export type WeightFormat = (typeof WEIGHT_FORMATS)[number];
export type PackedFormat = Exclude<WeightFormat, 'f32'>;

/** Bits of a number. */
const BITS = { f16: 16, int8: 8, int4: 4 } as const;

/** Inputs of an output that share a scale. */
export const GROUP = 64;

/** Inputs that a texel holds, of four outputs each. */
export const inputsPerTexel = (format: PackedFormat): number => 32 / BITS[format];

/** Rows are filled up with zeros to a multiple of this many inputs, so that readers may take as many at once. */
export const INPUTS = 8;

/**
 * Scales are halves, of 2^8 times their value: those of usual weights (0.05 / 127) would else be near the end of what halves
 * hold in full precision, 2^-14, below which adapters may read zeros.
 */
export const SCALE_EXPONENT = 8;
const LEAST_HALF = 2 ** -14;
const LARGEST_HALF = 65504;

/**
 * A matrix of N outputs and K inputs. Texel (x, y) holds outputs 4x to 4x + 3, of inputs P y to P y + P - 1 where P is
 * `inputsPerTexel`: number (j, u) of them is bits (4 u + j) B of its 128, from the lowest on. Below these rows follow, unless
 * numbers are halves, those of the scales: (j, g % 2) of group g, as halves in the same order. A matrix with more outputs than
 * textures have texels is cut into bands, one under another.
 */
export interface Packed {
  /** (N, K) */
  readonly shape: Shape;
  readonly format: PackedFormat;
  /** In texels. */
  readonly width: number;
  readonly height: number;
  readonly texels: Uint32Array<ArrayBuffer>;
}

/** Numbers of a matrix somewhere in an array: element (n, k) is `data[n * row + k * col]`. */
export interface Strided {
  readonly data: ArrayLike<number>;
  readonly row: number;
  readonly col: number;
}

interface Layout {
  width: number;
  /** Rows of texels of a band, and of those the ones before the scales. */
  rows: number;
  scales: number;
  height: number;
}

function layoutOf([N, K]: Shape, format: PackedFormat, side: number): Layout {
  const quads = Math.ceil(N / 4);
  const bands = Math.ceil(quads / side);
  const scales = roundUp(K, INPUTS) / inputsPerTexel(format);
  const rows = scales + (format === 'f16' ? 0 : Math.ceil(K / GROUP / 2));
  return { width: Math.ceil(quads / bands), rows, scales, height: bands * rows };
}

/** Where a number stands: the index of its word, and the bits below it. */
type Place = (index: number) => [word: number, shift: number];

/** Places of output n's numbers, by input; and of its scales, by group. */
function placesOf({ width, rows, scales }: Layout, format: PackedFormat, n: number): { number: Place; scale: Place } {
  const [quad, j] = [Math.floor(n / 4), n % 4];
  const [x, top] = [quad % width, Math.floor(quad / width) * rows];
  const place =
    (first: number, per: number, bits: number): Place =>
    (index) => {
      const bit = (4 * (index % per) + j) * bits;
      return [4 * ((first + Math.floor(index / per)) * width + x) + (bit >> 5), bit & 31];
    };
  return { number: place(top, inputsPerTexel(format), BITS[format]), scale: place(top + scales, 2, BITS.f16) };
}

/** Packs an (N, K) matrix for textures of at most `side` texels. What is beyond the range of halves becomes the largest. */
export function pack({ data, row, col }: Strided, shape: Shape, format: PackedFormat, side: number): Packed {
  const [N, K] = shape;
  const layout = layoutOf(shape, format, side);
  const texels = new Uint32Array(4 * layout.width * layout.height);
  const put = ([word, shift]: [number, number], bits: number): void => {
    texels[word] |= bits << shift;
  };
  const group = new Float64Array(GROUP);
  for (let n = 0; n < N; n++) {
    const { number, scale } = placesOf(layout, format, n);
    for (let k = 0; k < K; k += GROUP) {
      const count = Math.min(GROUP, K - k);
      for (let i = 0; i < count; i++) group[i] = data[n * row + (k + i) * col];
      if (format === 'f16') {
        for (let i = 0; i < count; i++) put(number(k + i), half(group[i]));
        continue;
      }
      const bits = half(scaleOf(group.subarray(0, count), format) * 2 ** SCALE_EXPONENT);
      put(scale(k / GROUP), bits);
      const inverse = 1 / valueOfScale(bits);
      const mask = 2 ** BITS[format] - 1;
      for (let i = 0; i < count; i++) put(number(k + i), level(group[i] * inverse, format) & mask);
    }
  }
  return { shape, format, width: layout.width, height: layout.height, texels };
}

/** What packed numbers stand for: (N, K), row-major. */
export function unpack({ shape, format, width, height, texels }: Packed): Float32Array<ArrayBuffer> {
  const [N, K] = shape;
  const bands = Math.ceil(N / 4 / width);
  const layout = { ...layoutOf(shape, format, width), width, rows: height / bands };
  const bits = BITS[format];
  const take = ([word, shift]: [number, number], count: number): number => (texels[word] >>> shift) & (2 ** count - 1);
  const values = new Float32Array(N * K);
  for (let n = 0; n < N; n++) {
    const { number, scale } = placesOf(layout, format, n);
    for (let k = 0; k < K; k++) {
      const value = take(number(k), bits);
      const signed = (value << (32 - bits)) >> (32 - bits);
      values[n * K + k] =
        format === 'f16' ? fromF16(value) : signed * valueOfScale(take(scale(Math.floor(k / GROUP)), 16));
    }
  }
  return values;
}

const valueOfScale = (bits: number): number => fromF16(bits) / 2 ** SCALE_EXPONENT;

/** The bits of the nearest half that no adapter reads as something else: 0, or 2^-14 to 65,504. */
function half(value: number): number {
  const magnitude = Math.min(Math.abs(value), LARGEST_HALF);
  if (magnitude < LEAST_HALF / 2) return 0;
  return toF16(Math.sign(value) * Math.max(magnitude, LEAST_HALF));
}

const LEVELS = { int8: [-127, 127], int4: [-8, 7] } as const;

/** The nearest whole number that the format has; no scale, no number. */
function level(value: number, format: keyof typeof LEVELS): number {
  if (!Number.isFinite(value)) return 0;
  const [least, most] = LEVELS[format];
  return Math.max(least, Math.min(most, Math.round(value)));
}

/** The scale of a group. */
function scaleOf(group: Float64Array, format: keyof typeof LEVELS): number {
  let extreme = 0;
  for (const value of group) if (Math.abs(value) > Math.abs(extreme)) extreme = value;
  return format === 'int8' ? Math.abs(extreme) / LEVELS.int8[1] : leastSquares(group, extreme);
}

/** Tried for the number that is farthest from zero: the level that it gets, before rounding. */
const EXTREMES = [-7, -7.3, -7.6, -7.9, -8.2, -8.5, -8.8];

/**
 * Of the scales s that put the farthest number near the last level, the one with the least sum of (x - s q)^2. Given the whole
 * numbers q, that is s = sum x q / sum q^2, and the sum of squares falls short of sum x^2 by (sum x q)^2 / sum q^2. A few are cut
 * off so that the many are nearer; the last level is -8, so scales may be negative.
 */
function leastSquares(group: Float64Array, extreme: number): number {
  if (extreme === 0) return 0;
  let [scale, most] = [0, 0];
  for (const wanted of EXTREMES) {
    const inverse = wanted / extreme;
    let [products, squares] = [0, 0];
    for (const x of group) {
      const q = level(x * inverse, 'int4');
      products += x * q;
      squares += q * q;
    }
    const gain = (products * products) / squares;
    if (gain > most) [scale, most] = [products / squares, gain];
  }
  return scale;
}
