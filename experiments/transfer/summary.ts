/** From single measurements to learning curves, and what they say. Pure functions. */

import { classesOf, type TransferTask } from './cell.ts';
import type { CurveComparison, CurvePoint } from './labelsNeeded.ts';
import { compareCurves } from './labelsNeeded.ts';
import type { TransferPlan } from './plan.ts';
import {
  LEARNERS,
  type Learner,
  type PromptedPoint,
  type TransferCell,
  type TransferResult,
  type TransferTaskResult,
} from './result.ts';
import type { TransferRecord } from './store.ts';

/** What a result says beside what was measured. */
export type TransferFacts = Pick<TransferResult, 'adapter' | 'base' | 'startedAt' | 'complete'>;

/** The whole result of what was measured so far. */
export function summarizeTransfer(
  records: readonly TransferRecord[],
  tasks: readonly TransferTask[],
  plan: TransferPlan,
  facts: TransferFacts,
): TransferResult {
  const cells = records.flatMap((record) => (record.kind === 'cell' ? [record] : []));
  const recall = records.find((record) => record.kind === 'recall');
  return {
    version: 1,
    ...facts,
    seconds: cells.reduce((sum, { seconds }) => sum + seconds, 0),
    ...{ sizes: plan.sizes, seeds: plan.seeds, validated: plan.validated },
    tasks: tasks.map((task) => summarizeTask(task, records, plan)),
    recall: recall?.result ?? null,
  };
}

function summarizeTask(
  task: TransferTask,
  records: readonly TransferRecord[],
  { tested }: TransferPlan,
): TransferTaskResult {
  const { card, parts } = task;
  const cells = records.flatMap((one) => (one.kind === 'cell' && one.task === card.name ? [one] : []));
  const tuned = cells.find(({ learner }) => learner === 'lora');
  return {
    ...{ name: card.name, task: task.task, metric: task.task === 'classify' ? 'accuracy' : 'entity F1', card },
    classes: task.task === 'classify' ? classesOf(task) : Object.keys(card.parts.train.labels).sort(),
    ...{ tested: Math.min(tested, parts.test.length), all: parts.train.length },
    curves: LEARNERS.map((learner) => ({ learner, points: curveOf(cells, learner) })),
    loraShare: tuned?.trained !== undefined && tuned.total !== undefined ? tuned.trained / tuned.total : null,
    pretraining: compare(cells, 'full', 'random'),
    overWords: compare(cells, 'full', 'words'),
    prompted: promptedOf(records, card.name),
  };
}

/** By rising shots; where more draws were asked for later on, those. */
function promptedOf(records: readonly TransferRecord[], task: string): PromptedPoint[] {
  const points = records.flatMap((one) => (one.kind === 'prompted' && one.task === task ? [one] : []));
  const latest = new Map(points.map(({ shots, meanShots, scores }) => [shots, { shots, meanShots, scores }]));
  return [...latest.values()].sort((a, b) => a.shots - b.shots);
}

/** The scores of a learner by rising n, seeds in order. */
function curveOf(cells: readonly TransferCell[], learner: Learner): CurvePoint[] {
  const own = cells.filter((cell) => cell.learner === learner).sort((a, b) => a.n - b.n || a.seed - b.seed);
  return [...new Set(own.map(({ n }) => n))].map((n) => ({
    n,
    scores: own.filter((cell) => cell.n === n).map(({ score }) => score),
  }));
}

/** Two learners where both were trained with the same n and seed. */
function compare(cells: readonly TransferCell[], first: Learner, second: Learner): CurveComparison | null {
  const both = cells.filter((cell) =>
    [first, second].every((learner) =>
      cells.some((other) => other.learner === learner && other.n === cell.n && other.seed === cell.seed),
    ),
  );
  const [a, b] = [curveOf(both, first), curveOf(both, second)];
  return a.length > 0 ? compareCurves(a, b) : null;
}
