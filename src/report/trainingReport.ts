/** A run's report: one HTML file that holds everything that it needs, to be kept, sent and printed. */

import { costSection } from './costSection.ts';
import { lossChart, smallCharts } from './curves.ts';
import type { ReportData, Sample } from './data.ts';
import { dataFacts } from './dataCard.ts';
import { adapterInWords, bytes, count, dateInWords, durationInWords, exact, figure, loss, plural } from './format.ts';
import { HEALTH_STYLE, healthSection } from './healthSection.ts';
import { html, type Part } from './html.ts';
import { INSIDE_STYLE, insideSection } from './insideSection.ts';
import * as page from './page.ts';
import { type Point, sampleEvenly } from './series.ts';
import { type Summary, summarize, warningsOf } from './summary.ts';

export type { ReportData } from './data.ts';

/**
 * The report as a whole HTML document: nothing is fetched (its policy forbids it), all text of the run is escaped, curves
 * are thinned to what can be seen, so that a long log makes no larger file. The same data give the same bytes.
 */
export function renderReport(data: ReportData): string {
  const summary = summarize(data);
  const { name, startedAt, status } = data;
  return page.renderPage({
    title: name,
    over: html`Training report · ${dateInWords(startedAt)} · <span class="status ${status}">${status}</span>
after ${plural(summary.steps, 'step')}`,
    notices: warningsOf(summary),
    figures: keyFigures(summary),
    sections: [
      lossSection(summary),
      healthSection(data.appraisal?.health),
      insideOfRun(data),
      samplesSection(data.samples),
      modelSection(summary),
      costSection(data.appraisal?.cost),
      runSection(data),
    ],
    style: INSIDE_STYLE + HEALTH_STYLE,
  });
}

function keyFigures(summary: Summary): page.Page['figures'] {
  const { data, best, finalTraining, speeds, tokens, uniformLoss } = summary;
  const { dataCard, durationMs, adapter } = data;
  const rate = durationMs > 0 ? (1000 * tokens) / durationMs : (speeds.at(-1)?.value ?? Number.NaN);
  const epochs = figure(Number((tokens / dataCard.trainTokens).toPrecision(2)));
  // Comparable across tokenizers: bits a token, by the tokens a byte of the whole text.
  const tokensPerByte = (dataCard.trainTokens + dataCard.validationTokens) / dataCard.bytes;
  const bitsPerByte = best && (best.value / Math.LN2) * tokensPerByte;
  return [
    best && ['Best validation loss', loss(best.value), `perplexity ${figure(Math.exp(best.value))}`],
    bitsPerByte && ['Bits per byte', bitsPerByte.toFixed(2), 'about, validation'],
    finalTraining && ['Final training loss', loss(finalTraining), `guessing: ${loss(uniformLoss)}`],
    ['Tokens seen', count(tokens), `${epochs} × the text`],
    ['Tokens a second', count(rate), 'over the whole run'],
    ['Time', durationInWords(durationMs), adapter.software ? 'on a software adapter' : 'on the GPU'],
  ];
}

function lossSection(summary: Summary): Part {
  const { training, validation, best } = summary;
  if (training.length + validation.length === 0) return page.section('Loss', html`<p>No loss was recorded.</p>`);
  const smoothed = training.length > 100 && 'The faint line is each batch; the strong one averages over 3% of the run.';
  const text = html`Cross-entropy in nats a token, by training step. Lower is better. ${smoothed}
${best && 'The ring marks the lowest validation loss, where the best checkpoint was kept.'}`;
  const details = [page.smallFigures(smallCharts(summary)), page.folded('The curves in numbers', numbers(summary))];
  return page.section('Loss', page.figure(lossChart(summary), text), details);
}

const insideOfRun = ({ log, model, train }: ReportData): Part =>
  insideSection(log, model.blockSize, typeof train.clipNorm === 'number' ? train.clipNorm : 0);

const MOST_ROWS = 50;

/** The curves as numbers, for those who cannot see or want to copy them. */
function numbers({ smoothed, validation, learningRates, speeds }: Summary): Part {
  const column = (heading: string, points: readonly Point[], format: (value: number) => string): page.Column<Point> => {
    const values = new Map(points.map(({ step, value }) => [step, format(value)]));
    return [heading, ({ step }) => values.get(step), 'number'];
  };
  return page.table(sampleEvenly(validation.length > 1 ? validation : smoothed, MOST_ROWS), [
    ['Step', ({ step }) => exact(step), 'number'],
    column('Training loss, smoothed', smoothed, loss),
    column('Validation loss', validation, loss),
    column('Learning rate', learningRates, figure),
    column('Tokens a second', speeds, count),
  ]);
}

const samplesSection = (samples: readonly Sample[]): Part => page.section('Samples', samples.map(sample));

function sample({ prompt, text, settings }: Sample): Part {
  const words = settingsOf(settings).map(([name, value]) => `${name} ${value}`);
  return html`<div class="sample" dir="auto"><pre><mark>${prompt}</mark>${text}</pre><p>${words.join(', ')}</p></div>`;
}

/** Parameters and work of each group. */
function modelSection({ data: { parameters: rows }, parameters }: Summary): Part {
  const flopsPerToken = rows.reduce((sum, row) => sum + row.flopsPerToken, 0);
  const columns: page.Column<(typeof rows)[number]>[] = [
    ['Part', ({ group }) => group],
    ['Shape', ({ shape }) => shape, 'long'],
    ['Parameters', (row) => exact(row.parameters), 'number'],
    ['Share', (row) => row.parameters > 0 && row.parameters / parameters, 'share'],
    ['FLOPs a token', (row) => count(row.flopsPerToken), 'number'],
  ];
  const total = { group: 'Total', shape: '', parameters, flopsPerToken };
  const work = `FLOPs of the forward pass; a training step takes three times as many a token, ${count(3 * flopsPerToken)}.`;
  return page.section('Model', page.table(rows, columns, [total]), page.caption(work));
}

/** Where the text came from and what memory was taken, beside how model and training were set. */
function runSection({ dataCard, memory, adapter, train, model }: ReportData): Part {
  const planned = memory.planned.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const memoryRows = [
    ...memory.planned.map(({ what, sizeBytes }) => [what, bytes(sizeBytes)] as const),
    ['Planned', bytes(planned)] as const,
    ['Taken at most', memory.peakBytes && bytes(memory.peakBytes)] as const,
  ];
  const settings = settingsOf({ ...train, ...model }).map(([name, value]) => [capitalized(name), value] as const);
  return page.pair(
    [
      page.section('Data', page.facts(dataFacts(dataCard))),
      page.block('Memory on the adapter', page.facts(memoryRows)),
    ],
    page.section('Settings', page.facts([['Adapter', adapterInWords(adapter)], ...settings])),
  );
}

/** Those that are set, in words: topK -> ["top k", "40"]. */
const settingsOf = (settings: Readonly<Record<string, unknown>>): [name: string, value: string][] =>
  Object.entries(settings)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [inWords(name), valueInWords(value)]);

const inWords = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, (_, a, b) => `${a} ${b.toLowerCase()}`);

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function valueInWords(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 10_000 ? exact(value) : String(value);
  if (value === null) return 'none';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
