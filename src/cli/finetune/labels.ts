/** The way of a verb that tunes to labels, from the command line to a folder, and what it says on the way. */
import { count } from '../../report/format.ts';
import { type DataFormat, openData } from '../../tasks/data.ts';
import type { FineTuneSettings } from '../../tasks/fineTuned.ts';
import { type FinetuneRunOptions, refuseOccupied, tunedFolder } from '../../tasks/finetune.ts';
import type { FineTuned, FineTuneEvent, TuneLimits } from '../../tasks/tune.ts';
import type { TaskCard } from '../../text/labels/taskCard.ts';
import { corpusName } from '../corpus.ts';
import { openEngine } from '../engine.ts';
import { shellWord } from '../options.ts';
import { print, printJson, say } from '../terminal/output.ts';
import { INTERRUPTED, stopSignal } from '../terminal/stopSignal.ts';

export interface LabelFlags {
  run: string;
  checkpoint: 'best' | 'last';
  out?: string;
  force?: boolean;
  resume?: boolean;
  labels?: number;
  adapter?: string;
  json?: boolean;
}

type Settings = FineTuneSettings & TuneLimits;
type Result<Example> = FineTuned<Example, Settings, { readonly loss: number }>;

/** What is a task's own. */
interface LabelVerb<Example, Overrides, Plan extends { settings: Settings }, Scores, Tuned extends Result<Example>> {
  readonly task: string;
  /** What its examples are called. */
  readonly examples: string;
  readonly format: DataFormat<Example>;
  /** Flags about how the data is read, which a resumed tuning must agree in. */
  readonly identity: Readonly<Record<string, unknown>>;
  readonly overrides: Overrides;
  finetune(options: FinetuneRunOptions<Example, Overrides, FineTuneEvent<Plan, Scores>>): Promise<Tuned>;
  /** What to mind of the plan. */
  planNotes(plan: Plan): readonly string[];
  scoreInWords(scores: Scores): string;
  /** What the test parts say: for machines, and for people, each under its name. */
  figures(tuned: Tuned): object;
  tables(tuned: Tuned): Readonly<Record<string, string>>;
}

/** Tunes a run to the data that was given, and prints what comes of it. */
export async function tuneToLabels<
  Example,
  O,
  Plan extends { settings: Settings },
  Scores,
  Tuned extends Result<Example>,
>(
  given: string,
  { out, force, resume = false, adapter: choice, json, run, checkpoint, labels }: LabelFlags,
  verb: LabelVerb<Example, O, Plan, Scores, Tuned>,
): Promise<void> {
  const folder = tunedFolder(run, corpusName(given), out);
  if (!resume) refuseOccupied(folder, run, force);
  const data = await openData(given, verb.format, say);
  const { overrides, identity } = verb;
  if (json) printJson({ type: 'data', card: data.card });
  say(dataInWords(data.card, verb.examples));
  const onEvent = (event: FineTuneEvent<Plan, Scores>): void => {
    if (json) printJson(event);
    for (const line of inWords(event, verb)) say(line);
  };
  const opened = await openEngine(choice);
  const control = { labels, resume, signal: stopSignal(), onEvent };
  const tuned = await verb.finetune({ ...opened, run, checkpoint, folder, data, overrides, identity, ...control });
  const { status, best, trained, total, settings } = tuned;
  if (json)
    printJson({ ...{ type: 'result', status, folder, best, trained, total, settings }, ...verb.figures(tuned) });
  else printTuned(tuned, folder, verb.task, verb.tables(tuned));
  if (status !== 'stopped') return;
  say('the same command with --resume goes on');
  process.exitCode = INTERRUPTED;
}

/** What is in a data set, and what was left out of it. */
function dataInWords({ name, parts, duplicates, licence, note }: TaskCard, examples: string): string {
  const { within, across, conflicting } = duplicates;
  const sizes = Object.entries(parts).map(([part, counts]) => `${count(counts.examples)} ${part}`);
  const removed = `${count(within)} duplicates, ${count(across)} across parts, ${count(conflicting)} with several labels`;
  return `data: ${name}, ${examples}: ${sizes.join(', ')}; removed: ${removed}; licence: ${licence}. ${note}`;
}

function inWords<Plan extends { settings: Settings }, Scores>(
  event: FineTuneEvent<Plan, Scores>,
  {
    examples: called,
    planNotes,
    scoreInWords,
  }: Pick<LabelVerb<never, never, Plan, Scores, never>, 'examples' | 'planNotes' | 'scoreInWords'>,
): readonly string[] {
  if (event.type === 'plan') {
    const { settings, trained, total, examples } = event;
    const start = settings.randomStart ? ' from random weights' : '';
    const data = `${count(examples.train)} ${called} to train on, ${count(examples.validation)} to validate`;
    const size = `${count(trained)} numbers trained, ${count(total)} in the model and head`;
    return [
      `tuning: ${settings.method}${start}, ${size}; ${data}, at most ${count(settings.steps)} steps`,
      ...planNotes(event),
    ];
  }
  const { step, loss, validationLoss, best } = event;
  const losses = `loss ${loss.toFixed(3)}, validation loss ${validationLoss.toFixed(3)}`;
  return [`step ${step}: ${losses}, ${scoreInWords(event)}${best ? ' (best so far)' : ''}`];
}

const ENDED = { finished: 'finished', early: 'ended early, nothing was better', stopped: 'stopped' } as const;

function printTuned(
  { status, best }: Result<unknown>,
  folder: string,
  task: string,
  tables: Readonly<Record<string, string>>,
): void {
  const kept = `kept: the weights of step ${best.step}, validation loss ${best.evaluation.loss.toFixed(3)}`;
  print(`\n${ENDED[status]}; ${kept}\n`);
  for (const [part, text] of Object.entries(tables)) print(`\nOn the ${part} part:\n${text}\n`);
  print(`tuned model: ${folder}\ntry it: npx dawnlm ${task} --run ${shellWord(folder)} "a text of your own"\n`);
}
