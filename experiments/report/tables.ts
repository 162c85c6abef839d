/** The curves and their comparisons in numbers. */

import { exact } from '../../src/report/format.ts';
import { type Html, html } from '../../src/report/html.ts';
import type { CurveComparison, CurvePoint, Gain, LabelsNeeded } from '../transfer/labelsNeeded.ts';
import { LEARNERS, type PromptedPoint, type TransferTaskResult } from '../transfer/result.ts';
import {
  curveOf,
  learnerName,
  NOTHING,
  plural,
  pointsInWords,
  probabilityInWords,
  scoreInWords,
  times,
} from './words.ts';

const table = (columns: readonly string[], rows: readonly (readonly string[])[]): Html =>
  html`<div class="scroll"><table><thead><tr>${columns.map(
    (column) => html`<th scope="col" class="number">${column}</th>`,
  )}</tr></thead><tbody>${rows.map(
    ([first, ...rest]) =>
      html`<tr><th scope="row" class="number">${first}</th>${rest.map(
        (cell) => html`<td class="number">${cell}</td>`,
      )}</tr>`,
  )}</tbody></table></div>`;

/** Mean and deviation of every learner at every n. */
export function scoresTable(task: TransferTaskResult, seeds: number): Html | false {
  const curves = LEARNERS.map((learner) => curveOf(task, learner));
  const sizes = [...new Set(curves.flatMap((points) => points.map(({ n }) => n)))].sort((a, b) => a - b);
  if (sizes.length === 0) return false;
  const rows = sizes.map((n) => [sizeInWords(n, task.all), ...curves.map((points) => cellAt(points, n, seeds))]);
  return html`<details><summary>The curves in numbers</summary>${table(['Labels', ...LEARNERS.map(learnerName)], rows)}</details>`;
}

const sizeInWords = (n: number, all: number): string => (n === all ? `${exact(n)}, all` : exact(n));

/** Where seeds are still missing, the cell says how many it is of. */
function cellAt(points: readonly CurvePoint[], n: number, seeds: number): string {
  const scores = points.find((point) => point.n === n)?.scores;
  if (!scores) return NOTHING;
  return scoreInWords(scores) + (scores.length < seeds ? ` (${plural(scores.length, 'seed')})` : '');
}

/** What `first` gains over `second` at each n, and how many labels the second needs instead. */
export function comparison(first: string, second: string, compared: CurveComparison | null): Html {
  const title = html`<h3>${first} against ${second}</h3>`;
  if (!compared) return html`${title}<p>Not measured yet.</p>`;
  const { gains, labelsNeeded } = compared;
  const sizes = [...new Set([...gains, ...labelsNeeded].map(({ n }) => n))].sort((a, b) => a - b);
  const rows = sizes.map((n) => [
    exact(n),
    ...gainCells(gains.find((gain) => gain.n === n)),
    neededInWords(labelsNeeded.find((needed) => needed.n === n)),
  ]);
  const columns = ['Labels', 'Gain', 'Deviation', 'Better in', 'p', 'Beyond the spread', `Labels that ${second} needs`];
  return html`${title}${table(columns, rows)}
<p class="caption">Gains in percentage points, seed by seed. p: ${compared.test}, each number of labels by itself. A seed draws labels and
weights; the texts of the test are the same for all.</p>`;
}

function gainCells(gain: Gain | undefined): string[] {
  if (!gain) return Array(5).fill(NOTHING);
  const { gainDeviation, seeds, wins, p, beyondSpread } = gain;
  const spread = seeds > 1 ? (100 * gainDeviation).toFixed(1) : NOTHING;
  const beyond = beyondSpread ? 'yes' : 'no';
  return [pointsInWords(gain.gain), spread, `${wins} of ${seeds}`, probabilityInWords(p), seeds > 1 ? beyond : NOTHING];
}

/** "about 130 (8.1×)". */
function neededInWords(needed: LabelsNeeded | undefined): string {
  if (!needed) return NOTHING;
  return `${needed.bound} ${exact(Math.round(needed.labels))} (${times(needed.factor, needed.bound)})`;
}

/** Scores by shots, with how many examples found room in the context. */
export const shotsTable = (prompted: readonly PromptedPoint[]): Html =>
  table(
    ['Shots', 'Fitted', 'Score', 'Draws'],
    prompted.map(({ shots, meanShots, scores }) => [
      ...[exact(shots), meanShots.toFixed(1), scoreInWords(scores), exact(scores.length)],
    ]),
  );
