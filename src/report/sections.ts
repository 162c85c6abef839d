/** The report's text: what was done in a paragraph, key figures, samples and tables. */
import type { ModelConfig } from '../model/config.ts';
import type { Sample } from './data.ts';
import { bytes, count, durationInWords, exact, figure, loss } from './format.ts';
import { type Html, html, type Part } from './html.ts';
import { type Point, sampleEvenly, smooth } from './series.ts';
import type { Summary } from './summary.ts';

const STYLE_NAMES: Record<ModelConfig['style'], string> = { gpt2: 'GPT-2 style', llama: 'Llama style' };

/** The run in two or three sentences. */
export function abstract({ data, best, finalTraining, steps, tokens, parameters }: Summary): Html {
  const { model, adapter, dataCard, durationMs } = data;
  const result = best
    ? `Its lowest validation loss is ${loss(best.value)} nats a token, at step ${exact(best.step)}`
    : finalTraining !== undefined && `Its training loss came to ${loss(finalTraining)} nats a token`;
  return html`<p class="abstract">A ${STYLE_NAMES[model.style]} model of ${model.nLayer} ${plural(model.nLayer, 'layer')} and
${count(parameters)} parameters, trained from ${dataCard.name} for ${durationInWords(durationMs)}: ${exact(steps)}
${plural(steps, 'step')} over ${count(tokens)} tokens on ${adapter.name}${adapter.software && ', a software adapter'}.
${result && html`${result}.`}</p>`;
}

const plural = (n: number, word: string): string => (n === 1 ? word : `${word}s`);

/** The numbers that are looked for first. */
export function keyFigures(summary: Summary): Html {
  const { data, best, finalTraining, speeds, tokens, uniformLoss } = summary;
  const { trainTokens } = data.dataCard;
  const seconds = data.durationMs / 1000;
  const rate = seconds > 0 ? tokens / seconds : (speeds.at(-1)?.value ?? Number.NaN);
  return html`<dl class="key">
${best && keyFigure('Best validation loss', loss(best.value), `perplexity ${figure(Math.exp(best.value))}`)}
${best && keyFigure('Bits per byte', bitsPerByte(summary, best).toFixed(2), 'about, validation')}
${finalTraining !== undefined && keyFigure('Final training loss', loss(finalTraining), `guessing: ${loss(uniformLoss)}`)}
${keyFigure('Tokens seen', count(tokens), trainTokens > 0 ? `${figure(Number((tokens / trainTokens).toPrecision(2)))} × the text` : '')}
${keyFigure('Tokens a second', count(rate), 'over the whole run')}
${keyFigure('Time', durationInWords(data.durationMs), data.adapter.software ? 'on a software adapter' : 'on the GPU')}</dl>`;
}

/** One of the numbers at the top: its name above, a note below. */
export const keyFigure = (name: string, value: string, note: string): Html =>
  html`<div><dt>${name}</dt><dd>${value}<small>${note}</small></dd></div>`;

/** Nats a token to bits a byte, with the tokens a byte of the whole text; comparable across tokenizers. */
function bitsPerByte({ data: { dataCard } }: Summary, { value }: Point): number {
  return (value / Math.LN2) * ((dataCard.trainTokens + dataCard.validationTokens) / dataCard.bytes);
}

export const samplesSection = (samples: readonly Sample[]): Html | false =>
  samples.length > 0 && html`<section><h2>Samples</h2>${samples.map(sample)}</section>`;

const sample = ({ prompt, text, settings }: Sample): Html => html`<div class="sample" dir="auto">
<pre><mark>${prompt}</mark>${text}</pre><p>${settingsInWords(settings)}</p></div>`;

/** "temperature 0.8, top k 40, seed 1". */
const settingsInWords = (settings: Readonly<Record<string, unknown>>): string =>
  Object.entries(settings)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `${inWords(name)} ${valueInWords(value)}`)
    .join(', ');

