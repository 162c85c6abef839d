import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { findTaskSet, taskSets } from '../../data/corpora.ts';
import { prepareTask } from '../../data/prepare.ts';
import { openCorpus } from '../../src/cli/corpus.ts';
import { type OpenedEngine, openEngine } from '../../src/cli/engine.ts';
import { holdFolder } from '../../src/cli/holdFolder.ts';
import {
  adapterOption,
  examples,
  jsonOption,
  number,
  outOption,
  runOption,
  sameCommand,
} from '../../src/cli/options.ts';
import { print, printJson, say } from '../../src/cli/terminal/output.ts';
import { Progress } from '../../src/cli/terminal/progress.ts';
import { stopSignal } from '../../src/cli/terminal/stopSignal.ts';
import { watch } from '../../src/cli/terminal/trainOutput.ts';
import { UsageError, UserError } from '../../src/errors.ts';
import { writeAtomic } from '../../src/node/files.ts';
import { resolveConfig, type TrainConfig } from '../../src/train/config.ts';
import { trainRun } from '../../src/train/run/run.ts';
import { FILES, isRunFolder } from '../../src/train/runFolder.ts';
import { linkTo, loadRun, type SavedRun } from '../../src/train/savedRun.ts';
import type { TransferTask } from '../transfer/cell.ts';
import { transferPlan } from '../transfer/plan.ts';
import type { TransferResult } from '../transfer/result.ts';
import { TransferStore } from '../transfer/store.ts';
import { summarizeTransfer } from '../transfer/summary.ts';
import { runTransfer } from '../transfer/transfer.ts';
import { cellInWords, transferTables } from './transferTables.ts';

interface Flags {
  quick?: boolean;
  run?: string;
  tasks?: string[];
  sizes?: number[];
  seeds?: number;
  out: string;
  adapter?: string;
  json?: boolean;
}

/** Short texts and sentences, which an hour suffices for. */
const TASKS = ['wordnet-glosses', 'spam-assassin', 'state-of-the-union', 'synthetic-names'];
const QUICK_TASKS = ['wordnet-glosses', 'synthetic-names'];

/** What a base is pretrained on, and how. */
const CORPUS = 'english';
const base = (quick: boolean): TrainConfig =>
  resolveConfig('base', quick ? { steps: 300, evalEvery: 100, checkpointEvery: 100 } : {});

const sizes = (text: string): number[] => {
  const values = text.split(',').map(Number);
  if (values.every((n) => Number.isInteger(n) && n >= 2)) return values;
  throw new InvalidArgumentError('It must be whole numbers of 2 or more with commas between, such as 8,64,512.');
};

/** `dawnlm experiment transfer`. */
export function addExperimentTransfer(experiment: Command): void {
  experiment
    .command('transfer')
    .description('does pretraining pay? the same tasks from few and many labels, with it and without; Ctrl-C keeps all')
    .option('--quick', 'minutes in place of hours: a base that read little, two tasks, few labels, two seeds')
    .addOption(runOption(`pretrained run to begin with (default: one is trained on ${CORPUS})`))
    .option(
      '--tasks <names...>',
      `data sets, of ${taskSets.map(({ name }) => name).join(', ')} (default: ${TASKS.join(', ')})`,
    )
    .option('--sizes <numbers>', 'numbers of labels, with commas between', sizes)
    .option('--seeds <n>', 'how many seeds', number({ least: 1, most: 100, whole: true }))
    .addOption(
      outOption('where results go; what is there already is not measured again').default('runs/experiment-transfer'),
    )
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        'dawnlm experiment transfer --quick --out runs/quick-transfer',
        'dawnlm experiment transfer --run runs/english --tasks wordnet-glosses --sizes 8,64,512',
      ),
    )
    .action(transfer);
}

