/** Pictures as rows of codes: each patch by the nearest of a codebook, or each point by the nearest colour of a palette. */
import { UserError } from '../../src/errors.ts';
import type { Chances } from '../chances.ts';
import { PIXELS, SIDE } from './paint.ts';

/** Pixels of a patch's side, patches of a picture's side, and numbers of a patch. */
export const PATCH = 4;
export const GRID = SIDE / PATCH;
export const PATCHES = GRID * GRID;
export const PATCH_SIZE = PATCH * PATCH * 3;

/** What a code of the commonest tint may be further than the nearest: 8 of 255 in each number. */
const SLACK = PATCH_SIZE * 8 ** 2;

/** Patches that stand for those that are like them: patterns in one tint, in the next, and so on, and white at the end. */
export class Codebook {
  readonly size: number;
  readonly #sums: Float64Array;
  /** Of the patch that is searched for, the least that its distance to each code can be. */
  readonly #bounds: Float64Array;
  #white: number | undefined;

  /** @param numbers (K, PATCH_SIZE), 0 to 255 */
  constructor(
    readonly numbers: Uint8Array,
    readonly patterns: number,
  ) {
    this.size = numbers.length / PATCH_SIZE;
    this.#sums = sumsOf(numbers);
    this.#bounds = new Float64Array(this.size);
  }

  patch(code: number): Uint8Array {
    return this.numbers.subarray(code * PATCH_SIZE, (code + 1) * PATCH_SIZE);
  }

  /**
   * The codes of a picture, row by row: (PATCHES). Where a code of the picture's commonest tint is hardly further than the nearest, it is
   * taken: patches that are almost white look alike in all tints, and by chance would have any.
   */
  encode(picture: Uint8Array): number[] {
    const patches = patchesOf(picture);
    const nearest = patches.map((patch) => this.nearest(patch));
    const tint = commonest(nearest.filter((code) => code < this.size - 1).map((code) => this.#tintOf(code)));
    if (tint === undefined) return nearest;
    return nearest.map((code, i) => {
      if (code === this.size - 1 || this.#tintOf(code) === tint) return code;
      const own = this.nearest(patches[i], tint * this.patterns, (tint + 1) * this.patterns);
      const further = (one: number): number => squaredDistance(patches[i], this.patch(one));
      return further(own) <= further(code) + SLACK ? own : code;
    });
  }

  #tintOf(code: number): number {
    return Math.floor(code / this.patterns);
  }

  /** The picture that codes stand for; where there are too few, the rest is white. */
  decode(codes: readonly number[]): Uint8Array {
    const picture = new Uint8Array(PIXELS).fill(255);
    for (const [i, code] of codes.slice(0, PATCHES).entries()) {
      const patch = this.patch(code);
      const [top, left] = [Math.floor(i / GRID) * PATCH, (i % GRID) * PATCH];
      for (let y = 0; y < PATCH; y++) {
        picture.set(patch.subarray(y * PATCH * 3, (y + 1) * PATCH * 3), ((top + y) * SIDE + left) * 3);
      }
    }
    return picture;
  }

  /**
   * The code with the least squared distance, of some of them where that is said; of two, the first. Most are ruled out by the sums of their colours: by Cauchy and Schwarz
   * the distance is no less than (difference of sums)^2 / pixels, summed over colours.
   */
  nearest(patch: Uint8Array, from = 0, to = this.size): number {
    if (patch.some((part) => part < 255)) return this.#search(patch, from, to);
    return (this.#white ??= this.#search(patch, 0, this.size)); // which most patches are
  }

  #search(patch: Uint8Array, from: number, to: number): number {
    const [red, green, blue] = sumsOf(patch);
    const [sums, bounds] = [this.#sums, this.#bounds];
    let best = from;
    for (let code = from; code < to; code++) {
      const far = (red - sums[3 * code]) ** 2 + (green - sums[3 * code + 1]) ** 2 + (blue - sums[3 * code + 2]) ** 2;
      bounds[code] = far / (PATCH * PATCH);
      if (bounds[code] < bounds[best]) best = code;
    }
    let least = squaredDistance(patch, this.patch(best));
    for (let code = from; code < to; code++) {
      if (bounds[code] > least) continue;
      const distance = squaredDistance(patch, this.patch(code));
      if (distance < least || (distance === least && code < best)) [best, least] = [code, distance];
    }
    return best;
  }
}

/** The number that is there most often; of two, the one that was first. */
function commonest(numbers: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const one of numbers) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts].reduce<[number, number] | undefined>(
    (best, one) => (best && best[1] >= one[1] ? best : one),
    undefined,
  )?.[0];
}

/** Sums of the three colours over the pixels of patches: three for each. */
function sumsOf(patches: Uint8Array): Float64Array {
  const sums = new Float64Array((3 * patches.length) / PATCH_SIZE);
  for (const [i, part] of patches.entries()) sums[3 * Math.floor(i / PATCH_SIZE) + (i % 3)] += part;
  return sums;
}

function squaredDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum;
}

