/** The plotting area of a chart: where steps and values fall, and which of them are ticks. */

import type { Chart, Size } from './chart.ts';
import { count } from './format.ts';
import { type Html, html } from './html.ts';
import { niceTicks, tickLabels } from './series.ts';

/** In the picture's own pixels. */
export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly xTicks: readonly Tick[];
  readonly yTicks: readonly number[];
  readonly x: (step: number) => number;
  readonly y: (value: number) => number;
}

/** A tick without a label has no room for it. */
interface Tick {
  readonly step: number;
  readonly label?: string;
}

/** What a letter of the labels takes at most, about. */
export const CHARACTER_WIDTH = 7;

/** To a tenth of a pixel. */
export const px = (n: number): number => Math.round(n * 10) / 10;

export function makeFrame(chart: Chart, { width, height, names }: Size): Frame {
  const { range, scale } = chart;
  const yTicks = niceTicks(range[0], range[1], Math.max(3, Math.round(height / 45)));
  const left = 10 + CHARACTER_WIDTH * Math.max(...tickLabels(yTicks).map((label) => label.length));
  const [right, top, bottom] = [width - Math.max(names, 14), 10, height - 26];
  const [low, high] = [yTicks[0], yTicks.at(-1)!];
  const y = (value: number): number => bottom - ((bottom - top) * (value - low)) / (high - low);
  return { left, right, top, bottom, yTicks, y, ...(scale === 'log2' ? log2Axis : stepAxis)(chart, left, right) };
}

type Axis = Pick<Frame, 'x' | 'xTicks'>;

/** From 0 to the last step, with round ticks. */
function stepAxis({ curves, breaks = [] }: Chart, left: number, right: number): Axis {
  const ends = [...curves.map(({ points }) => points.at(-1)?.step ?? 1), ...breaks.map(({ step }) => step)];
  const end = Math.max(1, ...ends);
  const ticks = niceTicks(0, end, Math.max(3, Math.round((right - left) / 95))).filter((tick) => tick <= end);
  const labels = tickLabels(ticks);
  const xTicks = ticks.map((step, i) => ({ step, label: labels[i] }));
  return { x: (step) => left + ((right - left) * step) / end, xTicks };
}

/** Room at both ends, so that the first point does not lie on the vertical axis. */
const LOG_MARGIN = 16;

/** Each doubling is as wide; ticks at what was measured, as many labelled as have room. */
function log2Axis({ curves }: Chart, left: number, right: number): Axis {
  const steps = [...new Set(curves.flatMap(({ points }) => points.map(({ step }) => step)))].sort((a, b) => a - b);
  const [first, last] = [steps[0] ?? 1, steps.at(-1) ?? 1];
  const doublings = Math.log2(last / first) || 1;
  const width = right - left - 2 * LOG_MARGIN;
  const x = (step: number): number => left + LOG_MARGIN + (width * Math.log2(step / first)) / doublings;
  return { x, xTicks: labelledTicks(steps, x) };
}

/** From the left on, a tick has its label unless that would touch the one before. */
function labelledTicks(steps: readonly number[], x: (step: number) => number): Tick[] {
  let end = Number.NEGATIVE_INFINITY;
  return steps.map((step) => {
    const label = count(step);
    const half = (label.length * CHARACTER_WIDTH) / 2;
    if (x(step) - half < end + CHARACTER_WIDTH) return { step };
    end = x(step) + half;
    return { step, label };
  });
}

/** Grid lines, ticks and their labels. */
export function drawAxes({ left, right, bottom, xTicks, yTicks, x, y }: Frame): Html {
  const yLabels = tickLabels(yTicks);
  return html`<g class="axes">${yTicks.map(
    (tick, i) => html`<line x1="${left}" x2="${right}" y1="${px(y(tick))}" y2="${px(y(tick))}"/>
<text x="${left - 8}" y="${px(y(tick) + 4)}" text-anchor="end">${yLabels[i]}</text>`,
  )}${xTicks.map(
    ({
      step,
      label,
    }) => html`<line class="tick" x1="${px(x(step))}" x2="${px(x(step))}" y1="${bottom}" y2="${bottom + 5}"/>
${label !== undefined && html`<text x="${px(x(step))}" y="${bottom + 20}" text-anchor="middle">${label}</text>`}`,
  )}<line class="base" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/></g>`;
}
