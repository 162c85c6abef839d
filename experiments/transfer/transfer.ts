/** Does pretraining pay? The same tasks are learned from few and from many labels, with it and without it, and are prompted. */

import { mean } from 'simple-statistics';
import { UserError } from '../../src/errors.ts';
import type { Base } from '../../src/tasks/fineTuned.ts';
import { evaluatePrompting } from '../../src/tasks/prompt/prompt.ts';
import { parseLabelTemplate, verbalizer } from '../../src/tasks/prompt/template.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import { type RecallPoint, runRecall } from '../recall/run.ts';
import { classesOf, runCell, type TransferTask, testedTexts } from './cell.ts';
import { type CellKey, planCells, sameCell, type TransferPlan } from './plan.ts';
import type { PromptedPoint, TransferCell } from './result.ts';
import type { TransferRecord, TransferStore } from './store.ts';

export interface TransferOptions {
  readonly engine: Engine;
  readonly base: Base;
  readonly tasks: readonly TransferTask[];
  readonly plan: TransferPlan;
  readonly quick: boolean;
  readonly store: TransferStore;
  /** Ends the experiment soon; what was measured is kept. */
  readonly signal: AbortSignal;
  /** After each measurement: how many of all trainings are done. */
  readonly onRecord: (record: TransferRecord, done: number, total: number) => void;
  readonly onRecall?: (point: RecallPoint) => void;
}

/** Measures whatever the store lacks. Returns whether all that was planned is there. */
export async function runTransfer(options: TransferOptions): Promise<boolean> {
  const { tasks, plan, store, signal, onRecord } = options;
  const cells = planCells(
    plan,
    tasks.map(({ card, parts }) => ({ name: card.name, labels: parts.train.length })),
  );
  const missing = cells.filter((key) => !measured(store, key));
  const add = async (record: TransferRecord): Promise<void> => {
    await store.add(record);
    onRecord(record, cells.filter((key) => measured(store, key)).length, cells.length);
  };
  const prompted = tasks.filter((task) => canPrompt(options.base, task));
  if (prompted.length > 0) await recallOnce(options, add);
  await promptAll({ ...options, tasks: prompted }, add);
  for (const key of missing) {
    if (signal.aborted) return false;
    const task = tasks.find(({ card }) => card.name === key.task)!;
    const cell = await measure(options, task, key);
    if (!cell) return false;
    await add({ kind: 'cell', ...cell });
  }
  return !signal.aborted;
}

/** Undefined where the signal cut the training short: that is no measurement, nor is it an error to have learned nothing yet. */
async function measure(
  { base, plan, signal }: TransferOptions,
  task: TransferTask,
  key: CellKey,
): Promise<TransferCell | undefined> {
  try {
    const cell = await runCell(base, task, key, plan, signal);
    return signal.aborted ? undefined : cell;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

const measured = ({ records }: TransferStore, key: CellKey): boolean =>
  records.some((record) => record.kind === 'cell' && sameCell(record, key));

type Add = (record: TransferRecord) => Promise<void>;

async function recallOnce({ engine, quick, store, signal, onRecall }: TransferOptions, add: Add): Promise<void> {
  if (signal.aborted || store.records.some(({ kind }) => kind === 'recall')) return;
  await add({ kind: 'recall', result: await runRecall({ engine, seed: 1, quick, onProgress: onRecall }) });
}

async function promptAll({ base, tasks, plan, store, signal }: TransferOptions, add: Add): Promise<void> {
  for (const task of tasks) {
    for (const shots of plan.shots) {
      const { name } = task.card;
      const draws = shots === 0 ? 1 : plan.seeds.length; // without examples there is nothing to draw
      const there = store.records.some(
        (one) => one.kind === 'prompted' && one.task === name && one.shots === shots && one.scores.length >= draws,
      );
      if (task.task !== 'classify' || there || signal.aborted) continue;
      await add({ kind: 'prompted', task: name, ...(await promptAt(base, task, shots, plan)) });
    }
  }
}

/** A text, and its class on the next line. */
const TEMPLATE = parseLabelTemplate('{text}\nClass: {label}\n\n');

/** Whether the base can write the template, which holds words: what was pretrained on a notation cannot. */
function canPrompt({ tokenizer }: Base, task: TransferTask): boolean {
  if (task.task !== 'classify') return true; // is not prompted, and nothing keeps it from being recalled
  try {
    tokenizer.encode(Object.values(TEMPLATE).join(classesOf(task).join('')));
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

async function promptAt(
  { model, tokenizer }: Base,
  task: TransferTask & { task: 'classify' },
  shots: number,
  { seeds, prompted }: TransferPlan,
): Promise<PromptedPoint> {
  const { runs } = await evaluatePrompting({
    ...{ model, tokenizer, template: TEMPLATE, verbalizer: verbalizer(classesOf(task)) },
    ...{ pool: task.parts.train, tested: testedTexts(task, prompted), shots, seeds, calibrate: true, perToken: false },
  });
  const meanShots = mean(runs.map((run) => run.meanShots));
  return { shots, meanShots, scores: runs.map(({ report }) => report.accuracy) };
}
