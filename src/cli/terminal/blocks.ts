/** Pictures in the terminal: each character is two pixels, one above the other, in its two colours. */
import type { Picture } from '../../node/png.ts';
import type { Terminal } from './terminal.ts';

/** The upper half of a character cell, in the colour of letters; the lower half has that of the ground. */
const HALF = '▀';
const RESET = '\x1b[0m';

/** Levels of each colour in the cube of 216 that terminals with 256 colours have, from number 16 on. */
const CUBE = 6;

type Colour = readonly [red: number, green: number, blue: number];

/** Whether a terminal says that it has 24 bits of colour (https://github.com/termstandard/colors). */
const isTrueColour = ({ COLORTERM = '' }: NodeJS.ProcessEnv): boolean => /^(truecolor|24bit)$/.test(COLORTERM);

/** A picture in half blocks, as wide as the terminal at most and no wider than it is; undefined where there are no colours. */
export function pictureInBlocks(
  picture: Picture,
  { width, color }: Pick<Terminal, 'width' | 'color'>,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  if (!color) return undefined;
  const columns = Math.max(1, Math.min(width, picture.width));
  const rows = Math.max(1, Math.round((picture.height * columns) / picture.width));
  const at = (x: number, y: number): Colour => (y < rows ? meanColour(picture, x, y, columns, rows) : [255, 255, 255]);
  const code = isTrueColour(env) ? direct : indexed;
  const lines = Array.from({ length: Math.ceil(rows / 2) }, (_, line) =>
    Array.from(
      { length: columns },
      (_, x) => `\x1b[38;${code(at(x, 2 * line))};48;${code(at(x, 2 * line + 1))}m${HALF}`,
    ).join(''),
  );
  return lines.map((line) => `${line}${RESET}\n`).join('');
}

const direct = (colour: Colour): string => `2;${colour.join(';')}`;

function indexed(colour: Colour): string {
  const [red, green, blue] = colour.map((part) => Math.round((part / 255) * (CUBE - 1)));
  return `5;${16 + (red * CUBE + green) * CUBE + blue}`;
}

/** The mean of the pixels that one of columns x rows covers, over white. */
function meanColour(
  { width, height, rgba }: Picture,
  column: number,
  row: number,
  columns: number,
  rows: number,
): Colour {
  const [left, right] = range(column, columns, width);
  const [top, bottom] = range(row, rows, height);
  const sums = [0, 0, 0];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const pixel = (y * width + x) * 4;
      for (let c = 0; c < 3; c++) sums[c] += 255 - ((255 - rgba[pixel + c]) * rgba[pixel + 3]) / 255;
    }
  }
  const [red, green, blue] = sums.map((sum) => Math.round(sum / ((bottom - top) * (right - left))));
  return [red, green, blue];
}

/** Pixels of a side that the `index`-th of so many covers: one at least. */
function range(index: number, of: number, side: number): [number, number] {
  const from = Math.min(side - 1, Math.floor((index * side) / of));
  return [from, Math.max(from + 1, Math.floor(((index + 1) * side) / of))];
}
