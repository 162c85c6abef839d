/**
 * Line charts over steps as SVG text, drawn by Observable Plot into a document of linkedom. Both take about a second to load, so
 * programs import a report when they write one and not before.
 */

import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom/worker';
import { largest, smallest } from '../numbers.ts';
import { count, exact, figure } from './format.ts';
import { Html, html } from './html.ts';
import { type Point, sampleEvenly } from './series.ts';

export interface Curve {
  readonly name: string;
  /** Colour, by the name that it has in the page's style: `training` is var(--training). */
  readonly tone: string;
  readonly points: readonly Point[];
  /** What the values spread over, shaded behind. */
  readonly band?: readonly { readonly step: number; readonly low: number; readonly high: number }[];
  /** The unsmoothed values, faint behind. */
  readonly raw?: readonly Point[];
  /** As SVG's stroke-dasharray, where colours alone do not tell curves apart. */
  readonly dashes?: string;
}

export interface Chart {
  readonly title: string;
  readonly curves: readonly Curve[];
  /** What the vertical axis must show; it is rounded outwards, and what lies beyond is drawn at its edge. */
  readonly range: readonly [low: number, high: number];
  /** How values are written at the ends of curves and when pointed at. */
  readonly format?: (value: number) => string;
  /** What the horizontal axis counts; "step" unless given. */
  readonly unit?: string;
  /** Of the horizontal axis: `log2` has equal distances for each doubling, `log10` for each tenfold; else it is linear from 0. */
  readonly scale?: 'log2' | 'log10';
  /** Labels in the picture: at a value a dotted horizontal line, at a step a dashed vertical one, at both a ring. */
  readonly notes?: readonly Note[];
}

type Note = Partial<Point> & { readonly label: string };

/** In CSS pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
  /** Room at the right for the curves' names; 0 leaves the names out. */
  readonly names: number;
}

/** Points of a drawn curve: as many as the eye can tell apart. */
const MOST_POINTS = 400;
/** Beyond this many, measurements are a line without dots. */
const MOST_DOTS = 40;
/** Two lines of text at the end of a curve: its name and its last value. */
const NAME_HEIGHT = 34;
const STEP = { x: 'step', y: 'value' };

const { document } = parseHTML('<html>');

/** A plot as SVG with letters of 12 pixels. The same options give the same bytes. */
export function drawPlot(options: Plot.PlotOptions, label: string): Html {
  const plot = Plot.plot({ ...options, document: document as unknown as Document });
  plot.querySelector('style')?.remove(); // the page has its own
  return html`<svg viewBox="0 0 ${options.width} ${options.height}" role="img" aria-label="${label}" fill="currentColor"
 text-anchor="middle">${new Html(plot.innerHTML)}</svg>`;
}

/** The chart at one size. Pages hold it at two, for wide and for narrow screens, so that its letters keep their size. */
export function drawChart(whole: Chart, { width, height, names }: Size): Html {
  const chart = { ...whole, curves: whole.curves.filter(({ points }) => points.length > 0) };
  const margins = { marginLeft: 52, marginRight: Math.max(names, 14), marginTop: 14, marginBottom: 26 };
  const y = vertical(chart, [height - margins.marginBottom, margins.marginTop]);
  const marks = [
    Plot.frame({ anchor: 'bottom', strokeOpacity: 0.6 }),
    chart.curves.map((curve) => curveMarks(curve, chart)),
    chart.notes?.map((note, i) => noteMarks(note, i, chart)),
    names > 0 ? nameMarks(chart, Plot.scale({ y })) : [],
  ];
  const options = { width, height, ...margins, x: horizontal(chart), y, marks };
  return drawPlot(options, inWords(chart));
}

/** For those who do not see it: where each curve begins and ends, and what is noted. */
function inWords({ title, curves, notes = [], unit = 'step', format = figure }: Chart): string {
  const place = ({ step, value }: Point): string => `${format(value)} at ${unit} ${along(step)}`;
  const ends = curves.map(({ name, points }) => `${name} from ${place(points[0])} to ${place(points.at(-1)!)}`);
  return [title, ...ends, ...notes.map(({ label }) => label)].join('; ');
}

/** A place on the horizontal axis: counts in full, parts of 1 short. */
const along = (step: number): string => (step > 0 && step < 1 ? figure(step) : exact(step));

const lastStep = ({ curves, notes = [] }: Chart): number =>
  largest([1, ...notes.map(({ step = 0 }) => step), ...curves.map(({ points }) => points.at(-1)?.step ?? 0)]);

function horizontal(chart: Chart): Plot.ScaleOptions {
  const axis = { label: null, tickSpacing: 60 };
  if (chart.scale === 'log2') return { ...axis, type: 'log', base: 2, inset: 16 };
  const ticks = chart.scale && powersBelowOne(chart);
  if (ticks) return { ...axis, type: 'log', base: 10, inset: 16, ticks, tickFormat: figure };
  if (chart.scale) return { ...axis, type: 'log', base: 10, inset: 16, tickFormat: powers };
  const tickFormat = (step: number): string => (Number.isInteger(step) ? count(step) : '');
  return { ...axis, tickFormat, domain: [0, lastStep(chart)] };
}

