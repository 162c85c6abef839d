/** The report of the recall experiment: one HTML file that holds everything that it needs. */

import { type Chart, drawChart, type Size } from '../../src/report/chart.ts';
import { count, durationInWords, loss, percent } from '../../src/report/format.ts';
import { type Html, html } from '../../src/report/html.ts';
import { renderPage } from '../../src/report/page.ts';
import { STYLE } from '../../src/report/style.ts';
import type { RecallResult, RecallStage } from '../recall/run.ts';

const WIDE: Size = { width: 860, height: 340, names: 92 };
const NARROW: Size = { width: 360, height: 260, names: 78 };

/** The report as a whole HTML document. The same result gives the same bytes. */
export function renderRecallReport(result: RecallResult): string {
  const { task, chance, questions, scores } = result;
  return renderPage(
    { title: 'Recall from the prompt', style: STYLE },
    html`<header><p class="over">Experiment · seed ${result.seed}</p><h1>Recall from the prompt</h1>${abstract(result)}</header>
<section><h2>Accuracy by shots</h2>${drawn(accuracyChart(result))}
<p class="caption">Right answers to ${count(questions)} fresh sequences a point. With 0 shots the query stands alone: nothing beats
a guess, ${percent(chance)}. With k shots, k pairs of different keys stand before it, its own among them.</p>
${scoreTable(scores)}</section>
<section><h2>Learning</h2>${drawn(lossChart(result))}
<p class="caption">Cross-entropy of the answers by optimizer step, averaged over 20. Choosing among ${task.values} values by chance
costs ${loss(Math.log(task.values))} nats.</p>${stageTable(result)}</section>
<footer>Made by dawnlm.</footer>`,
  );
}

function abstract({ task, model, parameters, steps, timeMs }: RecallResult): Html {
  return html`<p class="abstract">Each sequence pairs some of ${task.keys} keys with ${task.values} values at random, then asks for one:
"k3 v1 k9 v7 k3" is to be followed by v1. No weight can know it; the prompt does. A model of ${model.nLayer} layers, width
${model.nEmbd}, ${model.nHead} heads and ${count(parameters)} parameters learned to read it there in ${count(steps)} steps,
${durationInWords(timeMs)}.</p>`;
}

const drawn = (chart: Chart): Html =>
  html`<figure><div class="wide">${drawChart(chart, WIDE)}</div><div class="narrow">${drawChart(chart, NARROW)}</div></figure>`;

/** Right answers in percent by shots, against a guess. */
export function accuracyChart({ scores, chance }: RecallResult): Chart {
  const points = scores.map(({ shots, accuracy }) => ({ step: shots, value: 100 * accuracy }));
  return {
    id: 'accuracy',
    title: 'Accuracy in percent by shots',
    description: scores.map(({ shots, accuracy }) => `${shots} shots: ${percent(accuracy)}`).join('; '),
    curves: [{ name: 'recall', tone: 'validation', points, dots: true }],
    range: [0, 100],
    format: (value) => `${value.toFixed(1)}%`,
    levels: [{ value: 100 * chance, label: 'a guess' }],
  };
}

function lossChart({ history, stages }: RecallResult): Chart {
  const points = history.map(({ step, loss: value }) => ({ step, value }));
  return {
    id: 'loss',
    title: 'Loss on the answers by step',
    description: `From ${loss(points[0].value)} to ${loss(points.at(-1)!.value)} nats.`,
    curves: [{ name: 'training', tone: 'training', points }],
    range: [0, Math.max(...points.map(({ value }) => value))],
    format: loss,
    breaks: [{ step: stages[0].taken, label: 'longer sequences' }],
  };
}

/** Every score with its interval, folded up. */
export const scoreTable = (scores: RecallResult['scores']): Html =>
  html`<details><summary>The curve in numbers</summary><table><thead><tr><th scope="col">Shots</th>
<th scope="col" class="number">Accuracy</th><th scope="col" class="number">95% interval</th></tr></thead><tbody>${scores.map(
    ({ shots, accuracy, interval: [low, high] }) => html`<tr><th scope="row">${shots}</th>
<td class="number">${percent(accuracy)}</td><td class="number">${percent(low)} to ${percent(high)}</td></tr>`,
  )}</tbody></table></details>`;

const keysOf = ({ distinct: [from, to] }: RecallStage): string => (from === to ? `${to}` : `${from}, growing to ${to}`);

const stageTable = ({ stages }: RecallResult): Html =>
  html`<table><thead><tr><th scope="col">Curriculum</th><th scope="col" class="number">Pairs a sequence</th>
<th scope="col" class="number">Different keys at most</th><th scope="col" class="number">Batch</th>
<th scope="col" class="number">Steps</th><th scope="col" class="number">Loss at its end</th></tr></thead><tbody>${stages.map(
    (stage, i) => html`<tr><th scope="row">Part ${i + 1}</th><td class="number">${stage.pairs}</td>
<td class="number">${keysOf(stage)}</td><td class="number">${stage.batchSize}</td>
<td class="number">${count(stage.taken)}</td><td class="number">${loss(stage.loss)}</td></tr>`,
  )}</tbody></table>`;
