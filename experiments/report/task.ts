/** One task: its curves, comparisons, prompts and data. */

import { exact } from '../../src/report/format.ts';
import { type Html, html } from '../../src/report/html.ts';
import type { TransferTaskResult } from '../transfer/result.ts';
import { taskCard } from './card.ts';
import { learningCurves, shotsChart } from './curves.ts';
import { comparison, scoresTable, shotsTable } from './tables.ts';
import { plural, promptedOf } from './words.ts';

/** `id`: unique in the page. `seeds`: as many as were planned. */
export function taskSection(task: TransferTaskResult, id: string, seeds: number): Html {
  return html`<section><p class="over">${kindInWords(task)}</p><h2>${task.name}</h2>
${learningCurves(task, id, seeds)}${scoresTable(task, seeds)}
${comparison('Full', 'random', task.pretraining)}${comparison('Full', 'words', task.overWords)}
${prompts(task, `${id}-shots`)}${taskCard(task.card)}</section>`;
}

const kindInWords = ({ task, classes }: TransferTaskResult): string =>
  task === 'tag'
    ? `Tags for words · ${plural(classes.length, 'tag')}`
    : `Labels for texts · ${exact(classes.length)} classes`;

function prompts(task: TransferTaskResult, id: string): Html | false {
  const prompted = promptedOf(task);
  if (prompted.length === 0) return false;
  return html`<h3>From the prompt alone</h3><div class="pair">${shotsChart({ ...task, prompted }, id)}<div>${shotsTable(prompted)}
<p class="caption">The pretrained model, untuned, by the likelihood of each label's words after so many solved examples. Fitted: as
many as found room in the context, on average.</p></div></div>`;
}
