import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { UsageError, UserError } from '../../errors.ts';
import { targetsOf } from '../../model/lora.ts';
import { beginTuning, resumeTuning, TEXT_METHODS, type TextMethod } from '../../tasks/text/text.ts';
import type { Engine } from '../../tensor/engine.ts';
import { DEFAULT_TEMPLATE, parseTemplate } from '../../text/chat/chatTemplate.ts';
import { resolveConfig, TrainConfig } from '../../train/config.ts';
import { trainRun } from '../../train/run/run.ts';
import { FILES, type RunCard, readModelConfig, readRunCard } from '../../train/runFolder.ts';
import type { TextTuning } from '../../train/trainable.ts';
import { LORA } from '../../train/trainable.ts';
import { CORPUS_ARGUMENT, corpusName, givenOf, openCorpus } from '../corpus.ts';
import { openEngine } from '../engine.ts';
import {
  adapterOption,
  checkpointOption,
  examples,
  jsonOption,
  runOption,
  settingOptions,
  shellWord,
} from '../options.ts';
import { printJson } from '../terminal/output.ts';
import { Progress } from '../terminal/progress.ts';
import { stopSignal } from '../terminal/stopSignal.ts';
import { exitCodeOf, printResult, watch } from '../terminal/trainOutput.ts';
import { addLoraOptions, type LoraFlags } from './loraOptions.ts';
import { tunedFolder } from './tunedFolder.ts';

/** Settings that a tuning has of its own; all else is as the base was trained. */
const SETTINGS = ['steps', 'learningRate', 'batchSize', 'warmupSteps', 'weightDecay', 'evalEvery', 'seed'] as const;

interface TextOptions extends Partial<Pick<TrainConfig, (typeof SETTINGS)[number]>>, LoraFlags {
  run?: string;
  checkpoint: 'best' | 'last';
  chat?: boolean;
  template?: string;
  method: TextMethod;
  out?: string;
  resume?: boolean;
  adapter?: string;
  json?: boolean;
}

export function addFinetuneText(finetune: Command): void {
  const verb = finetune
    .command('text')
    .description('go on training on another text, or on prompts and answers; Ctrl-C stops it with everything saved')
    .argument('[corpus]', `${CORPUS_ARGUMENT}; with --chat a file of JSON lines {"prompt": "...", "answer": "..."}`)
    .addOption(runOption())
    .addOption(checkpointOption())
    .option('--chat', 'learn the answers to prompts: the loss is on the answers alone')
    .option(
      '--template <text>',
      `with --chat: how prompt and answer become one text (default: "${DEFAULT_TEMPLATE.replaceAll('\n', '\\n')}")`,
    )
    .addOption(new Option('--method <name>', 'what is trained').choices(TEXT_METHODS).default('full'));
  addLoraOptions(verb)
    .option('--out <folder>', 'where the tuned run is kept (default: <run>-<corpus>)')
    .option('--resume', 'continue the tuning in the folder --out')
    .addOption(adapterOption())
    .addOption(jsonOption())
    .optionsGroup("Settings, the base's unless given:");
  for (const option of settingOptions(TrainConfig, SETTINGS)) verb.addOption(option);
  verb
    .addHelpText(
      'after',
      examples(
        'dawnlm finetune text --run runs/book letters.txt --method lora --out runs/letters',
        'dawnlm finetune text --run runs/book --chat questions.jsonl --out runs/answers',
      ),
    )
    .action(textVerb);
}

async function textVerb(given: string | undefined, options: TextOptions): Promise<void> {
  const folder = folderOf(given, options);
  const before = options.resume ? await readTuned(folder) : undefined;
  const source = given ?? (before && givenOf(before.dataCard));
  if (source === undefined) throw new UsageError('no text was given: dawnlm finetune text --run <folder> file.txt');
  const config = await settingsOf(options, before);
  const corpus = await openCorpus(source);
  const { engine, adapter } = await openEngine(options.adapter);
  const base = before ? await resumeTuning(engine, folder, before.tunedFrom!) : await begin(engine, folder, options);
  const progress = new Progress();
  const show = watch(progress);
  const onEvent: typeof show = (event) => {
    if (options.json) printJson(event);
    show(event);
  };
  const run = { corpus, engine, adapter, base, config, folder, resume: before !== undefined };
  const result = await trainRun({ ...run, signal: stopSignal(), onEvent }).finally(() => progress.end());
  const again = `dawnlm finetune text --resume --out ${shellWord(folder)}`;
  printResult(result, config.steps, options.json, again);
  process.exitCode = exitCodeOf(result);
}

function folderOf(given: string | undefined, { out, run, resume }: TextOptions): string {
  if (out !== undefined) return out;
  if (resume) throw new UsageError('--resume needs the folder of the tuned run: --out <folder>');
  if (run === undefined) throw new UsageError('the run to go on from is missing: --run <folder>');
  return tunedFolder(run, corpusName(given ?? 'text'));
}

async function readTuned(folder: string): Promise<RunCard> {
  const card = await readRunCard(folder);
  if (!card.tunedFrom)
    throw new UserError(`${folder} was not tuned: continue it with dawnlm train --resume --out ${folder}`);
  if (existsSync(join(folder, FILES.resume))) return card;
  throw new UserError(`${folder} was ended before its first checkpoint: remove it, and begin anew without --resume.`);
}

const begin = async (engine: Engine, folder: string, options: TextOptions): Promise<TextTuning> => {
  const {
    run,
    checkpoint,
    method,
    rank = LORA.rank,
    alpha = LORA.alpha,
    loraDropout: dropout = LORA.loraDropout,
    chat,
    template = DEFAULT_TEMPLATE,
    seed = 1337,
  } = options;
  if (options.template !== undefined && !chat)
    throw new UsageError('--template is about prompts and answers: give --chat too');
  const targets = options.targets ?? targetsOf(await readModelConfig(run!));
  const lora = { rank, alpha, targets, dropout };
  const settings = {
    folder,
    base: run!,
    checkpoint,
    method,
    lora,
    seed,
    ...(chat && { chat: parseTemplate(template) }),
  };
  return beginTuning(engine, settings);
};

/** Learning rates that suit AdamW: adapters begin with nothing, whole models know something already. */
const RATES: Record<TextMethod, number> = { full: 3e-4, last: 1e-3, lora: 3e-3 };

async function settingsOf(options: TextOptions, before: RunCard | undefined): Promise<TrainConfig> {
  const flags = Object.fromEntries(SETTINGS.map((name) => [name, options[name]]));
  if (before) return resolveConfig('nano', { ...before.config }, flags);
  if (options.run === undefined) throw new UsageError('the run to go on from is missing: --run <folder>');
  const { config } = await readRunCard(options.run);
  const learningRate = options.learningRate ?? RATES[options.method];
  const steps = options.steps ?? 300;
  const warmupSteps = Math.min(20, Math.floor(steps / 10));
  const course = { steps, warmupSteps, learningRate, minLearningRate: learningRate / 10, schedule: 'cosine' };
  const often = Math.max(1, Math.min(50, Math.ceil(steps / 6)));
  const tuning = { optimizer: 'adamw', weightDecay: 0.01, evalEvery: often, checkpointEvery: often, precision: 'auto' };
  return resolveConfig('nano', { ...config }, { ...course, ...tuning }, flags);
}
