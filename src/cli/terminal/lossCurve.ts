/** The loss of a run as a picture of characters: the training curve in braille dots, validations as marks on it. */
import { largest } from '../../numbers.ts';
import { loss } from '../../report/format.ts';
import type { LogRecord } from '../../report/logRecord.ts';
import { lossRange, lowest, type Point, sampleEvenly, seriesOf, smooth } from '../../report/series.ts';
import { type Paint, painter } from './terminal.ts';
import { niceTicks, tickLabels } from './ticks.ts';

/** A braille character holds two dots across and four down; these are their bits, row by row. */
const DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;
const MARK = '•';

/** Beneath the plot: the axis, its labels and the legend. */
const LINES_BELOW = 3;
const SMALLEST = { width: 30, height: LINES_BELOW + 3 };

/** The plot in characters, and which part of the run it shows. */
interface Grid {
  readonly columns: number;
  readonly rows: number;
  readonly lastStep: number;
  /** Loss at the bottom row and at the top row. */
  readonly range: readonly [low: number, high: number];
  readonly ticks: readonly number[];
}

/**
 * Training loss (smoothed) and validation loss by step, in at most `width` columns and `height` lines, at least 30 and 6.
 * Nothing to show is an empty string.
 */
export function lossCurve(log: readonly LogRecord[], width: number, height: number, color = false): string {
  const training = smooth(seriesOf(log, 'loss'));
  const validation = seriesOf(log, 'validationLoss');
  if (training.length + validation.length === 0) return '';
  const paint = painter(color);
  const rows = Math.max(SMALLEST.height, height) - LINES_BELOW;
  const range = drawnRange(training, validation);
  const ticks = ticksWithin(range, Math.max(2, Math.round(rows / 2.5)));
  const gutter = largest(tickLabels(ticks).map((label) => label.length)) + 2;
  const columns = Math.max(SMALLEST.width, width) - gutter;
  const lastStep = Math.max(1, training.at(-1)?.step ?? 0, validation.at(-1)?.step ?? 0);
  const grid = { columns, rows, lastStep, range, ticks };
  const plot = drawPlot(grid, training, validation, paint);
  const labels = rowLabels(grid);
  const lines = plot.map((line, row) => {
    const label = labels.get(row);
    return paint('faint', `${(label ?? '').padStart(gutter - 2)} ${label ? '┤' : '│'}`) + line;
  });
  const margin = ' '.repeat(gutter);
  return [...lines, ...stepAxis(grid, gutter, paint), margin + legend(grid, training, validation, paint)].join('\n');
}

/** The losses' own range, for rows are few; where all are the same, the ticks around them. */
function drawnRange(training: readonly Point[], validation: readonly Point[]): readonly [number, number] {
  const [low, high] = lossRange(training, validation);
  if (high - low > 1e-6 * Math.abs(high)) return [low, high];
  const around = niceTicks(low, high, 2);
  return [around[0], around.at(-1)!];
}

/** Round numbers inside of the range: two at least, with more of them where too few fall inside. */
function ticksWithin([low, high]: readonly [number, number], wanted: number): number[] {
  const ticks = niceTicks(low, high, wanted).filter((tick) => tick >= low && tick <= high);
  return ticks.length >= 2 ? ticks : ticksWithin([low, high], 2 * wanted);
}

/** Row of a value, in fractions: 0 is the middle of the top row, rows - 1 that of the bottom one. */
function rowOf(value: number, { rows, range: [low, high] }: Grid): number {
  return (1 - (Math.min(high, Math.max(low, value)) - low) / (high - low)) * (rows - 1);
}

const columnOf = (step: number, { columns, lastStep }: Grid): number => (step / lastStep) * (columns - 1);

