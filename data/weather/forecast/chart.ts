/** Line charts as SVG that stands by itself: a page shows it as an image, to which its style sheet does not reach. */

import { largest, smallest } from '../../../src/numbers.ts';
import { Html, html } from '../../../src/report/html.ts';
import { range } from './series.ts';

/** Colours that are told apart by those who do not see all of them (Okabe and Ito, 2008). */
export const COLOURS = {
  truth: '#000000',
  model: '#0072b2',
  other: '#d55e00',
  green: '#009e73',
  pink: '#cc79a7',
  grey: '#888888',
  gold: '#b8860b',
} as const;

export interface Line {
  /** Undefined where it needs none. */
  readonly name?: string;
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly dashes?: string;
  /** 1 unless given. */
  readonly opacity?: number;
}

export interface LineChart {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly x: string;
  readonly y: string;
  /** A vertical line with a word. */
  readonly mark?: { readonly at: number; readonly word: string };
  /** Places of the horizontal axis that are labelled: each whole number unless given. */
  readonly ticks?: readonly number[];
}

export const CHART = { width: 640, height: 320 } as const;
const MARGIN = { left: 48, right: 170, top: 30, bottom: 40 };
const NAME_HEIGHT = 15;
export const FONT = 'font-family="system-ui,Helvetica,Arial,sans-serif" font-size="12"';

/** A step of 1, 2 or 5 times a power of ten that cuts a range into about five. */
function stepOf(span: number): number {
  const rough = span / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5].find((times) => times * power >= rough) ?? 10) * power;
}

/** SVG that is written here, and not escaped. */
export const raw = (text: string): Html => new Html(text);

/** Pixels, to a tenth. */
const px = (value: number): number => Math.round(10 * value) / 10;

/** The chart as an SVG element, its upper left corner at (0, `top`) of the picture that it is a part of. */
export function chartAt({ title, lines, x, y, mark, ticks }: LineChart, top = 0): Html {
  const xs = lines.flatMap(({ points }) => points.map((point) => point[0]));
  const ys = lines.flatMap(({ points }) => points.map((point) => point[1]));
  const step = stepOf(largest(ys) - smallest(ys) || 1);
  const [low, high] = [Math.floor(smallest(ys) / step) * step, Math.ceil(largest(ys) / step) * step || step];
  const [first, last] = [smallest(xs), largest(xs)];
  const { left, right, top: above, bottom } = MARGIN;
  const atX = (value: number): number => left + ((value - first) / (last - first || 1)) * (CHART.width - left - right);
  const atY = (value: number): number => above + ((high - value) / (high - low || 1)) * (CHART.height - above - bottom);
  const levels = range(0, Math.round((high - low) / step) + 1).map((i) => low + i * step);
  const places = ticks ?? range(Math.ceil(first), Math.floor(last) + 1);
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  return html`<g transform="translate(0 ${top})" ${raw(FONT)}><text x="${left}" y="16" font-weight="600">${title}</text>
${levels.map((level) => html`<path d="M${left} ${px(atY(level))}H${CHART.width - right}" stroke="#e4e4e4"/><text x="${left - 6}" y="${px(atY(level) + 4)}" text-anchor="end">${level.toFixed(digits)}</text>`)}
${places.map((place) => html`<text x="${px(atX(place))}" y="${CHART.height - bottom + 16}" text-anchor="middle">${place}</text>`)}
<text x="${(left + CHART.width - right) / 2}" y="${CHART.height - 6}" text-anchor="middle">${x}</text><text x="${left}" y="28" fill="#666">${y}</text>
${mark && html`<path d="M${px(atX(mark.at))} ${above}V${CHART.height - bottom}" stroke="#999" stroke-dasharray="3 3"/><text x="${px(atX(mark.at) - 4)}" y="${above + 10}" text-anchor="end" fill="#666">${mark.word}</text>`}
${lines.map((line) => html`<path d="${line.points.map(([px0, py0], i) => `${i === 0 ? 'M' : 'L'}${px(atX(px0))} ${px(atY(py0))}`).join('')}" fill="none" stroke="${line.colour}" stroke-width="1.8"${line.dashes && raw(` stroke-dasharray="${line.dashes}"`)}${line.opacity !== undefined && raw(` stroke-opacity="${line.opacity}"`)}/>`)}
${namesOf(lines, atY)}</g>`;
}

/** Names at the ends of lines, moved apart. */
function namesOf(lines: readonly Line[], atY: (value: number) => number): Html[] {
  const ends = lines.flatMap(({ name, colour, points }) =>
    name === undefined ? [] : [{ name, colour, at: atY(points[points.length - 1][1]) }],
  );
  ends.sort((a, b) => a.at - b.at);
  let above = Number.NEGATIVE_INFINITY;
  return ends.map(({ name, colour, at }, i) => {
    const most = CHART.height - MARGIN.bottom - NAME_HEIGHT * (ends.length - 1 - i);
    above = Math.max(above + NAME_HEIGHT, Math.min(at, most));
    return html`<text x="${CHART.width - MARGIN.right + 8}" y="${px(above + 4)}" fill="${colour}">${name}</text>`;
  });
}

/** A picture of some height with what stands in it. */
export const picture = (height: number, parts: readonly Html[], width: number = CHART.width): string =>
  html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"><rect width="${width}" height="${height}" fill="#fff"/>${parts}</svg>`
    .text;

/** Charts one under the other. */
export const charts = (all: readonly LineChart[]): string =>
  picture(
    CHART.height * all.length,
    all.map((one, i) => chartAt(one, i * CHART.height)),
  );
