/** Codebooks as pictures beside this file: to be looked at, and the same for whoever draws. */
import { readPng, writePng } from '../../src/node/png.ts';
import { Chances } from '../chances.ts';
import { paint } from './paint.ts';
import type { Models } from './parts.ts';
import { Codebook, GREY, learnCodebook, PATCH, PATCH_SIZE } from './patches.ts';
import { COLOURS, PLACES, SIZES } from './words.ts';

/** Patterns of light and dark, each in every colour. */
export const PATTERNS = 64;
const SEED = 16;
const LEARNED_FROM = 2000;
const ROUNDS = 10;

/** Learns a codebook from pictures of all things, sizes and places. */
export function learnFrom({ design, mirrored }: Models, things: number): Codebook {
  const chances = new Chances(SEED);
  const grey = Array.from({ length: LEARNED_FROM }, () => {
    const how = { size: chances.below(SIZES.length), place: chances.below(PLACES.length), mirrored };
    return paint(design(chances.below(things), chances), { ...how, tint: [GREY, GREY, GREY] }, chances);
  });
  return learnCodebook(grey, Object.values(COLOURS), { patterns: PATTERNS, rounds: ROUNDS }, chances);
}

/** Patches in a row of the picture. */
const ROW = PATTERNS;

/** Writes a codebook: a row of patches each colour, white at the end. */
export async function writeCodebook(file: string, codebook: Codebook): Promise<void> {
  const [width, rows] = [ROW * PATCH, Math.ceil(codebook.size / ROW)];
  const rgba = new Uint8Array(width * rows * PATCH * 4).fill(255);
  forPixels(codebook.size, width, (number, pixel) => {
    rgba.set(codebook.numbers.subarray(number, number + 3), pixel * 4);
  });
  await writePng(file, { width, height: rows * PATCH, rgba });
}

/** Reads what `writeCodebook` wrote, of so many colours. */
export async function readCodebook(file: string): Promise<Codebook> {
  const { width, rgba } = await readPng(file);
  const size = ROW * Object.keys(COLOURS).length + 1;
  const numbers = new Uint8Array(size * PATCH_SIZE);
  forPixels(size, width, (number, pixel) => numbers.set(rgba.subarray(pixel * 4, pixel * 4 + 3), number));
  return new Codebook(numbers, ROW);
}

/** Where each pixel of each patch stands in the codebook and in its picture. */
function forPixels(size: number, width: number, visit: (number: number, pixel: number) => void): void {
  for (let code = 0; code < size; code++) {
    const [top, left] = [Math.floor(code / ROW) * PATCH, (code % ROW) * PATCH];
    for (let i = 0; i < PATCH * PATCH; i++) {
      visit(code * PATCH_SIZE + 3 * i, (top + Math.floor(i / PATCH)) * width + left + (i % PATCH));
    }
  }
}
