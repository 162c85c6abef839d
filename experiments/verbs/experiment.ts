import { join } from 'node:path';
import type { Command } from 'commander';
import { adapterInWords, openEngine } from '../../src/cli/engine.ts';
import { holdFolder } from '../../src/cli/holdFolder.ts';
import { adapterOption, examples, jsonOption, number, outOption } from '../../src/cli/options.ts';
import { print, printJson, say, table } from '../../src/cli/terminal/output.ts';
import { writeAtomic } from '../../src/node/files.ts';
import { count, durationInWords, loss, percent } from '../../src/report/format.ts';
import { type RecallResult, runRecall } from '../recall/run.ts';
import { addExperimentCheckup } from './checkup.ts';
import { addExperimentDomains } from './domains.ts';
import { addExperimentScaling } from './scaling.ts';
import { addExperimentTransfer } from './transfer.ts';
import { addExperimentTrust } from './trust.ts';

interface RecallOptions {
  quick?: boolean;
  out: string;
  seed: number;
  adapter?: string;
  json?: boolean;
}

/** `dawnlm experiment`. */
export function addExperiment(program: Command): void {
  const experiment = program.command('experiment').description('what these models can do, measured from scratch');
  experiment
    .command('recall')
    .description('a tiny model learns to recall from its prompt: accuracy by the number of shots')
    .option('--quick', 'fewer steps on long sequences')
    .addOption(outOption('where recall.json and recall.html go').default('runs/experiment-recall'))
    .option('--seed <n>', 'of weights and sequences', number({ least: 0, most: 2 ** 32 - 1, whole: true }), 1)
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('dawnlm experiment recall --quick'))
    .action(recallVerb);
  addExperimentTransfer(experiment);
  addExperimentCheckup(experiment);
  addExperimentScaling(experiment);
  addExperimentTrust(experiment);
  addExperimentDomains(experiment);
}

/** Steps between two lines about the loss. */
const SAY_EVERY = 100;

async function recallVerb({ quick = false, out, seed, adapter: choice, json }: RecallOptions): Promise<void> {
  await holdFolder(out);
  const { engine, adapter } = await openEngine(choice);
  const result = await runRecall({
    ...{ engine, seed, quick },
    onProgress: ({ stage, step, loss: value }) => {
      if (step % SAY_EVERY === 0) say(`part ${stage}, step ${step}: loss ${loss(value)}`);
    },
  });
  await writeAtomic(
    join(out, 'recall.json'),
    `${JSON.stringify({ adapter: adapterInWords(adapter), ...result }, undefined, 2)}\n`,
  );
  const { renderRecallReport } = await import('../report/recall.ts');
  await writeAtomic(join(out, 'recall.html'), renderRecallReport(result));
  if (json) printJson(result);
  else print(`${recallTable(result)}\nreport: ${join(out, 'recall.html')}\n`);
}

function recallTable({ task, chance, model, parameters, steps, timeMs, questions, scores }: RecallResult): string {
  const facts = [
    `${task.keys} keys, ${task.values} values; a guess is right in ${percent(chance)}`,
    `model: ${model.nLayer} layers, ${model.nHead} heads, width ${model.nEmbd}, ${count(parameters)} parameters; ${count(steps)} steps in ${durationInWords(timeMs)}`,
    `${count(questions)} fresh sequences for each number of shots`,
  ];
  const rows = scores.map(({ shots, accuracy, interval: [low, high] }) => [
    ...[String(shots), percent(accuracy), `${percent(low)} to ${percent(high)}`],
  ]);
  return `${facts.join('\n')}\n\n${table([['shots', 'accuracy', '95% interval'], ...rows], 0)}`;
}