/** Of a scale by tens, the ticks that say where one is: 1, 2 and 5 of each ten. */
const powers = (value: number): string =>
  [1, 2, 5].includes(Number(value.toExponential(0)[0])) ? (value < 1e6 ? count(value) : shortPower(value)) : '';

/** 2,000,000 -> "2e6". */
const shortPower = (value: number): string => value.toExponential(0).replace('+', '');

/** Of a scale that begins below 1, the powers of ten that it reaches: Plot's own ticks lose their labels to rounding there. */
function powersBelowOne({ curves }: Chart): number[] | undefined {
  const steps = curves.flatMap(({ points }) => points.map(({ step }) => step));
  if (!(smallest(steps) < 1)) return undefined;
  const [low, high] = [Math.ceil(Math.log10(smallest(steps))), Math.floor(Math.log10(largest(steps)))];
  return Array.from({ length: Math.max(0, high - low + 1) }, (_, i) => Number(`1e${low + i}`));
}

function vertical({ range: [low, high] }: Chart, range: [bottom: number, top: number]): Plot.ScaleOptions {
  const most = Math.max(Math.abs(low), Math.abs(high));
  const domain = low < high ? [low, high] : [low - (most / 10 || 1), high + (most / 10 || 1)];
  const tickFormat = most >= 1e5 || most < 1e-3 ? figure : undefined; // else as many digits for all
  const ticks = { label: null, grid: true, ticks: Math.round(range[0] / 45), tickSize: 0, tickFormat };
  return { ...ticks, domain, range, nice: true, clamp: true };
}

function curveMarks({ name, tone, points, band, raw, dashes }: Curve, { unit = 'step', format = figure }: Chart) {
  const colour = `var(--${tone})`;
  const title = ({ step, value }: Point): string => `${unit} ${along(step)}: ${name} ${format(value)}`;
  const line = sampleEvenly(points, MOST_POINTS);
  return [
    band && Plot.areaY(band, { x: 'step', y1: 'low', y2: 'high', fill: colour, fillOpacity: 0.14 }),
    raw && rawMark(raw, colour),
    Plot.lineY(line, { ...STEP, stroke: colour, strokeWidth: 1.8, strokeDasharray: dashes }),
    points.length <= MOST_DOTS ? Plot.dot(points, { ...STEP, fill: colour, r: 2.5, title }) : [],
  ];
}

/** Many values as what each stretch of them spans, so that no spike is lost. */
function rawMark(points: readonly Point[], colour: string): Plot.Markish {
  if (points.length <= MOST_POINTS) return Plot.lineY(points, { ...STEP, stroke: colour, strokeOpacity: 0.26 });
  const stretches = { x: 'step', y1: 'value', y2: 'value', thresholds: MOST_POINTS };
  const style = { fill: colour, stroke: colour, opacity: 0.26 };
  return Plot.areaY(points, Plot.binX({ y1: 'min', y2: 'max' }, { ...stretches, ...style }));
}

/** A note and its label: beside a step where there is more room, above values at the right and the left in turn. */
function noteMarks({ step, value, label }: Note, index: number, chart: Chart): Plot.Markish {
  const [x, y] = [step, value].map((place) => (place === undefined ? undefined : [place]));
  const side = (step === undefined ? index % 2 === 0 : step > lastStep(chart) / 2) ? 'right' : 'left';
  const aside = side === 'right' ? ({ textAnchor: 'end', dx: -6 } as const) : ({ textAnchor: 'start', dx: 6 } as const);
  const halo = { fill: 'var(--ink)', stroke: 'var(--paper)', strokeWidth: 4 };
  return [
    x && y ? Plot.dot([label], { x, y, r: 5.5, stroke: 'var(--ink)' }) : [],
    x && !y ? Plot.ruleX(x, { strokeDasharray: '4 4' }) : [],
    y && !x ? Plot.ruleY(y, { strokeDasharray: '1 4', strokeLinecap: 'round' }) : [],
    Plot.text([label], { x, y, frameAnchor: y ? side : 'top', dy: y ? (x ? -18 : -9) : 0, ...aside, ...halo }),
  ];
}

/** The name and the last value of each curve at its end, moved apart where curves end close together. */
function nameMarks({ curves, format = figure }: Chart, y: Plot.Scale): Plot.Markish[] {
  const [bottom] = y.range as [number];
  const ends = curves.flatMap(({ name, tone, points }) =>
    points.slice(-1).map(({ value }) => ({ text: `${name}\n${format(value)}`, tone, at: y.apply(value) })),
  );
  let above = Number.NEGATIVE_INFINITY;
  return ends
    .sort((a, b) => a.at - b.at)
    .map(({ text, tone, at }, i) => {
      above = Math.max(above + NAME_HEIGHT, Math.min(at, bottom - NAME_HEIGHT * (ends.length - i - 0.5)));
      const place = { y: [y.invert!(above)], frameAnchor: 'right', textAnchor: 'start', dx: 12 } as const;
      return Plot.text([text], { ...place, fill: `var(--${tone})`, fontWeight: 600, lineHeight: 1.3 });
    });
}
