/** `bench compare` and `bench report`: what becomes of kept records. */
import { type Command, Option } from 'commander';
import { examples, jsonOption, path } from '../../src/cli/options.ts';
import { print, printJson, table } from '../../src/cli/terminal/output.ts';
import { UserError } from '../../src/errors.ts';
import { writeAtomic } from '../../src/node/files.ts';
import { type Comparison, compare, sidesOf } from '../compare.ts';
import { RESULTS, readRecords } from '../record.ts';
import { three } from './results.ts';

export function addCompare(bench: Command): void {
  bench
    .command('compare')
    .description('ratios of the same measurements at two commits, or in two files')
    .argument('<before>', 'a commit as git names it, or a file of records')
    .argument('<after>', 'likewise')
    .option('--results <file>', 'where the records of commits are (default: bench/results.jsonl)')
    .addOption(jsonOption())
    .addHelpText('after', examples('dawnlm bench compare HEAD~3 HEAD', 'dawnlm bench compare before.jsonl after.jsonl'))
    .action(compareVerb);
}

async function compareVerb(
  before: string,
  after: string,
  { results = RESULTS, json }: { results?: string; json?: boolean },
): Promise<void> {
  const pairs = compare(await sidesOf(before, after, results));
  if (pairs.length === 0)
    throw new UserError(`${before} and ${after} have no measurement of the same adapter in common.`);
  if (json) for (const pair of pairs) printJson(pair);
  else print(table([['measurement', 'unit', 'before', 'after', 'times as fast', ''], ...pairs.map(cells)]));
}

const cells = ({ what, unit, before, after, ratio, clear }: Comparison): string[] => [
  ...[what, unit, three(before), three(after), `${ratio.toFixed(2)}x`, clear ? '' : '(runs overlap)'],
];

export function addReport(bench: Command): void {
  bench
    .command('report')
    .description('kept records as one HTML page: roofline, ladders, kernels, models, other libraries')
    .argument('[results]', 'file of records (default: bench/results.jsonl)')
    .addOption(new Option('--out <file>', 'where the page is written').argParser(path).default('report.html'))
    .addHelpText('after', examples('dawnlm bench report --out bench.html'))
    .action(reportVerb);
}

async function reportVerb(results: string = RESULTS, { out }: { out: string }): Promise<void> {
  const { renderBenchReport } = await import('../report.ts');
  await writeAtomic(out, renderBenchReport(await readRecords(results)));
  print(`${out}\n`);
}
