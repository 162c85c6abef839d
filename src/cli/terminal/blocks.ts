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

/**
 * A picture in half blocks, no larger than it is and than the terminal, of whose rows it leaves one; undefined where there are no colours.
 * A line end stands behind each row.
 */
export function pictureInBlocks(
  picture: Picture,
  { width, height = Number.POSITIVE_INFINITY, color }: Pick<Terminal, 'width' | 'height' | 'color'>,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  if (!color) return undefined;
  const highest = Math.floor((2 * Math.max(1, height - 1) * picture.width) / picture.height);
  const columns = Math.max(1, Math.min(width, picture.width, highest));
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

/** Between two states of a picture that grows; more often is flicker. */
const INTERVAL_MS = 50;

/** A picture in the terminal, each state of which is drawn over the one before. */
export class GrowingPicture {
  private rows = 0;
  private drawnAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly terminal: Pick<Terminal, 'width' | 'height' | 'color'>,
    private readonly write: (text: string) => unknown,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Draws a state, unless the last one is too new, or there are no colours. */
  async grow(state: () => Promise<Picture>): Promise<void> {
    if (this.terminal.color && this.now() - this.drawnAt >= INTERVAL_MS) this.draw(await state());
  }

  /** Draws a state in any case. */
  draw(picture: Picture): void {
    const blocks = pictureInBlocks(picture, this.terminal);
    if (blocks === undefined) return;
    this.write(this.rows > 0 ? `\x1b[${this.rows}A${blocks}` : blocks);
    this.rows = blocks.split('\n').length - 1;
    this.drawnAt = this.now();
  }
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
