/** Learning from the prompt: in natural language, and where it is all that a tiny model learned. */

import { mean } from 'simple-statistics';
import { drawChart, type Size } from '../../src/report/chart.ts';
import { count, percent } from '../../src/report/format.ts';
import { type Html, html } from '../../src/report/html.ts';
import type { RecallResult } from '../recall/run.ts';
import type { TransferResult, TransferTaskResult } from '../transfer/result.ts';
import { accuracyChart, scoreTable } from './recall.ts';
import { curveOf, plural, promptedOf } from './words.ts';

const SIZE: Size = { width: 420, height: 260, names: 66 };

export function recallSection({ recall, tasks }: TransferResult): Html | false {
  if (!recall) return false;
  const sentences = tasks.map(shotsInWords).filter((sentence) => sentence !== undefined);
  return html`<section><h2>Recall from the prompt</h2><div class="pair"><figure>${drawChart(accuracyChart(recall), SIZE)}
<figcaption>Accuracy in percent by shots, on ${count(recall.questions)} fresh sequences a point.</figcaption></figure>
<div>${recallInWords(recall)}${
    sentences.length > 0 &&
    html`<p>In natural language, the pretrained model asked with such prompts, untuned,
goes from ${sentences.join('; ')}.</p>`
  }
</div></div>${scoreTable(recall.scores)}</section>`;
}

function recallInWords({ model, parameters, task, scores, chance }: RecallResult): Html {
  const last = scores.at(-1);
  return html`<p>A model of ${model.nLayer} layers, width ${model.nEmbd} and ${count(parameters)} parameters learned nothing but to look
up in its prompt which of ${task.values} values a key was paired with. A guess is right in ${percent(chance)}${
    last && html`, it is right in ${percent(last.accuracy)} with ${last.shots} shots`
  }.</p>`;
}

/** "25.1% with 0 to 31.0% with 8 examples on AG News, where the commonest label has 25.0%". */
function shotsInWords(task: TransferTaskResult): string | undefined {
  const points = promptedOf(task);
  if (points.length === 0) return undefined;
  const [first, last] = [points[0], points.at(-1)!];
  const majority = curveOf(task, 'majority').at(-1);
  const beside = majority ? `, where the commonest label has ${percent(mean(majority.scores))}` : '';
  const from = `${percent(mean(first.scores))} with ${first.shots}`;
  return `${from} to ${percent(mean(last.scores))} with ${plural(last.shots, 'example')} on ${task.name}${beside}`;
}