async function transfer({ quick = false, out, json, ...flags }: Flags): Promise<void> {
  const plan = transferPlan(quick, flags);
  const tasks = await openTasks(flags.tasks ?? (quick ? QUICK_TASKS : TASKS));
  const lock = await holdFolder(out);
  const opened = await openEngine(flags.adapter);
  const signal = stopSignal();
  const { tested, prompted, validated, mostSteps, maxTokens } = plan;
  const settings = { adapter: opened.adapter.name, tested, prompted, validated, mostSteps, maxTokens };
  await TransferStore.check(out, settings);
  const pretrained = flags.run ?? (await pretrain(join(out, 'base'), opened, quick, signal));
  if (signal.aborted) return stopped(signal);
  const run = await loadRun(opened.engine, pretrained, 'best');
  const link = await linkTo(pretrained, out, 'best');
  const startedAt = new Date().toISOString();
  const store = await TransferStore.open(out, { base: link.sha256, ...settings, startedAt }, lock);
  const result = (complete: boolean): TransferResult =>
    summarizeTransfer(store.records, tasks, plan, {
      ...{ adapter: opened.adapter, startedAt: store.identity.startedAt, complete },
      base: baseInFigures(run, link.folder, link.sha256),
    });
  const complete = await runTransfer({
    ...{ engine: opened.engine, base: run, tasks, plan, quick, store, signal },
    onRecord: (record, done, total) => {
      if (json) printJson(record);
      say(cellInWords(record, done, total));
    },
    onRecall: ({ step, loss }) => {
      if (step % 100 === 0) say(`recall: step ${step}, loss ${loss.toFixed(3)}`);
    },
  });
  await finish(out, result(complete), json);
  if (!complete) stopped(signal);
}

/** Data sets by their names. @throws UsageError for a name that is none */
async function openTasks(names: readonly string[]): Promise<TransferTask[]> {
  const tasks: TransferTask[] = [];
  for (const name of new Set(names)) {
    const set = findTaskSet(name);
    if (!set) {
      throw new UsageError(`there is no data set "${name}"; known ones: ${taskSets.map((one) => one.name).join(', ')}`);
    }
    tasks.push(await prepareTask(set, say));
  }
  return tasks;
}

/** Trains a base, or goes on where its training stopped. Returns its folder. */
async function pretrain(
  folder: string,
  { engine, adapter }: OpenedEngine,
  quick: boolean,
  signal: AbortSignal,
): Promise<string> {
  const config = base(quick);
  const progress = new Progress();
  const resume = existsSync(join(folder, FILES.resume));
  if (isRunFolder(folder) && !resume)
    throw new UserError(`${folder} was ended before its first checkpoint: remove it.`);
  say(resume ? `going on with ${folder}` : `pretraining a base on ${CORPUS}, in ${folder}`);
  const corpus = await openCorpus(CORPUS);
  const { status } = await trainRun({
    ...{ corpus, engine, adapter, config, folder, resume, signal, onEvent: watch(progress) },
  }).finally(() => progress.end());
  if (status === 'diverged') throw new UserError(`the pretraining in ${folder} diverged: look at its report.html`);
  return folder;
}

const baseInFigures = (
  { model, state, dataCard }: SavedRun,
  folder: string,
  sha256: string,
): TransferResult['base'] => ({
  ...{ folder, sha256, parameters: model.parameters.count },
  ...{ validationLoss: state?.bestValidationLoss ?? null, dataCard },
});

async function finish(out: string, result: TransferResult, json = false): Promise<void> {
  await writeAtomic(join(out, 'transfer.json'), `${JSON.stringify(result, undefined, 2)}\n`);
  const { renderTransferReport } = await import('../report/transfer.ts');
  await writeAtomic(join(out, 'transfer.html'), renderTransferReport(result));
  if (json) printJson({ kind: 'result', ...result });
  else print(`${transferTables(result)}\nreport: ${join(out, 'transfer.html')}\n`);
}

function stopped({ reason }: AbortSignal): void {
  say(`stopped; the same command goes on: ${sameCommand('experiment transfer')}`);
  process.exitCode = reason;
}
