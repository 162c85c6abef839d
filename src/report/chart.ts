/** A line chart over steps as inline SVG: axes with round ticks, curves, their names at their ends, and marks. */
import { figure } from './format.ts';
import { CHARACTER_WIDTH, drawAxes, type Frame, makeFrame, px } from './frame.ts';
import { type Html, html } from './html.ts';
import type { Point } from './series.ts';

export interface Curve {
  readonly name: string;
  /** Class that the page's style gives a colour: `training`, `validation`. */
  readonly tone: string;
  readonly points: readonly Point[];
  /** What the values spread over, shaded behind. */
  readonly band?: readonly { readonly step: number; readonly low: number; readonly high: number }[];
  /** The unsmoothed values, drawn faintly behind. */
  readonly raw?: readonly Point[];
  /** Whether single measurements are marked by dots. */
  readonly dots?: boolean;
}

export interface Chart {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  /** Says in a sentence what is to be seen, for those who do not see it. */
  readonly description: string;
  readonly curves: readonly Curve[];
  /** The range that the vertical axis must show; it is rounded outwards, and what lies beyond is cut off. */
  readonly range: readonly [low: number, high: number];
  /** How values are written when pointed at. */
  readonly format?: (value: number) => string;
  readonly best?: Point & { readonly label: string };
  /** Dotted horizontal lines, those that lie within the range; named at the right and the left in turn. */
  readonly levels?: readonly { readonly value: number; readonly label: string }[];
  /** Steps at which something ended, dashed vertical lines. */
  readonly breaks?: readonly { readonly step: number; readonly label: string }[];
  /** Of the horizontal axis. `log2`: equal distances for each doubling, ticks where something was measured; else linear from 0. */
  readonly scale?: 'log2';
  /** What the horizontal axis counts; "step" unless given. */
  readonly unit?: string;
}

export interface Size {
  readonly width: number;
  readonly height: number;
  /** Room at the right for the curves' names; 0 leaves the names out. */
  readonly names: number;
}

/** The chart at one size. Pages hold it at two, for wide and for narrow screens, so that its letters keep their size. */
export function drawChart(chart: Chart, size: Size): Html {
  const frame = makeFrame(chart, size);
  const { left, right, top, bottom } = frame;
  const id = `${chart.id}-${size.width}`;
  return html`<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-labelledby="${id}-title ${id}-desc"
 data-chart="${JSON.stringify(pointerData(chart, frame))}">
<title id="${id}-title">${chart.title}</title><desc id="${id}-desc">${chart.description}</desc>
<clipPath id="${id}-clip"><rect x="${left}" y="${top - 6}" width="${right - left + 6}" height="${bottom - top + 7}"/></clipPath>
${drawAxes(frame)}<g clip-path="url(#${id}-clip)">${chart.curves.map((curve) => drawCurve(curve, frame))}</g>
${chart.levels?.map((one, i) => drawLevel(one, i, frame))}${chart.breaks?.map((one) => drawBreak(one, frame))}
${chart.best && drawBest(chart.best, frame)}${size.names > 0 && drawNames(chart, frame)}
<g class="pointer" hidden></g></svg>`;
}

const path = (points: readonly Point[], { x, y }: Frame): string =>
  points.map(({ step, value }, i) => `${i === 0 ? 'M' : 'L'}${px(x(step))} ${px(clampPixel(y(value)))}`).join('');

/** Exploded values lie far outside of the picture; renderers overflow on their coordinates. */
const clampPixel = (pixel: number): number => Math.min(1e4, Math.max(-1e4, pixel));

function drawCurve({ tone, points, band, raw, dots }: Curve, frame: Frame): Html {
  const dot = ({ step, value }: Point): Html =>
    html`<circle class="${tone} dot" cx="${px(frame.x(step))}" cy="${px(clampPixel(frame.y(value)))}" r="2.5"/>`;
  return html`${band && html`<path class="${tone} band" d="${bandPath(band, frame)}"/>`}
${raw && html`<path class="${tone} raw" d="${path(raw, frame)}"/>`}
<path class="${tone}" d="${path(points, frame)}"/>${(dots || points.length === 1) && points.map(dot)}`;
}

