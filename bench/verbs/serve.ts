import { type Command, Option } from 'commander';
import { checkpointOption, number, path, runOption } from '../../src/cli/options.ts';
import { print, printJson, say, table } from '../../src/cli/terminal/output.ts';
import { UsageError } from '../../src/errors.ts';
import { isSmallWork } from '../../src/model/decodeStep.ts';
import { bytes, count } from '../../src/report/format.ts';
import { makeApp } from '../../src/serve/app.ts';
import { listen } from '../../src/serve/listen.ts';
import { openModels, type TextModel } from '../../src/serve/models.ts';
import { MOST_SEQUENCES } from '../../src/serve/scheduler.ts';
import { readModelConfig } from '../../src/train/runFolder.ts';
import { provenance } from '../record.ts';
import type { Latency } from '../serve/load.ts';
import {
  benchHarm,
  benchServe,
  type HarmResult,
  type ServeBenchOptions,
  type ServeMeasurement,
  type Target,
} from '../serve.ts';
import { keep, percent, type ResultFlags, Results, range, three, withResults } from './results.ts';

interface ServeFlags extends ResultFlags, ServeBenchOptions {
  run?: string;
  url?: string;
  model: string;
  key?: string;
  checkpoint: 'best' | 'last';
  requests?: number;
}

const some = number({ least: 1, whole: true });

/** `dawnlm bench serve`. */
export function addServeSpeed(bench: Command): void {
  const verb = bench
    .command('serve')
    .description(
      'time to the first token, time a token and tokens a second of the server, under load from a second process',
    )
    .addOption(runOption('folder of a run, which is served and compared with a plain batch'))
    .addOption(checkpointOption())
    .addOption(
      new Option('--url <url>', 'of a server that runs already, such as http://127.0.0.1:8080').conflicts('run'),
    )
    .option('--model <name>', 'what to ask that server for', 'model')
    .option('--key <key>', 'what it wants to be sent')
    .option('--streams <n...>', 'requests that are open at once', (text, before: number[] = []) => [
      ...before,
      some(text),
    ])
    .option('--prompt <n>', 'tokens of a prompt', some, 16)
    .option('--tokens <n>', 'tokens to be generated for it', some, 48)
    .option('--seconds <n>', 'about how long each measurement takes', number({ least: 0 }), 10)
    .addOption(
      new Option(
        '--requests <n>',
        'in place of that so many requests of random lengths, a fifth of whose clients go away',
      )
        .argParser(some)
        .conflicts('url'),
    );
  withResults(
    verb,
    'dawnlm bench serve --run runs/moby-dick',
    'dawnlm bench serve --run runs/x --requests 10000',
  ).action(serveVerb);
}

async function serveVerb({ run, url, ...flags }: ServeFlags): Promise<void> {
  if (url) return foreignServer(url.replace(/\/+$/, ''), flags);
  if (!run) throw new UsageError('what is to answer? Give a run with --run, or a server with --url');
  const smallWork = isSmallWork(await readModelConfig(run), MOST_SEQUENCES); // as the verb `serve` opens it
  const results = await Results.open(flags, { smallWork });
  const models = await openModels(results.opened.engine, [path(run)], flags);
  const [served] = models.writing;
  if (!served) throw new UsageError(`${run} writes no text: give a run that does`);
  const server = await listen(makeApp({ models, loopback: true, say }), models, { host: '127.0.0.1', port: 0 });
  const { vocabSize } = served.model.config;
  try {
    await ownServer(results, { url: server.url, model: served.name, vocabSize }, served, flags);
  } finally {
    await server.close();
  }
}

async function ownServer(
  results: Results,
  target: Target,
  { model }: TextModel,
  flags: Omit<ServeFlags, 'run' | 'url'>,
) {
  if (flags.requests) {
    const harm = await benchHarm(target, flags.requests, model, (done) => say(`${count(done)} requests`));
    if (flags.json) printJson({ type: 'load', ...harm });
    else print(harmInWords(harm));
    return;
  }
  const rows: string[][] = [];
  for await (const measurement of benchServe(target, withStreams(flags), model)) {
    await results.take(measurement);
    rows.push(cells(measurement));
  }
  results.show(table([HEAD, ...rows], 2));
}

/** A server that is somebody else's: nothing is known of its adapter. */
async function foreignServer(url: string, { model, key, ...flags }: Omit<ServeFlags, 'run' | 'url'>): Promise<void> {
  const origin = provenance({ name: url, software: false, driver: 'unknown' });
  const rows: string[][] = [];
  for await (const measurement of benchServe({ url, model, key }, withStreams(flags))) {
    await keep(flags, { ...measurement, ...origin });
    rows.push(cells(measurement));
  }
  if (!flags.json) print(`${url}\n\n${table([HEAD, ...rows], 2)}`);
}

const withStreams = ({
  streams = [1, 8, 32],
  ...options
}: Omit<ServeBenchOptions, 'streams'> & { streams?: readonly number[] }) => ({
  ...options,
  streams,
});

const HEAD = ['load', 'tokens/s', 'of rounds', 'of a plain batch', 'first token, ms', 'a token, ms (p50, p95, p99)'];

const cells = ({ shape = '', median, spread, details: { share, first, gap } }: ServeMeasurement): string[] => [
  ...[shape, count(median), range(spread), percent(share), inWords(first), inWords(gap)],
];

const inWords = ({ p50, p95, p99 }: Latency): string => [p50, p95, p99].map((time) => three(time)).join(', ');

function harmInWords({ requests, answered, cut, failed, refused, failures, memory }: HarmResult): string {
  const counts = `${count(requests)} requests: ${count(answered)} answered, ${count(cut)} left by their clients, ${failed} failed`;
  const rows = memory.map((use) => [count(use.requests), bytes(use.residentBytes), bytes(use.deviceBytes)]);
  const uses = table([['after', 'resident', 'on the device'], ...rows], 3);
  return [counts, `${refused} were told to come again later`, ...failures, uses].join('\n');
}
