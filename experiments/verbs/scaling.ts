import { join } from 'node:path';
import type { Command } from 'commander';
import { corpora } from '../../data/corpora.ts';
import { CORPUS_ARGUMENT, openCorpus } from '../../src/cli/corpus.ts';
import { openEngine } from '../../src/cli/engine.ts';
import { holdFolder } from '../../src/cli/holdFolder.ts';
import { adapterOption, examples, jsonOption, outOption, sameCommand, seedNumber } from '../../src/cli/options.ts';
import { print, printJson, say } from '../../src/cli/terminal/output.ts';
import { Progress } from '../../src/cli/terminal/progress.ts';
import { stopSignal } from '../../src/cli/terminal/stopSignal.ts';
import { RECIPE } from '../../src/cost/rule.ts';
import { writeAtomic } from '../../src/node/files.ts';
import { resolveConfig } from '../../src/train/config.ts';
import { textMaterial } from '../../src/train/run/material.ts';
import { type RunKey, scalingPlan } from '../scaling/plan.ts';
import type { ScalingResult, ScalingRun } from '../scaling/result.ts';
import { isRun, runScaling, runsOf } from '../scaling/scaling.ts';
import { ScalingStore } from '../scaling/store.ts';
import { summarizeScaling } from '../scaling/summary.ts';
import { runInWords, scalingTables } from './scalingTables.ts';

interface Flags {
  quick?: boolean;
  out?: string;
  seed: number;
  adapter?: string;
  json?: boolean;
}

/** `dawnlm experiment scaling`. */
export function addExperimentScaling(experiment: Command): void {
  experiment
    .command('scaling')
    .description(
      'which size for how long a training? a miniseries, its scaling law, and a prediction that is then measured',
    )
    .argument('[corpus]', `${CORPUS_ARGUMENT} (default: ${corpora[0].name})`)
    .option('--quick', 'a tenth of the operations: a quarter of an hour or so in place of 90 minutes')
    .addOption(
      outOption('where results go; what is there already is not measured again (default: runs/experiment-scaling)'),
    )
    .option('--seed <n>', 'of weights, windows and draws', seedNumber, 1)
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples('dawnlm experiment scaling --quick', 'dawnlm experiment scaling my.txt --out runs/law'),
    )
    .action(scaling);
}

async function scaling(given: string = corpora[0].name, { quick = false, seed, json, ...flags }: Flags): Promise<void> {
  const out = flags.out ?? join('runs', 'experiment-scaling');
  const plan = scalingPlan(quick);
  const { blockSize, batchSize, heldOut } = plan;
  const lock = await holdFolder(out);
  const corpus = await openCorpus(given);
  const { engine, adapter } = await openEngine(flags.adapter);
  engine.precision = 'float32';
  const { tokenizer, card, dataset } = await textMaterial(corpus, resolveConfig(RECIPE, { blockSize, batchSize }));
  const identity = { text: card.sha256, adapter: adapter.name, seed, blockSize, batchSize, heldOut, recipe: RECIPE };
  const store = await ScalingStore.open(out, { ...identity, startedAt: new Date().toISOString() }, lock);
  const { startedAt } = store.identity;
  const summarize = (runs: readonly ScalingRun[]) =>
    summarizeScaling(runs, card, {
      ...{ blockSize, leastSteps: plan.leastSteps, seed },
      from: `${runs.length} runs of ${plan.budgets[0]} to ${plan.budgets.at(-1)} operations, ${startedAt.slice(0, 10)}, ${adapter.name}`,
    });
  const signal = stopSignal('Stopping; what was measured is kept. Ctrl-C again ends at once.');
  const progress = new Progress();
  const complete = await runScaling({
    ...{ engine, text: { tokenizer, dataset, heldOut }, plan, seed, store, signal },
    lawOf: (runs) => summarize(runs).law,
    onStep: (_: RunKey, step, steps, loss) => progress.update({ step, steps, loss }),
    onRecord: (record, done, total) => {
      if (json) printJson(record);
      progress.note(runInWords(record, done, total));
    },
  }).finally(() => progress.end());
  const prediction = store.records.find((record) => record.kind === 'prediction');
  const measured = prediction && runsOf(store).find((run) => isRun(run, prediction));
  const series = runsOf(store).filter((run) => run !== measured);
  const result: ScalingResult = {
    ...{ version: 1, adapter, startedAt, complete, seed, dataCard: card, blockSize, batchSize, heldOut },
    seconds: runsOf(store).reduce((sum, { seconds }) => sum + seconds, 0),
    runs: series,
    ...summarize(series),
    prediction: prediction ? { ...prediction, measured: measured?.loss ?? null } : null,
  };
  await finish(out, result, json);
  if (complete) return;
  say(`stopped; the same command goes on: ${sameCommand('experiment scaling')}`);
  process.exitCode = signal.reason;
}

async function finish(out: string, result: ScalingResult, json = false): Promise<void> {
  await writeAtomic(join(out, 'scaling.json'), `${JSON.stringify(result, undefined, 2)}\n`);
  if (result.law) await writeAtomic(join(out, 'law.json'), `${JSON.stringify(result.law, undefined, 2)}\n`);
  const { renderScalingReport } = await import('../report/scaling.ts');
  await writeAtomic(join(out, 'scaling.html'), renderScalingReport(result));
  if (json) printJson({ kind: 'result', ...result });
  else print(`${scalingTables(result)}\nreport: ${join(out, 'scaling.html')}\n`);
}
