/** Options that the verbs of finetune share. */
import { type Command, Option } from 'commander';
import { UsageError } from '../../errors.ts';
import { targetsOf } from '../../model/lora.ts';
import { LORA, METHODS } from '../../train/trainable.ts';
import { addRunOptions, number, seedNumber } from '../options.ts';

export const whole = (least: number) => number({ least, whole: true });

/** What `addLoraOptions` adds, where it was given. */
export interface LoraFlags {
  rank?: number;
  alpha?: number;
  targets?: string[];
  loraDropout?: number;
}

const LORA_FLAGS: readonly string[] = ['rank', 'alpha', 'targets', 'loraDropout'] satisfies (keyof LoraFlags)[];

/** The options of low-rank adapters; given without the method that makes them, they are refused. */
export function addLoraOptions(verb: Command): Command {
  const targets = (['gpt2', 'llama'] as const).map((style) => targetsOf({ style }).join(', '));
  return verb
    .option('--rank <r>', `lora: inner width of the adapters (default: ${LORA.rank})`, whole(1))
    .option('--alpha <a>', `lora: they are scaled by alpha / rank (default: ${LORA.alpha})`, number({ least: 1e-6 }))
    .option('--targets <names...>', `lora: layers, ${targets.join('; in the llama style ')} (default: all)`)
    .option('--lora-dropout <p>', 'lora: share of inputs dropped (default: 0)', number({ least: 0, most: 0.99 }))
    .hook('preAction', requireLora);
}

function requireLora(verb: Command): void {
  if (verb.opts().method === 'lora') return;
  const needless = verb.options.find(
    (option) =>
      LORA_FLAGS.includes(option.attributeName()) && verb.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (needless) throw new UsageError(`${needless.long} is about low-rank adapters: give --method lora too`);
}

/** `--method`, of tasks that put a head on the model. */
export const methodOption = (): Option =>
  new Option('--method <name>', 'trained beside the head: all, adapters, the last block, nothing').choices(METHODS);

/** Which run is tuned, and where the tuned model is kept. */
export const addFolderOptions = (verb: Command): Command =>
  addRunOptions(verb)
    .option('--out <folder>', 'where the tuned model is kept (default: <run>-<data>)')
    .option('--force', 'write over what was tuned into that folder before')
    .option('--resume', 'go on where the same command was stopped');

/** Options of tunings to labels; `examples`: texts or sentences, of which `least` are needed. */
export const addTuningOptions = (verb: Command, examples: string, least: number): Command =>
  addLoraOptions(verb)
    .option('--steps <n>', 'optimizer steps at most (default: 100 to 1,500, by the number of examples)', whole(1))
    .option('--batch-size <n>', `${examples} in a batch (default: 16)`, whole(1))
    .option('--learning-rate <rate>', 'largest one, of head and adapters (default: by method)', number({ least: 0 }))
    .option('--dropout <share>', 'share of activations dropped (default: 0.1)', number({ least: 0, most: 0.9 }))
    .option('--patience <n>', 'validations without a better one after which it ends', whole(1))
    .option('--labels <n>', `train on n of the ${examples} only, and validate on no more`, whole(least))
    .option('--random-start', 'begin with random weights, to see what pretraining was worth')
    .option('--seed <n>', `of the head, the order of the ${examples} and --labels (default: 1337)`, seedNumber);
