/** What was watched inside a run: charts, a row for each block, and a cell for each head. */
import { max, median, min, quantile } from 'simple-statistics';
import { largest } from '../numbers.ts';
import type { Chart } from './chart.ts';
import { count, figure, NOTHING, percent } from './format.ts';
import { html, type Part } from './html.ts';
import { type InsideSeries, insideOf, layerOf, stepsCutShort } from './inside.ts';
import type { Inside, LogRecord } from './logRecord.ts';
import * as page from './page.ts';
import type { Point } from './series.ts';

/** What the section needs of the page's style. */
export const INSIDE_STYLE = /* css */ `
.heads { table-layout: fixed; } .heads td { text-align: center; padding: .35rem .3rem; line-height: 1.25; print-color-adjust: exact;
  background: color-mix(in srgb, var(--training) calc(var(--heat) * 55%), transparent); border: 2px solid var(--paper); }
.heads td small { display: block; } .heads thead th { text-align: center; }`;

/** The section; nothing where no step was watched. `blockSize`: tokens of a window. */
export function insideSection(log: readonly LogRecord[], blockSize: number, clipNorm: number): Part {
  const inside = insideOf(log);
  if (!inside) return false;
  return page.section(
    'Inside',
    page.smallFigures([updateChart(inside), ...noiseChart(inside, log), ...deadChart(inside)]),
    page.block('Blocks', blockTable(inside), page.caption(clippingInWords(log, clipNorm))),
    page.block('Heads', headGrid(inside, blockSize)),
    page.folded('Each matrix in numbers', matrixTable(inside)),
  );
}

/** The median of several series by step, and what they span. */
function spread(all: readonly (readonly Point[])[]): {
  points: Point[];
  band: { step: number; low: number; high: number }[];
} {
  const byStep = new Map<number, number[]>();
  for (const { step, value } of all.flat()) byStep.set(step, [...(byStep.get(step) ?? []), value]);
  const steps = [...byStep].sort(([a], [b]) => a - b);
  return {
    points: steps.map(([step, values]) => ({ step, value: median(values) })),
    band: steps.map(([step, values]) => ({ step, low: min(values), high: max(values) })),
  };
}

type Small = [Chart, caption: string];
const last = (points: readonly Point[]): number => points.at(-1)?.value ?? Number.NaN;

function updateChart({ weights }: InsideSeries): Small {
  const { points, band } = spread(weights.map(({ update }) => update));
  const curve = { name: 'updates', tone: 'training', points, band };
  const top =
    band.length > 0
      ? quantile(
          band.map(({ high }) => high),
          0.95,
        )
      : 1;
  const words = `||dW|| / ||W|| of a step: the median of all matrices, and what they span. At the end ${figure(last(points))}; sound runs of small models have 0.001 to 0.02, with Muon to 0.05.`;
  return [{ title: 'Updates against weights', curves: [curve], range: [0, top] }, words];
}

function noiseChart({ noiseScale: points }: InsideSeries, log: readonly LogRecord[]): Small[] {
  if (points.length === 0) return [];
  const batch = batchOf(log);
  const top = Math.max(
    1.1 * batch,
    1.2 *
      quantile(
        points.map(({ value }) => value),
        0.9,
      ),
  );
  const curve = { name: 'noise scale', tone: 'training', points };
  const notes = [{ value: batch, label: 'the batch' }];
  const words = `In tokens; at the end ${count(last(points))}, and a batch has ${count(batch)}. ${batchInWords(batch, last(points))}`;
  return [[{ title: 'Noise scale of gradients', curves: [curve], range: [0, top], notes }, words]];
}

/** What the noise scale N says of a batch B: the steps to a loss are as 1 + N / B (McCandlish et al., 2018, 2.3). */
function batchInWords(batch: number, noise: number): string {
  if (batch < noise / 2) return 'Twice the batch would need two thirds of the steps, or less.';
  if (batch > 2 * noise) return 'Half of the batch would need a third more steps, or less.';
  return 'They fit: a larger batch would cost more text, a smaller one more steps.';
}

function deadChart({ deadUnits }: InsideSeries): Small[] {
  if (deadUnits.length === 0) return [];
  const { points, band } = spread(deadUnits);
  const curve = { name: 'dead units', tone: 'training', points, band };
  const top = Math.max(0.01, largest(band.map(({ high }) => high)));
  const words = `Share of the MLP's units that no token moved: the median of all blocks, and what they span. At the end ${percent(last(points))}.`;
  return [[{ title: 'Dead units', curves: [curve], range: [0, top], format: percent }, words]];
}

