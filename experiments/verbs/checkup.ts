import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { openEngine } from '../../src/cli/engine.ts';
import { holdFolder } from '../../src/cli/holdFolder.ts';
import { adapterOption, examples, jsonOption, outOption, seedNumber } from '../../src/cli/options.ts';
import { print, printJson, say, table } from '../../src/cli/terminal/output.ts';
import { stopSignal } from '../../src/cli/terminal/stopSignal.ts';
import { writeAtomic } from '../../src/node/files.ts';
import { runCase, StudyRecord, studyCases } from '../health/study.ts';
import { studyInWords } from '../health/words.ts';
import { ExperimentStore } from '../store.ts';

interface Flags {
  quick?: boolean;
  out: string;
  seed: number;
  adapter?: string;
  json?: boolean;
}

const Identity = z.object({ kind: z.literal('identity'), seed: z.int(), adapter: z.string(), startedAt: z.string() });

/** `dawnlm experiment checkup`. */
export function addExperimentCheckup(experiment: Command): void {
  experiment
    .command('checkup')
    .description(
      'which planted faults does a check-up name, is its advice confirmed, and does it leave sound runs alone?',
    )
    .option(
      '--quick',
      'the small ones of the faults and sound runs, without those that are drawn: some minutes in place of an hour',
    )
    .addOption(
      outOption('where runs and results go; what is there is not measured again').default('runs/experiment-checkup'),
    )
    .option('--seed <n>', 'of what is drawn', seedNumber, 1)
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('dawnlm experiment checkup --quick'))
    .action(checkupStudy);
}

/** Steps of each training of a trial. */
const TRY_STEPS = 200;

async function checkupStudy({ quick = false, out, seed, adapter: choice, json }: Flags): Promise<void> {
  const lock = await holdFolder(out);
  const { engine, adapter } = await openEngine(choice);
  const identity = { seed, adapter: adapter.name, startedAt: new Date().toISOString() };
  const store = await ExperimentStore.open({ identity: Identity, record: StudyRecord }, out, identity, lock);
  const cases = studyCases(seed, quick);
  const signal = stopSignal('Stopping; what was measured is kept. Ctrl-C again ends at once.');
  for (const [i, one] of cases.entries()) {
    if (signal.aborted || store.records.some(({ name }) => name === one.name)) continue;
    const folder = join(out, `run-${i + 1}`);
    await rm(folder, { recursive: true, force: true });
    const record = await runCase(one, { engine, adapter, folder, trySteps: TRY_STEPS, signal }).catch((error) => {
      if (!signal.aborted) throw error;
    });
    if (!record || signal.aborted) break;
    await store.add(record);
    if (json) printJson(record);
    say(`${i + 1} of ${cases.length}: ${record.name}: ${record.line} (${record.right ? 'right' : 'wrong'})`);
  }
  const { renderStudy } = await import('../report/health.ts');
  await writeAtomic(join(out, 'checkup.html'), renderStudy(store.records));
  if (!json) print(tables(store.records, join(out, 'checkup.html')));
  if (signal.aborted) process.exitCode = signal.reason;
}

function tables(records: readonly StudyRecord[], page: string): string {
  const rows = records.map(({ name, fault, right, confirmed, findings }) => [
    ...[name, right ? 'right' : 'wrong', !fault ? '' : confirmed ? 'confirmed' : 'not confirmed'],
    findings.map((found) => found.name).join(', ') || 'nothing',
  ]);
  return `${table([['run', '', 'advice', 'found'], ...rows], 4)}\n${studyInWords(records).join('\n')}\npage: ${page}\n`;
}
