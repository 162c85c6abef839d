/** The roofline (Williams, Waterman, Patterson, 2009): what each op reaches under what the adapter's memory and arithmetic allow. */
import { type Html, html } from '../../src/report/html.ts';
import type { BenchRecord } from '../record.ts';
import type { KernelRecord, Place } from './select.ts';

/** A dot of the chart: operations a byte, and billion of them a second. */
interface Dot {
  label: string;
  intensity: number;
  rate: number;
}

const SIZE = { width: 860, height: 420, left: 64, right: 846, top: 16, bottom: 372 };

/** The dots of the variants that models use, forward. */
function dotsOf(kernels: readonly KernelRecord[]): Dot[] {
  return kernels.flatMap(({ op, shape, preset, details, gflopsPerSecond, gigabytesPerSecond }): Dot[] => {
    if (!details.best || details.pass === 'forward + backward') return [];
    const label = `${op}, ${preset} ${shape}`;
    if (!details.intensity) return [];
    const rate = gflopsPerSecond ?? details.intensity * (gigabytesPerSecond ?? 0);
    return rate > 0 ? [{ label, intensity: details.intensity, rate }] : [];
  });
}

const bestOf = (roof: readonly BenchRecord[], unit: string): number =>
  Math.max(...roof.filter((one) => one.unit === unit).map(({ median }) => median));

/** Both axes in powers of ten. */
interface Axes {
  x: (intensity: number) => number;
  y: (rate: number) => number;
  xTicks: number[];
  yTicks: number[];
}

const px = (n: number): number => Math.round(n * 10) / 10;

function axesOf(dots: readonly Dot[], peak: number, bandwidth: number): Axes {
  const ridge = peak / bandwidth;
  const xs = [0.1, ridge, ...dots.map(({ intensity }) => intensity)];
  const ys = [peak, ...dots.map(({ rate }) => rate)];
  const xTicks = decades(Math.min(...xs), Math.max(...xs) * 1.5);
  const yTicks = decades(Math.min(...ys), Math.max(...ys));
  const place = (ticks: readonly number[], from: number, to: number) => {
    const [low, high] = [Math.log10(ticks[0]), Math.log10(ticks[ticks.length - 1])];
    return (value: number): number => px(from + ((Math.log10(value) - low) / (high - low)) * (to - from));
  };
  return { xTicks, yTicks, x: place(xTicks, SIZE.left, SIZE.right), y: place(yTicks, SIZE.bottom, SIZE.top) };
}

/** Powers of ten that enclose a range. */
function decades(low: number, high: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  return Array.from({ length: Math.max(2, last - first + 1) }, (_, i) => Number((10 ** (first + i)).toPrecision(1)));
}

/** The chart, or nothing where there is no roof or no op. */
export function roofline({ roof, kernels }: Place, id: string): Html | false {
  const [peak, bandwidth] = [bestOf(roof, 'GFLOP/s'), bestOf(roof, 'GB/s')];
  const dots = dotsOf(kernels);
  if (dots.length === 0 || !Number.isFinite(peak) || !Number.isFinite(bandwidth)) return false;
  const axes = axesOf(dots, peak, bandwidth);
  const { width, height } = SIZE;
  return html`<figure class="scroll"><svg class="roofline" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">Roofline</title><desc id="${id}-desc">${dots.length} ops under a roof of ${px(peak)} GFLOP/s and ${px(bandwidth)} GB/s.</desc>
${grid(axes)}${roofLine(axes, peak, bandwidth)}${dots.map((dot) => drawDot(dot, axes))}</svg>
<figcaption>Speed by operations a byte, forward, both in powers of ten. The line is what the adapter can do: ${px(bandwidth)} GB/s of copying
up to its ridge, ${px(peak)} GFLOP/s beyond. Point at a dot for its name.</figcaption></figure>`;
}

const grid = ({ x, y, xTicks, yTicks }: Axes): Html => {
  const { left, right, top, bottom } = SIZE;
  return html`<g class="axes">${yTicks.map(
    (tick) => html`<line x1="${left}" x2="${right}" y1="${y(tick)}" y2="${y(tick)}"/>
<text x="${left - 8}" y="${px(y(tick) + 4)}" text-anchor="end">${tick}</text>`,
  )}${xTicks.map(
    (tick) => html`<line x1="${x(tick)}" x2="${x(tick)}" y1="${top}" y2="${bottom}"/>
<text x="${x(tick)}" y="${bottom + 20}" text-anchor="middle">${tick}</text>`,
  )}<line class="base" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
<text x="${left}" y="${top - 4}">GFLOP/s</text><text x="${right}" y="${bottom + 38}" text-anchor="end">operations a byte</text></g>`;
};

/** From the left edge along the memory's slope to the ridge, then level. */
function roofLine({ x, y, xTicks, yTicks }: Axes, peak: number, bandwidth: number): Html {
  const from = Math.max(xTicks[0], yTicks[0] / bandwidth);
  const points = [
    [from, from * bandwidth],
    [peak / bandwidth, peak],
    [xTicks[xTicks.length - 1], peak],
  ];
  return html`<path class="validation" d="${points.map(([a, b], i) => `${i === 0 ? 'M' : 'L'}${x(a)} ${y(b)}`).join('')}"/>`;
}

const drawDot = ({ label, intensity, rate }: Dot, { x, y }: Axes): Html =>
  html`<circle class="training" cx="${x(intensity)}" cy="${y(rate)}" r="4"><title>${label}: ${rate.toPrecision(3)} GFLOP/s</title></circle>`;
