/** What the verbs that tune to labels share: the way to the data and the engine, and what is said on the way and in the end. */
import type { FolderLock } from '../../node/lock.ts';
import { count } from '../../report/format.ts';
import { shellWord } from '../../shellWord.ts';
import type { LabelledData } from '../../tasks/data.ts';
import { refuseOccupied, tunedFolder } from '../../tasks/finetune.ts';
import type { FineTuneSettings } from '../../tasks/settings.ts';
import type { FineTuned, FineTuneEvent } from '../../tasks/tune.ts';
import type { TaskCard } from '../../text/labels/taskCard.ts';
import { isOccupied, moveAside } from '../../train/place.ts';
import { readRunCard } from '../../train/runFolder.ts';
import { corpusName } from '../corpus.ts';
import { openEngine } from '../engine.ts';
import { holdFolder } from '../holdFolder.ts';
import { type RunFlags, sameCommand } from '../options.ts';
import { outliveOutput, print, printJson, say } from '../terminal/output.ts';
import { stopSignal } from '../terminal/stopSignal.ts';

export interface LabelFlags extends RunFlags {
  out?: string;
  force?: boolean;
  resume?: boolean;
  labels?: number;
}

/** Opens what a tuning needs, holds the folder that it is kept in, and says what is in the data. `examples`: what they are called. */
export async function openTuning<Example>(
  given: string,
  { run, checkpoint, out, force, resume = false, labels, adapter, json }: LabelFlags,
  examples: string,
  open: () => Promise<LabelledData<Example>>,
) {
  await readRunCard(run);
  const folder = tunedFolder(run, corpusName(given), out);
  const lock = await holdFolder(folder, resume);
  if (!resume) refuseOccupied(folder, run, force);
  const data = await open();
  outliveOutput();
  if (json) printJson({ type: 'data', card: data.card });
  say(dataInWords(data.card, examples));
  const opened = await openEngine(adapter);
  if (force && !resume && isOccupied(folder)) await moveAside(lock, say); // now that all else is well
  return { ...opened, run, checkpoint, lock, data, labels, resume, signal: stopSignal() };
}

/** What is in a data set, and what was left out of it. */
function dataInWords({ name, parts, duplicates, licence, note }: TaskCard, examples: string): string {
  const { within, across, conflicting } = duplicates;
  const sizes = Object.entries(parts).map(([part, counts]) => `${count(counts.examples)} ${part}`);
  const removed = `${count(within)} duplicates, ${count(across)} across parts, ${count(conflicting)} with several labels`;
  const labels = Object.keys(parts.train.labels).length;
  return `data: ${name}, ${examples} with ${labels} labels: ${sizes.join(', ')}; removed: ${removed}; licence: ${licence}. ${note}`;
}

/** Tells an event. `score`: a validation's, in words; `notes`: what to mind of a plan. */
export function tell(
  event: FineTuneEvent<{ settings: FineTuneSettings }, object>,
  { json }: LabelFlags,
  words: { examples: string; score?: string; notes?: readonly string[] },
): void {
  if (json) printJson(event);
  if (event.type === 'plan') {
    const { settings, trained, total, examples } = event;
    const start = settings.randomStart ? ' from random weights' : '';
    const size = `${count(trained)} numbers trained, ${count(total)} in the model and head`;
    const data = `${count(examples.train)} ${words.examples} to train on, ${count(examples.validation)} to validate`;
    say(`tuning: ${settings.method}${start}, ${size}; ${data}, at most ${count(settings.steps)} steps`);
    for (const note of words.notes ?? []) say(note);
    return;
  }
  const { step, loss, validationLoss, best } = event;
  const losses = `loss ${loss.toFixed(3)}, validation loss ${validationLoss.toFixed(3)}`;
  say(`step ${step}: ${losses}, ${words.score}${best ? ' (best so far)' : ''}`);
}

const ENDED = { finished: 'finished', early: 'ended early, nothing was better', stopped: 'stopped' } as const;

/** Prints what came of a tuning, and sets the exit code. `figures`: what the test parts say, for machines; `tables`: for people, each under its name. */
export function printTuned(
  tuned: FineTuned<unknown, FineTuneSettings, { readonly loss: number }>,
  { lock: { folder }, signal }: { lock: FolderLock; signal: AbortSignal },
  { json }: LabelFlags,
  { task, figures, tables }: { task: string; figures: object; tables: Readonly<Record<string, string>> },
): void {
  const { status, best, trained, total, settings } = tuned;
  if (json) printJson({ type: 'result', status, folder, best, trained, total, settings, ...figures });
  else {
    const loss = best.evaluation.loss.toFixed(3);
    print(`\n${ENDED[status]}; kept: the weights of step ${best.step}, validation loss ${loss}\n`);
    for (const [part, text] of Object.entries(tables)) print(`\nOn the ${part} part:\n${text}\n`);
    print(`tuned model: ${folder}\ntry it: npx dawnlm ${task} --run ${shellWord(folder)} "a text of your own"\n`);
  }
  if (status !== 'stopped') return;
  say(`continue: ${sameCommand(`finetune ${task}`, '--resume', '--force')}`);
  process.exitCode = signal.reason;
}
