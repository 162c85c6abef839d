import { join } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { adapterInWords, openEngine } from '../../src/cli/engine.ts';
import { holdFolder } from '../../src/cli/holdFolder.ts';
import { adapterOption, examples, jsonOption, number, outOption } from '../../src/cli/options.ts';
import { print, printJson, say, table } from '../../src/cli/terminal/output.ts';
import { stopSignal } from '../../src/cli/terminal/stopSignal.ts';
import { writeAtomic } from '../../src/node/files.ts';
import { count } from '../../src/report/format.ts';
import { inWords } from '../bands.ts';
import { Clock } from '../clock.ts';
import { ExperimentStore } from '../store.ts';
import { runTrustCase, type TrustCase, type TrustPlan, TrustRecord, trustCases, trustPlan } from '../trust/study.ts';
import { answers, MEASURES, summarize } from '../trust/summary.ts';

interface Flags {
  quick?: boolean;
  seeds?: number;
  out: string;
  adapter?: string;
  json?: boolean;
}

const Identity = z.object({
  ...{ kind: z.literal('identity'), quick: z.boolean(), adapter: z.string(), startedAt: z.string() },
});

/** `dawnlm experiment trust`. */
export function addExperimentTrust(experiment: Command): void {
  experiment
    .command('trust')
    .description(
      'what do remedies buy, and cost? the same model without duplicates, private data, insults, bias; Ctrl-C keeps all',
    )
    .option('--quick', 'minutes in place of an hour: a shorter text, fewer steps, one seed, and so no bands')
    .option(
      '--seeds <n>',
      'of each text (default: 5 of the made one, 3 of the mails)',
      number({ least: 1, most: 20, whole: true }),
    )
    .addOption(
      outOption('where runs and results go; what is there is not measured again').default('runs/experiment-trust'),
    )
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('dawnlm experiment trust --quick'))
    .action(trustStudy);
}

async function trustStudy({ quick = false, seeds, out, adapter: choice, json }: Flags): Promise<void> {
  const lock = await holdFolder(out);
  const { engine, adapter } = await openEngine(choice);
  const identity = { quick, adapter: adapter.name, startedAt: new Date().toISOString() };
  const store = await ExperimentStore.open({ identity: Identity, record: TrustRecord }, out, identity, lock);
  const plan = trustPlan(quick, seeds);
  const signal = stopSignal('Stopping; what was measured is kept. Ctrl-C again ends at once.');
  const cases = trustCases(plan);
  const clock = new Clock(cases.length);
  const folderOf = ({ text, remedy, seed }: TrustCase): string =>
    join(out, `${text}-${seed}-${remedy.replaceAll(' ', '-')}`);
  for (const [i, one] of cases.entries()) {
    if (signal.aborted || isDone(store.records, one)) continue;
    const options = { engine, adapter, plan, folderOf, signal, say };
    const record = await runTrustCase(one, options).catch((error) => {
      if (!signal.aborted) throw error;
    });
    if (!record || signal.aborted) break;
    await store.add(record);
    if (json) printJson(record);
    say(
      `${i + 1} of ${cases.length}: ${one.text}, ${one.remedy}, seed ${one.seed}${clock.left(i + 1, record.seconds)}`,
    );
  }
  await report(store.records, plan, adapterInWords(adapter), out, json);
  if (signal.aborted) process.exitCode = signal.reason;
}

const isDone = (records: readonly TrustRecord[], { text, remedy, seed }: TrustCase): boolean =>
  records.some((one) => one.text === text && one.remedy === remedy && one.seed === seed);

async function report(
  records: readonly TrustRecord[],
  plan: TrustPlan,
  adapter: string,
  out: string,
  json?: boolean,
): Promise<void> {
  const results = summarize(records);
  const { size, config, samples } = plan;
  const { characters, doses } = size;
  const facts = [
    [
      'Model',
      `${config.nLayer} layers, width ${config.nEmbd}, context ${config.blockSize}, ${config.tokenizer}, ${count(config.steps)} steps of ${config.batchSize} windows`,
    ],
    [
      'Text',
      `${count(characters)} characters, and into the made one: ${Object.entries(doses)
        .map(([name, dose]) => `${name} ${dose}`)
        .join(', ')}`,
    ],
    ['Samples', `${samples} of each model, at temperature 1`],
    ['Adapter', adapter],
  ] as const;
  const page = join(out, 'trust.html');
  const { renderTrustStudy } = await import('../report/trust.ts'); // takes a second, for the charts of other pages
  await writeAtomic(page, renderTrustStudy(results, facts));
  await writeAtomic(join(out, 'trust.json'), `${JSON.stringify({ adapter, plan, results }, undefined, 2)}\n`);
  if (!json) print(`${results.map(tables).join('\n')}\npage: ${page}\n`);
}

/** A table as wide as a terminal: a row each measure, a column each remedy would be wider than most are. */
function tables(result: ReturnType<typeof summarize>[number]): string {
  const rows = result.rows.flatMap(({ remedy, values, differences, kept }) => [
    [remedy, `${(100 * kept).toFixed(0)}% of the text`, '', ''],
    ...MEASURES.map(({ name, unit, digits }, i) => [
      `  ${name}`,
      inWords(values[i], digits),
      inWords(differences[i], digits, true),
      unit,
    ]),
  ]);
  return `${result.text}\n${table([['', 'value', 'less raw', ''], ...rows], 1)}\n${answers(result).join('\n')}\n`;
}
