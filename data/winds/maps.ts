/** Maps of winds as SVG: bands of colour, a path each, so that a map of ten thousand cells stays small. */
import { type Html, html } from '../../src/report/html.ts';
import { FONT, picture, raw } from '../weather/forecast/chart.ts';
import { range } from '../weather/forecast/series.ts';
import { CELLS, COLUMNS, ROWS } from './fields.ts';

/** Metres a second of a band; as many on each side of the middle one, the last ones open. */
const BAND = 1;
const SIDES = 6;
/** From cold to warm through white (RdBu of ColorBrewer, interpolated). */
const COLOURS = [
  '#053061',
  '#1f5d9b',
  '#3b89be',
  '#73b2d4',
  '#aed3e6',
  '#dcebf3',
  '#f7f7f7',
  '#fbe3d4',
  '#f9bfa0',
  '#e98b6d',
  '#d05548',
  '#b01f30',
  '#67001f',
];

/** A map, with what it shows. */
export interface WindMap {
  readonly title: string;
  /** (NUMBERS): its eastward half is drawn. */
  readonly field: ArrayLike<number>;
}

/** Pixels of a cell, of a map with its title, and of what stands below all. */
const CELL = 2.5;
const MAP = { width: COLUMNS * CELL, height: ROWS * CELL + 22 };
const GAP = 8;
const LEGEND = 34;

const bandOf = (value: number): number => SIDES + Math.max(-SIDES, Math.min(SIDES, Math.round(value / BAND)));

/** The bands of a map: of each, its cells as runs along the rows, in cells from the upper left corner. */
function bandsOf(field: ArrayLike<number>): string[] {
  const paths = COLOURS.map(() => '');
  for (const row of range(0, ROWS)) {
    const y = ROWS - 1 - row;
    for (let from = 0; from < COLUMNS; ) {
      const band = bandOf(field[row * COLUMNS + from]);
      let end = from + 1;
      while (end < COLUMNS && bandOf(field[row * COLUMNS + end]) === band) end++;
      paths[band] += `M${from} ${y}h${end - from}v1h${from - end}`;
      from = end;
    }
  }
  return paths;
}

function mapAt({ title, field }: WindMap, x: number, y: number): Html {
  const paths = bandsOf(field).map((path, band) => path && html`<path d="${path}" fill="${COLOURS[band]}"/>`);
  return html`<g transform="translate(${x} ${y})"><text y="14" ${raw(FONT)}>${title}</text>
<g transform="translate(0 20) scale(${CELL})" shape-rendering="crispEdges">${paths.filter((path) => path !== '')}<use href="#coast"/></g>
<rect y="20" width="${MAP.width}" height="${ROWS * CELL}" fill="none" stroke="#999"/></g>`;
}

function legend(y: number): Html {
  const width = 22;
  return html`<g transform="translate(0 ${y})" ${raw(FONT)}>${COLOURS.map((colour, i) => {
    const value = (i - SIDES) * BAND;
    return html`<rect x="${i * width}" width="${width}" height="10" fill="${colour}"/>${i % 2 === 0 && html`<text x="${(i + 0.5) * width}" y="22" text-anchor="middle" font-size="10">${value}</text>`}`;
  })}<text x="${COLOURS.length * width + 8}" y="10">m/s of eastward wind above (red) or below (blue) what is usual</text></g>`;
}

/** Rows of maps as one picture. `coast`: see `coastOf` */
export function drawMaps(rows: readonly (readonly WindMap[])[], coast: string): string {
  const across = rows.reduce((most, { length }) => Math.max(most, length), 1);
  const step = MAP.height + GAP;
  const outline = html`<defs><path id="coast" d="${coast}" fill="none" stroke="#333" stroke-width="0.35"/></defs>`;
  const parts = rows.flatMap((row, r) => row.map((one, c) => mapAt(one, c * (MAP.width + GAP), r * step)));
  return picture(
    rows.length * step + LEGEND,
    [outline, ...parts, legend(rows.length * step)],
    across * (MAP.width + GAP),
  );
}

/** Mean of fields. */
export function meanField(fields: readonly ArrayLike<number>[]): Float32Array {
  const sum = new Float32Array(2 * CELLS);
  for (const field of fields) for (let p = 0; p < sum.length; p++) sum[p] += field[p] / fields.length;
  return sum;
}
