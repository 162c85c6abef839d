import { join } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { domains } from '../../data/corpora.ts';
import type { Domain } from '../../data/domain.ts';
import { adapterInWords, openEngine } from '../../src/cli/engine.ts';
import { holdFolder } from '../../src/cli/holdFolder.ts';
import { adapterOption, examples, jsonOption, number, outOption } from '../../src/cli/options.ts';
import { print, printJson, say, table } from '../../src/cli/terminal/output.ts';
import { Progress } from '../../src/cli/terminal/progress.ts';
import { stopSignal } from '../../src/cli/terminal/stopSignal.ts';
import { watch } from '../../src/cli/terminal/trainOutput.ts';
import { UsageError, UserError } from '../../src/errors.ts';
import { writeAtomic } from '../../src/node/files.ts';
import { Clock } from '../clock.ts';
import { checkModel, DomainRecord, type DomainStudyOptions, runDomain } from '../domains/study.ts';
import { beside, overview, scoreWithBand, summarizeDomains } from '../domains/summary.ts';
import { ExperimentStore } from '../store.ts';

interface Flags {
  quick?: boolean;
  seeds: number;
  only?: string[];
  out: string;
  adapter?: string;
  json?: boolean;
}

const Identity = z.object({
  ...{ kind: z.literal('identity'), quick: z.boolean(), adapter: z.string(), startedAt: z.string() },
});

/** `dawnlm experiment domains`. */
export function addExperimentDomains(experiment: Command): void {
  const names = domains.map(({ name }) => name).join(', ');
  experiment
    .command('domains')
    .description(
      'the same recipe beyond language: a model of each domain, judged beside its baselines; Ctrl-C keeps all',
    )
    .option('--quick', 'minutes in place of an hour: a tenth of the steps, fewer samples')
    .option(
      '--seeds <n>',
      'models of each domain, about an hour for each: with two there are bands',
      number({ least: 1, most: 20, whole: true }),
      1,
    )
    .option('--only <names...>', `some of ${names} (default: all that are no forms of others)`)
    .addOption(
      outOption('where runs and results go; what is there is not measured again').default('runs/experiment-domains'),
    )
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples('dawnlm experiment domains --quick', 'dawnlm experiment domains --only molecules --seeds 5'),
    )
    .action(domainsStudy);
}

/** Those that were asked for. @throws UsageError for one that is not known */
function chosen(only: readonly string[] | undefined): readonly Domain[] {
  const unknown = only?.find((name) => !domains.some((domain) => domain.name === name));
  if (unknown !== undefined) {
    throw new UsageError(
      `there is no domain "${unknown}": the domains are ${domains.map(({ name }) => name).join(', ')}`,
    );
  }
  return domains.filter(({ name, formOf }) => (only ? only.includes(name) : formOf === undefined));
}

async function domainsStudy({ quick = false, seeds, only, out, adapter: choice, json }: Flags): Promise<void> {
  const wanted = chosen(only);
  const lock = await holdFolder(out);
  const { engine, adapter } = await openEngine(choice);
  const identity = { quick, adapter: adapter.name, startedAt: new Date().toISOString() };
  const store = await ExperimentStore.open({ identity: Identity, record: DomainRecord }, out, identity, lock);
  const signal = stopSignal('Stopping; what was measured is kept. Ctrl-C again ends at once.');
  const cases = Array.from({ length: seeds }, (_, i) => wanted.map((domain) => ({ domain, seed: i + 1 }))).flat();
  const clock = new Clock(cases.length);
  for (const [i, { domain, seed }] of cases.entries()) {
    if (signal.aborted) break;
    if (store.records.some((one) => one.domain === domain.name && one.seed === seed)) {
      await checkModel(domain, seed, { folder: out, quick });
      continue;
    }
    const record = await measured(domain, seed, { engine, adapter, folder: out, quick, signal, say });
    if (!record) continue;
    await store.add(record);
    if (json) printJson(record);
    say(
      `${i + 1} of ${cases.length}: ${domain.name}, seed ${seed}${clock.left(i + 1, record.seconds + record.judgedSeconds)}`,
    );
  }
  await report(store.records, adapterInWords(adapter), { quick, out, json });
  if (signal.aborted) process.exitCode = signal.reason;
}

/** Nothing when it was stopped, or when the domain's data cannot be had on this machine, which is said. */
async function measured(
  domain: Domain,
  seed: number,
  options: DomainStudyOptions & { signal: AbortSignal },
): Promise<DomainRecord | undefined> {
  const progress = new Progress();
  try {
    return await runDomain(domain, seed, {
      ...options,
      onEvent: watch(progress),
    });
  } catch (error) {
    if (options.signal.aborted) return undefined;
    if (!(error instanceof UserError)) throw error;
    say(`${domain.name} is left out: ${error.message}`);
    return undefined;
  } finally {
    progress.end();
  }
}

async function report(
  records: readonly DomainRecord[],
  adapter: string,
  { quick, out, json }: Pick<Flags, 'quick' | 'out' | 'json'>,
): Promise<void> {
  const results = summarizeDomains(records, domains);
  const page = join(out, 'domains.html');
  const { renderDomainStudy } = await import('../report/domains.ts'); // takes a second, for the charts of other pages
  await writeAtomic(page, renderDomainStudy(results, adapter, quick === true));
  await writeAtomic(join(out, 'domains.json'), `${JSON.stringify({ adapter, quick, results }, undefined, 2)}\n`);
  if (json) return;
  const rows = results.flatMap((result) => [
    overview(result),
    ...result.scores.map((score) => [`  ${score.name}`, scoreWithBand(score), beside(score)]),
  ]);
  print(`\n${table([['', 'model', 'beside it'], ...rows], 2)}page: ${page}\n`);
}
