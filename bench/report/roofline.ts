/** The roofline (Williams, Waterman, Patterson, 2009): what each op reaches under what the adapter's memory and arithmetic allow. */
import * as Plot from '@observablehq/plot';
import { drawPlot } from '../../src/report/chart.ts';
import { figure } from '../../src/report/format.ts';
import { html, type Part } from '../../src/report/html.ts';
import type { BenchRecord } from '../record.ts';
import type { KernelRecord, Place } from './select.ts';

/** A dot of the chart: operations a byte, and billion of them a second. */
interface Dot {
  readonly label: string;
  readonly intensity: number;
  readonly rate: number;
}

/** The dots of the variants that models use, forward. */
function dotsOf(kernels: readonly KernelRecord[]): Dot[] {
  return kernels.flatMap(({ op, shape, preset, details, gflopsPerSecond, gigabytesPerSecond }): Dot[] => {
    const { best, pass, intensity } = details;
    if (!best || pass === 'forward + backward' || !intensity) return [];
    const rate = gflopsPerSecond ?? intensity * (gigabytesPerSecond ?? 0);
    return rate > 0 ? [{ label: `${op}, ${preset} ${shape}: ${rate.toPrecision(3)} GFLOP/s`, intensity, rate }] : [];
  });
}

const bestOf = (roof: readonly BenchRecord[], unit: string): number =>
  Math.max(...roof.filter((one) => one.unit === unit).map(({ median }) => median));

/** The chart, or nothing where there is no roof or no op. */
export function roofline({ roof, kernels }: Place): Part {
  const [peak, bandwidth] = [bestOf(roof, 'GFLOP/s'), bestOf(roof, 'GB/s')];
  const dots = dotsOf(kernels);
  if (dots.length === 0 || !Number.isFinite(peak) || !Number.isFinite(bandwidth)) return false;
  const ridge = peak / bandwidth;
  const intensities = [0.1, ridge, ...dots.map(({ intensity }) => intensity)];
  const roofAt = (intensity: number) => ({ intensity, rate: Math.min(peak, intensity * bandwidth) });
  const line = [Math.min(...intensities), ridge, 1.5 * Math.max(...intensities)].map(roofAt);
  const place = { x: 'intensity', y: 'rate' };
  const marks = [
    Plot.line(line, { ...place, stroke: 'var(--validation)', strokeWidth: 1.8 }),
    Plot.dot(dots, { ...place, r: 4, fill: 'var(--training)', fillOpacity: 0.75, title: 'label' }),
  ];
  const axis = { type: 'log', grid: true, nice: true, tickFormat: figure } as const;
  const [x, y] = [
    { ...axis, label: 'operations a byte' },
    { ...axis, label: 'GFLOP/s' },
  ];
  const roofs = `${figure(bandwidth)} GB/s of copying up to its ridge, ${figure(peak)} GFLOP/s beyond`;
  const label = `Roofline: ${dots.length} ops under ${roofs}.`;
  return html`<figure class="scroll">${drawPlot({ width: 860, height: 420, marginLeft: 56, x, y, marks }, label)}
<figcaption>Speed by operations a byte, forward, both in powers of ten. The line is what the adapter can do: ${roofs}. Point at a dot
for its name.</figcaption></figure>`;
}
