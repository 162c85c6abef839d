/** Files of users: pictures as PNG, whole or in part, and texts of lines as the domain's own. */
import { readFile } from 'node:fs/promises';
import { UserError } from '../../src/errors.ts';
import { errorCode } from '../../src/node/files.ts';
import { type Picture, readPng } from '../../src/node/png.ts';
import { short } from '../../src/quote.ts';
import type { Lines } from './lines.ts';
import { SIDE } from './paint.ts';
import { GRID, PATCH } from './patches.ts';

/**
 * Codes of the rows of patches that a file holds: a picture as wide as those of the domain, or a multiple of it, in which what is still to be
 * drawn is missing or transparent.
 * @throws UserError for a file that is no such picture, and for one with nothing to go on from or nothing left to draw
 */
export async function readBeginning(lines: Lines, file: string): Promise<string> {
  const { rows, picture } = await readShrunk(file);
  const whole = Math.floor(rows / PATCH);
  if (whole === 0) {
    throw new UserError(`${file} holds ${rows} rows of a picture, but ${PATCH} or more are needed to go on from.`);
  }
  if (whole >= GRID) {
    throw new UserError(
      `${file} is a whole picture, of which nothing is left to be drawn: cut its lower part off, or make it transparent.`,
    );
  }
  return lines.spell(lines.codebook.encode(picture).slice(0, whole * GRID));
}

/**
 * A picture as a line of which nothing is told; or a text of such lines as it is, checked.
 * @throws UserError for a file that is neither, with the line that is none
 */
export async function readPictures(lines: Lines, file: string): Promise<string> {
  if (/\.png$/i.test(file)) {
    const { picture } = await readShrunk(file);
    return `${lines.line({}, lines.codebook.encode(picture))}\n`;
  }
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new UserError(`${file} cannot be read (${errorCode(cause)}): name a PNG file, or a text of pictures.`, {
      cause,
    });
  });
  const all = text.replace(/\n$/, '').split('\n');
  const wrong = all.findIndex((line) => !lines.holds(line));
  if (wrong < 0) return `${all.join('\n')}\n`;
  throw new UserError(
    `${file}, line ${wrong + 1} is no picture (four words, a colon and ${GRID * GRID} codes were expected): ${short(all[wrong])}. Name a PNG file, or a text of such lines.`,
  );
}

/** @throws UserError for what is no PNG file, or one of another width */
async function readShrunk(file: string): Promise<ReturnType<typeof shrunk>> {
  const given = await readPng(file);
  if (given.width % SIDE === 0) return shrunk(given);
  throw new UserError(
    `${file} is ${given.width} pixels wide, but a picture of ${SIDE}, or a multiple of it, was expected: scale it.`,
  );
}

/** A picture in the domain's size over white, and how many of its rows are there: those above the last that shows something. */
function shrunk({ width, height, rgba }: Picture): { rows: number; picture: Uint8Array } {
  const zoom = width / SIDE;
  const most = Math.min(SIDE, Math.floor(height / zoom));
  const picture = new Uint8Array(SIDE * SIDE * 3).fill(255);
  let rows = 0;
  for (let y = 0; y < most; y++) {
    for (let x = 0; x < SIDE; x++) {
      const [red, green, blue, opacity] = meanOf(rgba, width, x * zoom, y * zoom, zoom);
      if (opacity > 0) rows = y + 1;
      const over = (part: number): number => Math.round(255 - (255 - part) * (opacity / 255));
      picture.set([red, green, blue].map(over), (y * SIDE + x) * 3);
    }
  }
  return { rows, picture };
}

/** Mean colour and opacity of a square of pixels. */
function meanOf(rgba: Uint8Array, width: number, left: number, top: number, side: number): number[] {
  const sums = [0, 0, 0, 0];
  for (let y = top; y < top + side; y++) {
    for (let x = left; x < left + side; x++) {
      for (let c = 0; c < 4; c++) sums[c] += rgba[(y * width + x) * 4 + c];
    }
  }
  return sums.map((sum) => sum / side ** 2);
}
