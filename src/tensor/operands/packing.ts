/** Matrices of weights in fewer bits: how they are rounded, and how they lie in texels of sixteen bytes. Pure CPU. */
import { roundUp } from '../../gpu/memory.ts';
import type { Shape } from '../shape.ts';
import { fromF16, toF16 } from './float16.ts';
import { LARGEST_HALF } from './half.ts';

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

/**
 * Where numbers of output n stand, or scales: those of row `first` of its band on, `per` a texel, `bits` each. Number `index`
 * begins at bit `shift` of word `word`.
 */
class Places {
  word = 0;
  shift = 0;
  private readonly start: number;
  private readonly pitch: number;
  private readonly j: number;

  constructor(
    { width, rows }: Pick<Layout, 'width' | 'rows'>,
    n: number,
    first: number,
    private readonly per: number,
    private readonly bits: number,
  ) {
    const quad = n >> 2;
    this.j = n & 3;
    this.pitch = 4 * width;
    this.start = (Math.floor(quad / width) * rows + first) * this.pitch + 4 * (quad % width);
  }

  at(index: number): this {
    const { per, bits, start, pitch, j } = this;
    const row = Math.floor(index / per);
    const bit = (4 * (index - per * row) + j) * bits;
    this.word = start + row * pitch + (bit >> 5);
    this.shift = bit & 31;
    return this;
  }
}

/** Packs an (N, K) matrix for textures of at most `side` texels. What is beyond the range of halves becomes the largest. */
export function pack({ data, row, col }: Strided, shape: Shape, format: PackedFormat, side: number): Packed {
  const [N, K] = shape;
  const layout = layoutOf(shape, format, side);
  const texels = new Uint32Array(4 * layout.width * layout.height);
  const group = new Float64Array(GROUP);
  for (let n = 0; n < N; n++) {
    const numbers = new Places(layout, n, 0, inputsPerTexel(format), BITS[format]);
    const scales = new Places(layout, n, layout.scales, 2, BITS.f16);
    for (let first = 0; first < K; first += GROUP) {
      const count = Math.min(GROUP, K - first);
      for (let i = 0; i < count; i++) group[i] = data[n * row + (first + i) * col];
      if (format === 'f16') halves(group, count);
      else {
        const scale = half(scaleOf(group, count, format) * 2 ** SCALE_EXPONENT);
        levels(group, count, format, valueOfScale(scale));
        const { word, shift } = scales.at(first / GROUP);
        texels[word] |= scale << shift;
      }
      for (let i = 0; i < count; i++) {
        const { word, shift } = numbers.at(first + i);
        texels[word] |= group[i] << shift;
      }
    }
  }
  return { shape, format, width: layout.width, height: layout.height, texels };
}

/** What packed numbers stand for: (N, K), row-major. */
export function unpack({ shape, format, width, height, texels }: Packed): Float32Array<ArrayBuffer> {
  const [N, K] = shape;
  const layout = { width, rows: height / Math.ceil(N / 4 / width) };
  const first = layoutOf(shape, format, width).scales;
  const bits = BITS[format];
  const values = new Float32Array(N * K);
  for (let n = 0; n < N; n++) {
    const numbers = new Places(layout, n, 0, inputsPerTexel(format), bits);
    const scales = new Places(layout, n, first, 2, BITS.f16);
    for (let k = 0; k < K; k++) {
      const { word, shift } = numbers.at(k);
      const value = (texels[word] << (32 - bits - shift)) >> (32 - bits);
      if (format === 'f16') values[n * K + k] = fromF16(value & 0xffff);
      else {
        const scale = scales.at(Math.floor(k / GROUP));
        values[n * K + k] = value * valueOfScale((texels[scale.word] >>> scale.shift) & 0xffff);
      }
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
type IntegerFormat = keyof typeof LEVELS;

/** Added to a number of a few digits and taken away again, it leaves a whole one: the nearest, of two the even one. */
const ROUNDER = 1.5 * 2 ** 52;

/** Makes numbers into the bits of the nearest level by a scale; of no scale, none. */
function levels(group: Float64Array, count: number, format: IntegerFormat, scale: number): void {
  const [least, most] = LEVELS[format];
  const inverse = scale === 0 ? 0 : 1 / scale;
  const mask = 2 ** BITS[format] - 1;
  for (let i = 0; i < count; i++) {
    group[i] = Math.max(least, Math.min(most, group[i] * inverse + ROUNDER - ROUNDER)) & mask;
  }
}

/** Makes numbers into bits of halves. */
function halves(group: Float64Array, count: number): void {
  for (let i = 0; i < count; i++) group[i] = half(group[i]);
}

/** The scale of a group, the first `count` numbers. */
function scaleOf(group: Float64Array, count: number, format: IntegerFormat): number {
  let extreme = 0;
  for (let i = 0; i < count; i++) if (Math.abs(group[i]) > Math.abs(extreme)) extreme = group[i];
  return format === 'int8' ? Math.abs(extreme) / LEVELS.int8[1] : leastSquares(group, count, extreme);
}

/** Tried for the number that is farthest from zero: the level that it gets, before rounding. */
const EXTREMES = [-7, -7.3, -7.6, -7.9, -8.2, -8.5, -8.8];

/**
 * Of the scales s that put the farthest number near the last level, the one with the least sum of (x - s q)^2. Given the whole
 * numbers q, that is s = sum x q / sum q^2, and the sum of squares falls short of sum x^2 by (sum x q)^2 / sum q^2. A few are cut
 * off so that the many are nearer; the last level is -8, so scales may be negative.
 */
function leastSquares(group: Float64Array, count: number, extreme: number): number {
  const [least, most] = LEVELS.int4;
  let [scale, largest] = [0, 0];
  if (extreme === 0) return scale;
  for (const wanted of EXTREMES) {
    const inverse = wanted / extreme;
    let [products, squares] = [0, 0];
    for (let i = 0; i < count; i++) {
      const x = group[i];
      const q = Math.max(least, Math.min(most, x * inverse + ROUNDER - ROUNDER));
      products += x * q;
      squares += q * q;
    }
    const gain = (products * products) / squares;
    if (gain > largest) [scale, largest] = [products / squares, gain];
  }
  return scale;
}
