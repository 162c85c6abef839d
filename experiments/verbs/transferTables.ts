/** The transfer experiment in words and tables. */

import { mean } from 'simple-statistics';
import { table } from '../../src/cli/terminal/output.ts';
import { count } from '../../src/report/format.ts';
import { deviation } from '../../src/tasks/metrics/statistics.ts';
import { times } from '../report/words.ts';
import type { CurvePoint, LabelsNeeded } from '../transfer/labelsNeeded.ts';
import type { TransferResult, TransferTaskResult } from '../transfer/result.ts';
import type { TransferRecord } from '../transfer/store.ts';

const percent = (share: number): string => (100 * share).toFixed(1);

/** A line for a measurement. */
export function cellInWords(record: TransferRecord, done: number, total: number): string {
  if (record.kind === 'recall') return `recall: ${percent(record.result.scores[8].accuracy)}% with 8 shots`;
  if (record.kind === 'prompted') {
    return `${record.task}, prompted with ${record.shots} shots: ${percent(mean(record.scores))}%`;
  }
  const { task, learner, n, seed, score, seconds } = record;
  return `${done}/${total}  ${task}, ${learner}, ${count(n)} labels, seed ${seed}: ${percent(score)}%  ${seconds.toFixed(1)} s`;
}

/** For each task a table of scores by number of labels and learner, and what pretraining was worth. */
export const transferTables = ({ tasks }: TransferResult): string => tasks.map(taskTable).join('\n');

function taskTable({ name, metric, curves, pretraining, prompted }: TransferTaskResult): string {
  const sizes = [...new Set(curves.flatMap(({ points }) => points.map(({ n }) => n)))].sort((a, b) => a - b);
  const at = (points: readonly CurvePoint[], n: number): string => {
    const scores = points.find((point) => point.n === n)?.scores;
    if (!scores) return '';
    return `${percent(mean(scores))}${scores.length > 1 ? ` +-${percent(deviation(scores))}` : ''}`;
  };
  const rows = sizes.map((n) => [
    count(n),
    ...curves.map(({ points }) => at(points, n)),
    gainAt(pretraining, n),
    neededAt(pretraining?.labelsNeeded, n),
  ]);
  const head = ['labels', ...curves.map(({ learner }) => learner), 'full - random', 'random needs'];
  const prompts = prompted.map(({ shots, scores }) => `${shots} shots ${percent(mean(scores))}`).join(', ');
  return `${name}, ${metric} in percent\n${table([head, ...rows])}${prompts && `prompted: ${prompts}\n`}`;
}

function gainAt(pretraining: TransferTaskResult['pretraining'], n: number): string {
  const gain = pretraining?.gains.find((one) => one.n === n);
  return gain ? `${gain.gain > 0 ? '+' : ''}${percent(gain.gain)}${gain.beyondSpread ? ' *' : ''}` : '';
}

const BOUNDS = { about: '', 'at most': '<= ', 'more than': '> ' } as const;

function neededAt(needed: readonly LabelsNeeded[] | undefined, n: number): string {
  const one = needed?.find((each) => each.n === n);
  return one ? `${BOUNDS[one.bound]}${count(Math.round(one.labels))} (${times(one.factor, one.bound)})` : '';
}
