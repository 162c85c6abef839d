/** The report of the transfer experiment: what pretraining is worth where labels are few, as one HTML file. */

import { dataFacts } from '../../src/report/dataCard.ts';
import {
  adapterInWords,
  count,
  dateInWords,
  durationInWords,
  list,
  loss,
  NOTHING,
  plural,
  range,
} from '../../src/report/format.ts';
import { html, type Part } from '../../src/report/html.ts';
import { facts, pair, renderPage, section } from '../../src/report/page.ts';
import type { TransferResult } from '../transfer/result.ts';
import { TONE_STYLE } from './curves.ts';
import { accuracySection, recallInWords } from './recall.ts';
import { summarySection } from './summary.ts';
import { taskSection } from './task.ts';

/** The report as a whole HTML document that fetches nothing. The same result gives the same bytes. */
export function renderTransferReport(result: TransferResult): string {
  const { tasks, seeds, recall, complete, startedAt } = result;
  return renderPage({
    title: 'What pretraining is worth',
    over: `Experiment · ${dateInWords(startedAt)}`,
    abstract: abstract(result),
    notices: complete ? [] : [INCOMPLETE],
    sections: [
      summarySection(result),
      tasks.map((task) => taskSection(task, seeds.length)),
      recall !== null && accuracySection(recall, 'Recall from the prompt', html`<p>${recallInWords(recall)}</p>`),
      runSection(result),
    ],
    style: TONE_STYLE,
  });
}

const INCOMPLETE = `Not all that was planned is measured yet: curves and comparisons hold what is there. Started again, the
experiment goes on where it ended.`;

function abstract({ base, tasks, sizes, seeds }: TransferResult): string {
  const { dataCard, parameters, validationLoss } = base;
  const known = validationLoss === null ? '' : `, validation loss ${loss(validationLoss)}`;
  const all = tasks.some(({ curves, all }) => curves.some(({ points }) => points.some(({ n }) => n === all)));
  return `A transformer of ${count(parameters)} parameters, pretrained on ${dataCard.name} (${count(dataCard.trainTokens)} tokens${known}),
learned ${list(tasks.map(({ name }) => name)) || 'no task'} from ${range(sizes)} labels${all ? ', and from all that there are,' : ''} with
${plural(seeds.length, 'seed')}: tuned whole, by LoRA, and as it is under a new head. Beside it learned the same transformer from random
weights and a method without a network.`;
}

/** What would be needed to do it again. */
const runSection = ({ base, adapter, seconds, seeds }: TransferResult): Part =>
  pair(
    section('Pretrained on', facts(dataFacts(base.dataCard))),
    section(
      'Experiment',
      facts([
        ['Pretrained model', base.folder],
        ['SHA-256', html`<code>${base.sha256}</code>`],
        ['Adapter', adapterInWords(adapter)],
        ['Time', `${durationInWords(1000 * seconds)}, without the pretraining`],
        ['Seeds', seeds.join(', ') || NOTHING],
      ]),
    ),
  );