/** Index of the row of (K, size) with the least squared distance to a point; of two, the first. */
function nearestOf(point: ArrayLike<number>, rows: ArrayLike<number>, size: number): number {
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (let start = 0; start < rows.length; start += size) {
    let sum = 0;
    for (let i = 0; i < size && sum < least; i++) sum += (point[i] - rows[start + i]) ** 2;
    if (sum < least) [best, least] = [start / size, sum];
  }
  return best;
}

/** The patches of a picture, row by row: (PATCHES) of PATCH_SIZE numbers. */
export function patchesOf(picture: Uint8Array): Uint8Array[] {
  return Array.from({ length: PATCHES }, (_, i) => {
    const patch = new Uint8Array(PATCH_SIZE);
    const [top, left] = [Math.floor(i / GRID) * PATCH, (i % GRID) * PATCH];
    for (let y = 0; y < PATCH; y++) {
      const start = ((top + y) * SIDE + left) * 3;
      patch.set(picture.subarray(start, start + PATCH * 3), y * PATCH * 3);
    }
    return patch;
  });
}

/** Of a painting in this grey, what is as dark as that is of the tint, what is darker a mix with black, what is lighter one with white. */
export const GREY = 128;

/**
 * A codebook: in each of the tints the same patterns of light and dark, then white. The patterns are learned from pictures painted in
 * `GREY` by k-means (Lloyd, 1982), which is what vector quantization learns where patches are coded by themselves; all tints together have
 * more for them to be learned from than each alone.
 */
export function learnCodebook(
  grey: readonly Uint8Array[],
  tints: readonly (readonly number[])[],
  size: { patterns: number; rounds: number },
  chances: Chances,
): Codebook {
  const patterns = learnPatterns(grey.flatMap(patchesOf), size, chances);
  const patches = tints.flatMap((tint) => patterns.map((pattern) => pattern.flatMap((value) => tinted(value, tint))));
  const white = new Array<number>(PATCH_SIZE).fill(255);
  return new Codebook(Uint8Array.from([...patches, white].flat()), size.patterns);
}

/** A value of grey in a tint. */
const tinted = (value: number, tint: readonly number[]): number[] =>
  tint.map((part) =>
    Math.round(value < GREY ? (part * value) / GREY : part + ((255 - part) * (value - GREY)) / (255 - GREY)),
  );

/** Numbers of a pattern. */
const POINTS = PATCH * PATCH;

/** Patterns (POINTS numbers each), the lightest first. @throws UserError where there are too few patches that differ */
function learnPatterns(
  patches: readonly Uint8Array[],
  { patterns, rounds }: { patterns: number; rounds: number },
  chances: Chances,
): number[][] {
  const points = patches.map((patch) => Float64Array.from({ length: POINTS }, (_, i) => patch[3 * i]));
  const inked = points.filter((point) => point.some((value) => value < 255));
  const different = new Set(inked.map((point) => point.join())).size;
  if (different < patterns)
    throw new UserError(`${patterns} patterns need as many different patches, got ${different}`);
  let means = startingMeans(inked, patterns, chances);
  for (let round = 0; round < rounds; round++) means = improved(inked, means);
  const light = (mean: Float64Array): number => mean.reduce((sum, value) => sum + value, 0);
  return means.sort((a, b) => light(b) - light(a)).map((mean) => [...mean]);
}

/** Points drawn by their squared distance to those before (k-means++: Arthur and Vassilvitskii, 2007). */
function startingMeans(points: readonly Float64Array[], count: number, chances: Chances): Float64Array[] {
  const means = [chances.pick(points)];
  const distances = points.map((point) => squaredDistance(point, means[0]));
  while (means.length < count) {
    let left = chances.between(
      0,
      distances.reduce((sum, d) => sum + d, 0),
    );
    const at = distances.findIndex((d) => (left -= d) < 0);
    const mean = points[at];
    means.push(mean);
    for (const [i, point] of points.entries()) distances[i] = Math.min(distances[i], squaredDistance(point, mean));
  }
  return means;
}

/** A round of Lloyd's: each mean becomes that of the points it is nearest to; one that is nearest to none stays. */
function improved(points: readonly Float64Array[], means: readonly Float64Array[]): Float64Array[] {
  const rows = new Float64Array(means.length * POINTS);
  for (const [k, mean] of means.entries()) rows.set(mean, k * POINTS);
  const sums = means.map(() => new Float64Array(POINTS));
  const counts = new Uint32Array(means.length);
  for (const point of points) {
    const k = nearestOf(point, rows, POINTS);
    counts[k]++;
    for (let i = 0; i < POINTS; i++) sums[k][i] += point[i];
  }
  return sums.map((sum, k) => (counts[k] === 0 ? means[k] : sum.map((value) => value / counts[k])));
}