function drawPlot(grid: Grid, training: readonly Point[], validation: readonly Point[], paint: Paint): string[] {
  const cells = Array.from({ length: grid.rows }, () => new Uint8Array(grid.columns));
  drawCurve(cells, grid, sampleEvenly(training, 4 * grid.columns));
  const marks = new Set(
    validation.map(({ step, value }) => `${Math.round(rowOf(value, grid))} ${Math.round(columnOf(step, grid))}`),
  );
  return cells.map((row, r) => {
    const line = Array.from(row, (bits, c) => (marks.has(`${r} ${c}`) ? MARK : bits ? dotsOf(bits) : ' ')).join('');
    return line
      .trimEnd()
      .replace(/•+|[\u2800-\u28ff]+/g, (run) => paint(run[0] === MARK ? 'validation' : 'training', run));
  });
}

const dotsOf = (bits: number): string => String.fromCharCode(0x2800 + bits);

/** Joins the points by straight lines of dots. */
function drawCurve(cells: readonly Uint8Array[], grid: Grid, points: readonly Point[]): void {
  const dotAt = ({ step, value }: Point): [x: number, y: number] => [
    Math.round(columnOf(step, grid) * 2 + 0.5),
    Math.round(rowOf(value, grid) * 4 + 1.5),
  ];
  points.forEach((point, i) => {
    const [fromX, fromY] = dotAt(points[Math.max(0, i - 1)]);
    const [toX, toY] = dotAt(point);
    const length = Math.max(1, Math.abs(toX - fromX), Math.abs(toY - fromY));
    for (let k = 0; k <= length; k++) {
      const x = Math.round(fromX + ((toX - fromX) * k) / length);
      const y = Math.round(fromY + ((toY - fromY) * k) / length);
      cells[y >> 2][x >> 1] |= DOTS[y & 3][x & 1];
    }
  });
}

/** Which rows carry which label; of two ticks that meet in a row the higher one is written. */
function rowLabels(grid: Grid): Map<number, string> {
  const labels = tickLabels(grid.ticks);
  return new Map(grid.ticks.map((tick, i) => [Math.round(rowOf(tick, grid)), labels[i]]));
}

/** Columns that a label on the axis of steps takes with the space around it. */
const STEP_LABEL_WIDTH = 12;

function stepAxis(grid: Grid, gutter: number, paint: Paint): [string, string] {
  const wanted = Math.max(2, Math.floor(grid.columns / STEP_LABEL_WIDTH));
  const ticks = niceTicks(0, grid.lastStep, wanted).filter((tick) => tick <= grid.lastStep);
  const axis = Array.from({ length: grid.columns }, () => '─');
  let labels = '';
  tickLabels(ticks).forEach((label, i) => {
    const column = Math.round(columnOf(ticks[i], grid));
    axis[column] = '┬';
    const start = Math.min(grid.columns - label.length, Math.max(0, column - Math.floor(label.length / 2)));
    if (start >= labels.length + (i === 0 ? 0 : 1)) labels = labels.padEnd(start) + label;
  });
  const margin = ' '.repeat(gutter);
  return [paint('faint', `${margin.slice(1)}└${axis.join('')}`), paint('faint', `${margin}${labels}`)];
}

/** The last losses and the best one, as far as there is room: the validation loss stays longest. */
function legend({ columns }: Grid, training: readonly Point[], validation: readonly Point[], paint: Paint): string {
  const best = lowest(validation);
  const last = validation.at(-1);
  const entries: ['training' | 'validation', string][] = [];
  if (training.length) entries.push(['training', `⠒⠒ training ${loss(training.at(-1)!.value)}   `]);
  if (last) entries.push(['validation', `${MARK} validation ${loss(last.value)}`]);
  if (best && last && best.step < last.step) {
    entries.push(['validation', `, best ${loss(best.value)} at step ${best.step.toLocaleString('en')}`]);
  }
  const length = (): number => entries.reduce((sum, [, text]) => sum + text.length, 0);
  if (length() > columns && entries.length > 2) entries.pop();
  if (length() > columns && entries.length > 1) entries.shift();
  return entries
    .map(([style, text]) => paint(style, text))
    .join('')
    .trimEnd();
}
