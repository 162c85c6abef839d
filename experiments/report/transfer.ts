/** The report of the transfer experiment: what pretraining is worth where labels are few, as one HTML file. */

import { count, dateInWords, durationInWords, exact, loss } from '../../src/report/format.ts';
import { type Html, html } from '../../src/report/html.ts';
import { renderPage } from '../../src/report/page.ts';
import { SCRIPT } from '../../src/report/script.ts';
import { facts, keyFigure } from '../../src/report/sections.ts';
import { STYLE } from '../../src/report/style.ts';
import type { TransferResult } from '../transfer/result.ts';
import { recallSection } from './recallSection.ts';
import { TRANSFER_STYLE } from './style.ts';
import { summaryTable } from './summary.ts';
import { taskSection } from './task.ts';
import { listInWords, NOTHING, plural, rangeInWords } from './words.ts';

/** The report as a whole HTML document that fetches nothing. The same result gives the same bytes. */
export function renderTransferReport(result: TransferResult): string {
  const { tasks, seeds } = result;
  return renderPage(
    { title: 'What pretraining is worth', style: STYLE + TRANSFER_STYLE, script: SCRIPT },
    html`${header(result)}<section><h2>In short</h2>${summaryTable(result)}</section>
${tasks.map((task, i) => taskSection(task, `task-${i}`, seeds.length))}
${recallSection(result)}${runSection(result)}
<footer>Made by dawnlm.</footer>`,
  );
}

function header(result: TransferResult): Html {
  return html`<header><p class="over">Experiment · ${dateInWords(result.startedAt)}</p><h1>What pretraining is worth</h1>
${abstract(result)}${
  !result.complete &&
  html`<p class="notice" role="note">Not all that was planned is measured yet: curves and comparisons hold what is there.
Started again, the experiment goes on where it ended.</p>`
}${keyFigures(result)}</header>`;
}

function abstract(result: TransferResult): Html {
  const { base, tasks, sizes, seeds } = result;
  const { dataCard, parameters, validationLoss } = base;
  return html`<p class="abstract">A transformer of ${count(parameters)} parameters, pretrained on ${dataCard.name}
(${count(dataCard.trainTokens)} tokens${validationLoss !== null && `, validation loss ${loss(validationLoss)}`}), learned
${tasks.length > 0 ? listInWords(tasks.map(({ name }) => name)) : 'no task'} from ${sizesInWords(sizes)} labels${hasAll(result) && ', and from all that there are,'} with
${plural(seeds.length, 'seed')}: tuned whole, by LoRA, and as it is under a new head. Beside it learned the same transformer from
random weights and a method without a network.</p>`;
}

const sizesInWords = (sizes: readonly number[]): string => (sizes.length > 0 ? rangeInWords(sizes, exact) : NOTHING);

/** Whether tasks were also learned from all their labels, which is no size of its own. */
const hasAll = ({ tasks }: TransferResult): boolean =>
  tasks.some(({ curves, all }) => curves.some(({ points }) => points.some(({ n }) => n === all)));

function keyFigures(result: TransferResult): Html {
  const { base, tasks, sizes, seeds } = result;
  const { dataCard, parameters, validationLoss } = base;
  return html`<dl class="key">${keyFigure('Parameters', count(parameters), 'of the pretrained model')}
${keyFigure('Pretrained on', `${count(dataCard.trainTokens)}`, 'tokens')}
${keyFigure('Validation loss', validationLoss === null ? NOTHING : loss(validationLoss), 'nats a token')}
${keyFigure('Tasks', exact(tasks.length), `${plural(sizes.length, 'size')} each`)}
${keyFigure('Labels', sizesInWords(sizes), hasAll(result) ? 'and all, to train on' : 'to train on')}
${keyFigure('Seeds', exact(seeds.length), 'for each number')}</dl>`;
}

/** What would be needed to do it again. */
function runSection({ base, adapter, seconds, sizes, seeds }: TransferResult): Html {
  const { dataCard } = base;
  return html`<section><div class="pair"><div><h2>Pretrained model</h2>${facts([
    ['Folder', base.folder],
    ['Parameters', exact(base.parameters)],
    ['Text', dataCard.name],
    ['Source', dataCard.source],
    ['Licence', dataCard.licence],
    ['Tokenizer', `${dataCard.tokenizer}, ${exact(dataCard.vocabularySize)} tokens`],
    ['SHA-256', html`<code>${base.sha256}</code>`],
  ])}</div><div><h2>Experiment</h2>${facts([
    ['Adapter', adapter.name + (adapter.software ? ' (software)' : '')],
    ['Time', `${durationInWords(1000 * seconds)}, without the pretraining`],
    ['Labels', listInWords(sizes) || NOTHING],
    ['Seeds', seeds.join(', ') || NOTHING],
  ])}</div></div></section>`;
}