/** topK -> top k. */
const inWords = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, (_, a, b) => `${a} ${b.toLowerCase()}`);

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function valueInWords(value: unknown): string {
  if (value === true) return 'yes';
  if (value === false) return 'no';
  if (value === null) return 'none';
  if (typeof value === 'number') return Number.isInteger(value) && value >= 10_000 ? exact(value) : String(value);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Parameters and work of each group, and the model's dimensions beside the memory that it takes. */
export function modelSection({ data }: Summary): Html {
  return html`<section><h2>Model</h2>${parameterTable(data.parameters)}
<div class="pair"><div><h3>Dimensions</h3>${facts(dimensions(data.model))}</div>
<div><h3>Memory on the adapter</h3>${memoryTable(data.memory)}</div></div></section>`;
}

function parameterTable(rows: Summary['data']['parameters']): Html {
  const parameters = rows.reduce((sum, row) => sum + row.parameters, 0);
  const flops = rows.reduce((sum, row) => sum + row.flopsPerToken, 0);
  return html`<div class="scroll"><table><thead><tr><th scope="col">Part</th><th scope="col" class="shape">Shape</th>
<th scope="col" class="number">Parameters</th><th scope="col" class="share">Share</th>
<th scope="col" class="number">FLOPs a token</th></tr></thead>
<tbody>${rows.map(
    (
      row,
    ) => html`<tr><th scope="row">${row.group}</th><td class="shape">${row.shape}</td><td class="number">${exact(row.parameters)}</td>
<td class="share">${row.parameters > 0 && html`<i style="width:${((100 * row.parameters) / parameters).toFixed(1)}%"></i>`}</td>
<td class="number">${count(row.flopsPerToken)}</td></tr>`,
  )}</tbody>
<tfoot><tr><th scope="row">Total</th><td class="shape"></td><td class="number">${exact(parameters)}</td><td class="share"></td>
<td class="number">${count(flops)}</td></tr></tfoot></table></div>
<p class="caption">FLOPs of the forward pass; a training step takes three times as many a token, ${count(3 * flops)}.</p>`;
}

const dimensions = (model: ModelConfig): [string, Part][] => [
  ['Style', STYLE_NAMES[model.style]],
  ['Vocabulary', exact(model.vocabSize)],
  ['Context', `${exact(model.blockSize)} tokens`],
  ['Layers', model.nLayer],
  [
    'Heads',
    model.nKvHead === model.nHead ? model.nHead : `${model.nHead}, sharing ${model.nKvHead} of keys and values`,
  ],
  ['Width', exact(model.nEmbd)],
  ['Width of the MLP', exact(model.nHidden)],
  ['Dropout', model.dropout === 0 ? 'none' : model.dropout],
  ['Output layer', model.tieEmbeddings ? 'tied to the embedding' : 'of its own'],
];

function memoryTable({ planned, peakBytes }: Summary['data']['memory']): Html {
  const total = planned.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return html`<table><tbody>${planned.map(
    ({ what, sizeBytes }) => html`<tr><th scope="row">${what}</th><td class="number">${bytes(sizeBytes)}</td></tr>`,
  )}</tbody><tfoot><tr><th scope="row">Planned</th><td class="number">${bytes(total)}</td></tr>
${peakBytes !== undefined && html`<tr><th scope="row">Taken at most</th><td class="number">${bytes(peakBytes)}</td></tr>`}
</tfoot></table>`;
}

/** Names and what they have, a row each. */
export const facts = (rows: readonly [string, Part][]): Html =>
  html`<table class="facts"><tbody>${rows.map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`,
  )}</tbody></table>`;

/** Where the text came from, beside how training was set. */
export function runSection({ data }: Summary): Html {
  const card = data.dataCard;
  const settings = Object.entries(data.train)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]): [string, Part] => [capitalized(inWords(name)), valueInWords(value)]);
  return html`<section><div class="pair"><div><h2>Data</h2>${facts([
    ['Text', card.name],
    ['Source', card.source],
    ['Licence', card.licence],
    ['Size', `${exact(card.bytes)} bytes, ${exact(card.characters)} characters`],
    ['Tokenizer', `${card.tokenizer}, ${exact(card.vocabularySize)} tokens`],
    ['Training', `${exact(card.trainTokens)} tokens`],
    ['Validation', `${exact(card.validationTokens)} tokens`],
    ['SHA-256', html`<code>${card.sha256}</code>`],
  ])}</div><div><h2>Settings</h2>${facts([
    ['Adapter', data.adapter.name + (data.adapter.software ? ' (software)' : '')],
    ...settings,
  ])}</div></div></section>`;
}

const TABLE_ROWS = 50;

/** The curves as numbers, for those who cannot see or want to copy them. */
export function figuresTable({ training, validation, learningRates, speeds }: Summary): Html | false {
  const smoothed = smooth(training);
  const rows = sampleEvenly(validation.length > 1 ? validation : smoothed, TABLE_ROWS);
  if (rows.length === 0) return false;
  const maps = [smoothed, validation, learningRates, speeds].map(
    (points) => new Map(points.map(({ step, value }) => [step, value])),
  );
  const formats = [loss, loss, figure, count];
  const cells = (step: number): Html[] =>
    maps.map((map, i) => html`<td class="number">${map.has(step) ? formats[i](map.get(step)!) : '–'}</td>`);
  return html`<details><summary>The curves in numbers</summary><div class="scroll"><table><thead><tr>${[
    'Step',
    'Training loss, smoothed',
    'Validation loss',
    'Learning rate',
    'Tokens a second',
  ].map((name) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
<tbody>${rows.map(({ step }) => html`<tr><th scope="row" class="number">${exact(step)}</th>${cells(step)}</tr>`)}</tbody>
</table></div></details>`;
}
