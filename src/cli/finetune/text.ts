import { type Command, Option } from 'commander';
import { UsageError } from '../../errors.ts';
import type { FolderLock } from '../../node/lock.ts';
import { shellWord } from '../../shellWord.ts';
import { refuseOccupied, tunedFolder } from '../../tasks/finetune.ts';
import {
  beginTuning,
  readTextTuning,
  resolveText,
  resumeTuning,
  TEXT_METHODS,
  TEXT_SETTINGS,
  type TextMethod,
  type TextOverrides,
} from '../../tasks/text/text.ts';
import { DEFAULT_TEMPLATE, parseTemplate } from '../../text/chat/chatTemplate.ts';
import { resolveConfig, TrainConfig } from '../../train/config.ts';
import { isOccupied, moveAside } from '../../train/place.ts';
import type { TrainRunOptions } from '../../train/run/events.ts';
import { trainRun } from '../../train/run/run.ts';
import { readRunCard } from '../../train/runFolder.ts';
import { CORPUS_ARGUMENT, corpusName, givenOf, openCorpus } from '../corpus.ts';
import { openEngine } from '../engine.ts';
import { holdFolder } from '../holdFolder.ts';
import {
  adapterOption,
  checkpointOption,
  examples,
  jsonOption,
  outOption,
  resumeCommand,
  runOption,
  settingOptions,
} from '../options.ts';
import { say } from '../terminal/output.ts';
import { runInTerminal } from '../terminal/trainOutput.ts';
import { withCards } from '../withCards.ts';
import { addLoraOptions, dataOf, type LoraFlags } from './options.ts';

interface Flags extends TextOverrides, LoraFlags {
  run?: string;
  checkpoint: 'best' | 'last';
  chat?: boolean;
  template?: string;
  method: TextMethod;
  out?: string;
  force?: boolean;
  resume?: boolean;
  adapter?: string;
  json?: boolean;
}

/** `dawnlm finetune text`. */
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
    .addOption(outOption('where the tuned run is kept (default: <run>-<corpus>)'))
    .option('--force', 'begin anew where a run is; that one is moved to <folder>.1')
    .option('--resume', 'continue the tuning in the folder --out')
    .addOption(adapterOption())
    .addOption(jsonOption())
    .optionsGroup("Settings, the base's unless given:");
  for (const option of settingOptions(TrainConfig, TEXT_SETTINGS)) verb.addOption(option);
  verb
    .addHelpText(
      'after',
      examples(
        'dawnlm finetune text --run runs/book letters.txt --method lora --out runs/letters',
        'dawnlm finetune text --run runs/book --chat questions.jsonl --out runs/answers',
      ),
    )
    .action((given, flags) => (flags.resume ? resume(given, flags) : begin(given, flags)));
}

const overridesOf = (flags: Flags): TextOverrides =>
  Object.fromEntries(TEXT_SETTINGS.map((name) => [name, flags[name]]));

async function begin(data: string | undefined, flags: Flags): Promise<void> {
  const { run, checkpoint, method, rank, alpha, targets, loraDropout: dropout, chat, seed = 1337, ...rest } = flags;
  if (run === undefined) throw new UsageError('the run to go on from is missing: --run <folder>');
  const given = dataOf(data, flags);
  if (rest.template !== undefined && !chat) {
    throw new UsageError('--template is about prompts and answers: give --chat too');
  }
  const folder = tunedFolder(run, corpusName(given), rest.out);
  const config = resolveText((await readRunCard(run)).config, method, overridesOf(flags));
  const lock = await holdFolder(folder);
  refuseOccupied(folder, run, rest.force);
  const corpus = await openCorpus(given);
  const { engine, adapter } = await openEngine(rest.adapter);
  const settings = { ...{ folder, base: run, checkpoint, method, seed }, lora: { rank, alpha, targets, dropout } };
  const template = chat && { chat: parseTemplate(rest.template ?? DEFAULT_TEMPLATE) };
  const base = await beginTuning(engine, { ...settings, ...template });
  if (rest.force && isOccupied(folder)) await moveAside(lock, say); // now that all else is well
  await train({ corpus, engine, adapter, base, config, folder, lock, resume: false }, { ...rest, given });
}

async function resume(given: string | undefined, flags: Flags): Promise<void> {
  const { out: folder, ...rest } = flags;
  if (folder === undefined) throw new UsageError('--resume needs the folder of the tuned run: --out <folder>');
  const lock = await holdFolder(folder, true);
  const before = await readTextTuning(folder);
  const config = resolveConfig('nano', { ...before.config }, overridesOf(flags));
  const again = `Give it: npx dawnlm finetune text file.txt --resume --out ${shellWord(folder)}`;
  const corpus = await openCorpus(given ?? givenOf(before.dataCard, folder, again));
  const { engine, adapter } = await openEngine(rest.adapter);
  const base = await resumeTuning(engine, folder, before.tunedFrom);
  await train({ corpus, engine, adapter, base, config, folder, lock, resume: true }, { ...rest, given });
}

function train(
  options: Omit<TrainRunOptions, 'signal' | 'onEvent'> & { lock: FolderLock },
  { json, given, adapter }: Pick<Flags, 'json' | 'adapter'> & { given?: string },
): Promise<void> {
  const again = resumeCommand('finetune text', options.folder, { given, adapter });
  return runInTerminal((watched) => withCards(options.lock, () => trainRun({ ...options, ...watched })), {
    ...{ steps: options.config.steps, json, again },
  });
}