/** Tokens of a step, as of the last one. */
function batchOf(log: readonly LogRecord[]): number {
  const steps = log.filter(({ loss }) => loss !== undefined);
  const [before, now] = [steps.at(-2), steps.at(-1)];
  return before && now && now.step > before.step
    ? (now.tokens - before.tokens) / (now.step - before.step)
    : (now?.tokens ?? 0);
}

type Weights = InsideSeries['weights'][number];
interface Row {
  readonly name: string;
  readonly weights: readonly Weights[];
  readonly dead?: number;
}

/** A row for what stands outside of the blocks, and one for each block. */
function blockTable({ weights, deadUnits }: InsideSeries): Part {
  const rowOf = (name: string, layer?: number): Row => ({
    ...{ name, weights: weights.filter(({ name }) => layerOf(name) === layer) },
    dead: layer === undefined ? undefined : last(deadUnits[layer]),
  });
  const rows = [rowOf('Embeddings, head'), ...deadUnits.map((_, layer) => rowOf(`Block ${layer + 1}`, layer))];
  const values = (row: Row, of: (weights: Weights) => Point[]): number[] =>
    row.weights.flatMap((one) => of(one).map(({ value }) => value));
  return page.table(
    rows.filter((row) => row.weights.length > 0),
    [
      ['Part', ({ name }) => name],
      ['Update, median', (row) => figureOf(values(row, ({ update }) => update)), 'number'],
      ['Update, at the end', (row) => figureOf(row.weights.map(({ update }) => last(update))), 'number'],
      ['Gradient norm, median', (row) => figureOf(values(row, ({ gradient }) => gradient)), 'number'],
      ['Dead units', ({ dead }) => dead !== undefined && percent(dead), 'number'],
    ],
  );
}

const figureOf = (values: readonly number[]): string | undefined =>
  values.length > 0 ? figure(median([...values])) : undefined;

function clippingInWords(log: readonly LogRecord[], clipNorm: number): string {
  const { clipped, skipped } = stepsCutShort(log, clipNorm);
  const clipping =
    clipNorm > 0 ? `Gradients of ${percent(clipped)} of the steps were clipped to a norm of ${figure(clipNorm)}.` : '';
  return skipped > 0 ? `${clipping} ${percent(skipped)} were skipped, for 16-bit floats overflowed.` : clipping;
}

/** A cell for each head, the darker the wider it looks. */
function headGrid({ last: { heads } }: InsideSeries, blockSize: number): Part {
  if (heads.length === 0) return false;
  const uniform = Array.from({ length: blockSize }, (_, t) => Math.log(t + 1)).reduce((a, b) => a + b, 0) / blockSize;
  const cell = ({ entropy, share }: Inside['heads'][number][number]): Part =>
    html`<td style="--heat:${Math.max(0, Math.min(1, entropy / uniform || 0)).toFixed(2)}">${twoDigits(entropy)}<small>${percent(share)}</small></td>`;
  return [
    html`<div class="scroll"><table class="heads"><thead><tr><th></th>${heads[0].map((_, h) => html`<th scope="col">Head ${h + 1}</th>`)}</tr></thead>
<tbody>${heads.map((layer, l) => html`<tr><th scope="row">Block ${l + 1}</th>${layer.map(cell)}</tr>`)}</tbody></table></div>`,
    page.caption(`Large: the entropy of a head's attention in nats, on average over positions; a head that looks at all tokens alike has ${twoDigits(uniform)}, \
and one that looks at a single token 0. Small: the size of what the head adds, against that of the stream. At the end of the run.`),
  ];
}

const twoDigits = (value: number): string => (Number.isFinite(value) ? value.toFixed(2) : NOTHING);

function matrixTable({ weights }: InsideSeries): Part {
  return page.table(
    [...weights],
    [
      ['Matrix', ({ name }) => html`<code>${name.replace(/\.weight$/, '')}</code>`],
      ['Root mean square', ({ rms }) => figure(last(rms)), 'number'],
      ['Update', ({ update }) => figure(last(update)), 'number'],
      ['Gradient norm', ({ gradient }) => figure(last(gradient)), 'number'],
    ],
  );
}