/** Along the upper edge and back along the lower one. */
function bandPath(band: NonNullable<Curve['band']>, frame: Frame): string {
  const upper = band.map(({ step, high }) => ({ step, value: high }));
  const lower = band.map(({ step, low }) => ({ step, value: low })).reverse();
  return `${path([...upper, ...lower], frame)}Z`;
}

function drawLevel(
  { value, label }: { value: number; label: string },
  place: number,
  { left, right, yTicks, y }: Frame,
): Html | false {
  if (value < yTicks[0] || value > yTicks.at(-1)!) return false;
  const at = px(y(value));
  return html`<g class="level"><line x1="${left}" x2="${right}" y1="${at}" y2="${at}"/>
<text x="${place % 2 ? left + 4 : right - 4}" y="${at - 6}" text-anchor="${place % 2 ? 'start' : 'end'}">${label}</text></g>`;
}

function drawBreak({ step, label }: { step: number; label: string }, { left, right, top, bottom, x }: Frame): Html {
  const at = px(x(step));
  const anchor = at > (left + right) / 2 ? 'end' : 'start';
  return html`<g class="break"><line x1="${at}" x2="${at}" y1="${top}" y2="${bottom}"/>
<text x="${anchor === 'end' ? at - 6 : at + 6}" y="${top + 12}" text-anchor="${anchor}">${label}</text></g>`;
}

/** A ring around the best point, named above it, where a falling curve leaves room, and kept within the plot. */
function drawBest({ step, value, label }: Point & { label: string }, { left, right, top, x, y }: Frame): Html {
  const [cx, cy] = [px(x(step)), px(y(value))];
  const half = (label.length * CHARACTER_WIDTH) / 2;
  const at = px(Math.min(right - half, Math.max(left + half, cx)));
  return html`<g class="best"><circle cx="${cx}" cy="${cy}" r="5.5"/>
<line x1="${cx}" x2="${cx}" y1="${cy - 8}" y2="${Math.max(top + 14, cy - 22)}"/>
<text x="${at}" y="${Math.max(top + 10, cy - 27)}" text-anchor="middle">${label}</text></g>`;
}

/** Two lines of text at the end of each curve, its name and its last value, moved apart where curves end close together. */
const NAME_HEIGHT = 34;

function drawNames({ curves, format = figure }: Chart, { right, top, bottom, y }: Frame): Html {
  const ends = curves.flatMap(({ name, tone, points }) => {
    const last = points.at(-1);
    return last ? [{ name, tone, value: last.value, at: Math.min(bottom, Math.max(top, y(last.value))) }] : [];
  });
  ends.sort((a, b) => a.at - b.at);
  const lowest = bottom - NAME_HEIGHT / 2;
  let floor = lowest - NAME_HEIGHT * (ends.length - 1);
  let above = Number.NEGATIVE_INFINITY;
  const placed = ends.map((end) => {
    const at = Math.max(above + NAME_HEIGHT, Math.min(floor, end.at));
    floor += NAME_HEIGHT;
    above = at;
    return { ...end, at };
  });
  return html`<g class="names">${placed.map(
    ({ name, tone, value, at }) => html`<text class="${tone}" x="${right + 12}" y="${px(at)}">${name}
<tspan x="${right + 12}" dy="15">${format(value)}</tspan></text>`,
  )}</g>`;
}

/** What the page's script needs to answer the pointer: the plot's place, and every curve's points. */
function pointerData({ curves, unit = 'step', format = figure }: Chart, frame: Frame): object {
  const { left, right, top, bottom, yTicks, x, y } = frame;
  return {
    plot: [left, right, top, bottom].map(px),
    unit,
    curves: curves.map(({ name, tone, points }) => ({
      name,
      tone,
      steps: points.map(({ step }) => step),
      x: points.map(({ step }) => px(x(step))),
      y: points.map(({ value }) => px(y(Math.min(yTicks.at(-1)!, Math.max(yTicks[0], value))))),
      labels: points.map(({ value }) => format(value)),
    })),
  };
}
