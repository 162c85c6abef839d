/** The table that a reader takes home: what pretraining was worth, task by task. */

import { mean } from 'simple-statistics';
import { exact, percent } from '../../src/report/format.ts';
import { type Html, html } from '../../src/report/html.ts';
import type { Gain, LabelsNeeded } from '../transfer/labelsNeeded.ts';
import type { TransferResult, TransferTaskResult } from '../transfer/result.ts';
import {
  curveOf,
  LEARNERS_IN_WORDS,
  learnerName,
  listInWords,
  meanInWords,
  NOTHING,
  plural,
  pointsInWords,
  rangeInWords,
  times,
} from './words.ts';

/** "Few labels" ends here; what a report says of few labels looks no further. */
const FEW = 512;

/** Where a bag of words has little to go by. */
const VERY_FEW = 64;

const ROWS: readonly [string, (task: TransferTaskResult) => string][] = [
  ['Measured', ({ metric, tested, task }) => `${metric} on ${plural(tested, task === 'tag' ? 'sentence' : 'text')}`],
  ['With the fewest labels', ({ pretraining }) => sideBySide(pretraining?.gains[0])],
  [`With ${FEW} labels, or the most of both`, ({ pretraining }) => sideBySide(atFew(pretraining?.gains ?? []))],
  ['Labels that random needs to match full', ({ pretraining }) => factors(pretraining?.labelsNeeded ?? [])],
  [`Full above random, up to ${FEW} labels`, ({ pretraining }) => verdict(pretraining?.gains ?? [], FEW)],
  ['LoRA against full', loraAgainstFull],
  [`Full above words, up to ${VERY_FEW} labels`, ({ overWords }) => verdict(overWords?.gains ?? [], VERY_FEW)],
];

/** A column for each task. */
export function summaryTable({ tasks, validated }: TransferResult): Html {
  if (tasks.length === 0) return html`<p>No task was measured.</p>`;
  return html`<div class="scroll"><table class="summary"><thead><tr><th scope="col"></th>${tasks.map(
    ({ name }) => html`<th scope="col">${name}</th>`,
  )}</tr></thead><tbody>${ROWS.map(
    ([name, cell]) => html`<tr><th scope="row">${name}</th>${tasks.map((task) => html`<td>${cell(task)}</td>`)}</tr>`,
  )}</tbody></table></div>
<p class="caption">Scores are means ± one standard deviation over the seeds, differences are in percentage points. Beyond the spread:
the bands of one standard deviation around the two means lie apart. More than: random is not there with the most labels it had;
at most: it is there with the fewest. The transformers also have validation labels, which tell when to stop: as many as to train on,
${exact(validated)} at most. Words and majority learn without.</p>
${learners()}`;
}

const learners = (): Html =>
  html`<h3>Who learns</h3><table class="facts"><tbody>${LEARNERS_IN_WORDS.map(
    ([learner, words]) => html`<tr><th scope="row">${learnerName(learner)}</th><td>${words}</td></tr>`,
  )}</tbody></table>`;

const atFew = (gains: readonly Gain[]): Gain | undefined => gains.find(({ n }) => n === FEW) ?? gains.at(-1);

/** "full 61.2% ± 2.1, random 40.0% ± 3.0 with 8 labels". */
function sideBySide(gain: Gain | undefined): string {
  if (!gain) return NOTHING;
  const { n, first, firstDeviation, second, secondDeviation, seeds } = gain;
  const [full, random] = [meanInWords(first, firstDeviation, seeds), meanInWords(second, secondDeviation, seeds)];
  return `full ${full}, random ${random} with ${plural(n, 'label')}`;
}

const BOUNDS = ['about', 'more than', 'at most'] as const;

/** "about 2.1× to 8.3× for 16, 32 and 64; more than 4× for 128": what is measured and what is only bounded stay apart. */
function factors(needed: readonly LabelsNeeded[]): string {
  const parts = BOUNDS.map((bound) => factorsOf(needed.filter((one) => one.bound === bound)));
  return parts.filter((part) => part !== '').join('; ') || NOTHING;
}

function factorsOf(needed: readonly LabelsNeeded[]): string {
  if (needed.length === 0) return '';
  const [{ bound }] = needed;
  const [least, ...more] = rangeOf(needed.map(({ factor }) => factor)).map((factor) => times(factor, bound));
  const ends = [
    least,
    ...more.filter((most) => most !== least).map((most) => (bound === 'about' ? most : `${bound} ${most}`)),
  ];
  return `${bound} ${ends.join(' to ')} as many for ${listInWords(needed.map(({ n }) => n))}`;
}

const rangeOf = (values: readonly number[]): [number, number] => [Math.min(...values), Math.max(...values)];

/** Whether the first is ahead at every n up to `most`, by how much, and whether that is more than the seeds spread. */
function verdict(gains: readonly Gain[], most: number): string {
  const few = gains.filter(({ n }) => n <= most);
  if (few.length === 0) return NOTHING;
  const range = rangeInWords(
    few.map(({ gain }) => gain),
    pointsInWords,
  );
  return `${ahead(few)} (${range})`;
}

function ahead(gains: readonly Gain[]): string {
  const behind = gains.filter(({ gain }) => !(gain > 0)).map(({ n }) => n);
  const single = gains.filter(({ seeds }) => seeds < 2).map(({ n }) => n);
  const within = gains
    .filter(({ gain, seeds, beyondSpread }) => gain > 0 && seeds > 1 && !beyondSpread)
    .map(({ n }) => n);
  if (behind.length + within.length === 0) {
    const several = gains.filter(({ seeds }) => seeds > 1).map(({ n }) => n);
    if (several.length === 0) return `yes at ${all(gains)}, of a single seed, which has no spread`;
    if (single.length === 0) return `yes at ${all(gains)}, beyond the spread`;
    return `yes at ${listInWords(several)}, beyond the spread, and with a single seed at ${listInWords(single)}`;
  }
  const parts = [
    behind.length > 0 && `not above at ${listInWords(behind)}`,
    within.length > 0 && `within the spread at ${listInWords(within)}`,
  ];
  return `no: ${parts.filter((part) => part !== false).join(', ')}`;
}

const all = (gains: readonly Gain[]): string =>
  gains.length === 1 ? 'the one size' : `all ${gains.length} sizes measured`;

/** The distance of the means where both were measured, and how little of the model LoRA trains. */
function loraAgainstFull(task: TransferTaskResult): string {
  const full = new Map(curveOf(task, 'full').map(({ n, scores }) => [n, mean(scores)]));
  const distances = curveOf(task, 'lora').flatMap(({ n, scores }) =>
    full.has(n) ? [mean(scores) - full.get(n)!] : [],
  );
  const parts = [
    distances.length > 0 && `${pointsInWords(mean(distances))} on average (${rangeInWords(distances, pointsInWords)})`,
    task.loraShare !== null && `trains ${percent(task.loraShare)} of the parameters`,
  ];
  return parts.filter((part) => part !== false).join('; ') || NOTHING;
}
