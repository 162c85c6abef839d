import { type Command, Option } from 'commander';
import { UsageError } from '../errors.ts';
import { isSmallWork } from '../model/decodeStep.ts';
import { makeApp } from '../serve/app.ts';
import { isLoopback } from '../serve/guard.ts';
import { listen } from '../serve/listen.ts';
import { modelCard, openModels, type ServedModel, type TextModel } from '../serve/models.ts';
import { MOST_SEQUENCES } from '../serve/scheduler.ts';
import { shellWord } from '../shellWord.ts';
import type { WeightFormat } from '../tensor/operands/packing.ts';
import { readModelConfig } from '../train/runFolder.ts';
import { openEngine } from './engine.ts';
import { adapterOption, checkpointOption, examples, jsonOption, number, path, weightsOption } from './options.ts';
import { print, printJson, say } from './terminal/output.ts';
import { stopSignal } from './terminal/stopSignal.ts';

interface ServeFlags {
  run: string[];
  port: number;
  host: string;
  key?: string;
  open?: boolean;
  checkpoint: 'best' | 'last';
  weights: WeightFormat;
  adapter?: string;
  json?: boolean;
}

/** `dawnlm serve`. */
export function addServe(program: Command): void {
  program
    .command('serve')
    .description('answer over HTTP as OpenAI does: completions, chat, scores; and labels')
    .addOption(
      new Option('--run <folders...>', 'folders of runs, or of models that finetune has tuned')
        .argParser((folder: string, before: string[] = []) => [...before, path(folder)])
        .makeOptionMandatory(),
    )
    .option(
      '--port <n>',
      'port to listen on; 0 for any that is free',
      number({ least: 0, most: 65_535, whole: true }),
      8080,
    )
    .option(
      '--host <address>',
      'address to listen on; another one than this machine needs --key or --open',
      '127.0.0.1',
    )
    .option('--key <key>', 'what clients have to send: Authorization: Bearer <key> (default: DAWNLM_KEY)')
    .option('--open', 'serve other machines without a key')
    .addOption(checkpointOption())
    .addOption(weightsOption())
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples('dawnlm serve --run runs/moby-dick', 'dawnlm serve --run runs/english runs/mails --port 9000'),
    )
    .action(serveVerb);
}

async function serveVerb({
  run: folders,
  host,
  port,
  open,
  json,
  checkpoint,
  weights,
  ...flags
}: ServeFlags): Promise<void> {
  const key = flags.key ?? process.env.DAWNLM_KEY;
  if (key === '') throw new UsageError('the key is empty; give one with --key, or leave it out');
  const loopback = isLoopback(host);
  if (!loopback && key === undefined && !open) {
    throw new UsageError(
      `--host ${host} lets other machines in: give a --key that they have to send, or --open for all`,
    );
  }
  const configs = await Promise.all(folders.map(readModelConfig));
  const smallWork = configs.every((config) => isSmallWork(config, MOST_SEQUENCES));
  const { engine } = await openEngine(flags.adapter, { smallWork });
  const models = await openModels(engine, folders, { checkpoint, weights });
  const app = makeApp({ models, key, loopback, say });
  const signal = stopSignal('Stopping when what is open has been answered. Ctrl-C again ends at once.');
  const server = await listen(app, models, { host, port });
  if (json) printJson({ type: 'serving', url: server.url, models: models.all.map(modelCard), pid: process.pid });
  else print(greeting(server.url, models.all, key));
  await new Promise<void>((stopped) => signal.addEventListener('abort', () => stopped(), { once: true }));
  await server.close();
  process.exitCode = signal.reason;
}

/** Where it is, what it serves, and a line to try it with. */
function greeting(url: string, all: readonly ServedModel[], key: string | undefined): string {
  const names = all.map(({ name, task }) => (task === 'text' ? name : `${name} (${task})`)).join(', ');
  const [first] = all;
  const { name: model, task } = first;
  const [route, body] =
    task === 'text'
      ? ['completions', { model, prompt: promptFor(first), max_tokens: 40 }]
      : [task, { model, input: 'Some text.' }];
  const header = key === undefined ? '' : ` -H 'Authorization: Bearer KEY'`;
  const curl = `curl ${url}/v1/${route}${header} -d ${shellWord(JSON.stringify(body))}`;
  return `serving ${names} at ${url}\ntry: ${curl}\nCtrl-C stops.\n`;
}

/** Words to begin with, where the model has their characters. */
function promptFor({ tokenizer }: TextModel): string {
  try {
    tokenizer.encode('The');
    return 'The';
  } catch {
    return '';
  }
}
