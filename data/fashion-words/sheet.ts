/** Contact sheets: many pictures as one file, with what was asked for under each where the file can hold letters. */

import { writeAtomic } from '../../src/node/files.ts';
import { type Picture, pngBytes, writePng } from '../../src/node/png.ts';
import type { Lines } from './lines.ts';
import { SIDE } from './paint.ts';
import { KINDS } from './words.ts';

/** Pixels of the sheet for one of a picture, and between two pictures. */
const ZOOM = 4;
const GAP = 8;
/** Of an SVG sheet, for the letters under a picture. */
const LETTERS = 16;
const MOST_COLUMNS = 8;

/** Writes things as a PNG, or as an SVG with captions. @throws UserError for things that hold no pictures */
export async function drawSheet(lines: Lines, things: readonly string[], file: string): Promise<void> {
  if (/\.png$/i.test(file)) await writePng(file, sheetPixels(lines, things));
  else await writeAtomic(file, await sheetSvg(lines, things));
}

/** Things as the pixels of a sheet. @throws UserError for things that hold no pictures */
export const sheetPixels = (lines: Lines, things: readonly string[]): Picture =>
  sheetOf(things.map((thing) => lines.codebook.decode(lines.read(thing).codes)));

/** As square as may be, and no wider than `MOST_COLUMNS`. */
const columnsOf = (count: number): number => Math.max(1, Math.min(MOST_COLUMNS, Math.ceil(Math.sqrt(count))));

/** Pictures side by side on grey, which shows where each ends. */
export function sheetOf(pictures: readonly Uint8Array[], zoom = ZOOM): Picture {
  const columns = columnsOf(pictures.length);
  const step = SIDE * zoom + GAP;
  const [width, height] = [columns * step + GAP, Math.ceil(pictures.length / columns) * step + GAP];
  const rgba = new Uint8Array(width * height * 4).fill(255);
  for (let i = 0; i < rgba.length; i++) if (i % 4 < 3) rgba[i] = 230;
  for (const [n, picture] of pictures.entries()) {
    const [top, left] = [Math.floor(n / columns) * step + GAP, (n % columns) * step + GAP];
    for (let y = 0; y < SIDE * zoom; y++) {
      for (let x = 0; x < SIDE * zoom; x++) {
        const from = (Math.floor(y / zoom) * SIDE + Math.floor(x / zoom)) * 3;
        rgba.set(picture.subarray(from, from + 3), ((top + y) * width + left + x) * 4);
      }
    }
  }
  return { width, height, rgba };
}

/** The same with what was asked for under each picture. */
export async function sheetSvg(lines: Lines, things: readonly string[]): Promise<string> {
  const columns = columnsOf(things.length);
  const [side, step] = [SIDE * ZOOM, SIDE * ZOOM + GAP];
  const cells = things.map(async (thing, n) => {
    const { said, codes } = lines.read(thing);
    const words = KINDS.flatMap((kind) => (said[kind] === undefined ? [] : [lines.captions.words[kind][said[kind]]]));
    const [x, y] = [(n % columns) * step + GAP, Math.floor(n / columns) * (step + LETTERS) + GAP];
    const place = `x="${x}" y="${y}" width="${side}" height="${side}"`;
    return (
      `<rect ${place} fill="#fff" stroke="#ddd"/><image ${place} style="image-rendering:pixelated" href="${await pictureUrl(lines.codebook.decode(codes))}"/>` +
      `<text x="${x + side / 2}" y="${y + side + LETTERS - 3}" text-anchor="middle">${words.join(' ') || 'anything'}</text>`
    );
  });
  const [width, height] = [columns * step + GAP, Math.ceil(things.length / columns) * (step + LETTERS) + GAP];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="10">${(await Promise.all(cells)).join('')}</svg>`;
}

/** A picture by itself as a data: URL. */
async function pictureUrl(picture: Uint8Array): Promise<string> {
  const rgba = new Uint8Array(SIDE * SIDE * 4).fill(255);
  for (let i = 0; i < SIDE * SIDE; i++) rgba.set(picture.subarray(3 * i, 3 * i + 3), 4 * i);
  const png = await pngBytes({ width: SIDE, height: SIDE, rgba });
  return `data:image/png;base64,${png.toString('base64')}`;
}
