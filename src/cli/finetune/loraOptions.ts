import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import { targetsOf } from '../../model/lora.ts';
import { LORA } from '../../train/trainable.ts';
import { number } from '../options.ts';

/** What `addLoraOptions` adds, where it was given. */
export interface LoraFlags {
  rank?: number;
  alpha?: number;
  targets?: string[];
  loraDropout?: number;
}

const FLAGS: readonly string[] = ['rank', 'alpha', 'targets', 'loraDropout'] satisfies (keyof LoraFlags)[];

/** The options of low-rank adapters; given without the method that makes them, they are refused. */
export function addLoraOptions(verb: Command): Command {
  const targets = (['gpt2', 'llama'] as const).map((style) => targetsOf({ style }).join(', '));
  return verb
    .option(
      '--rank <r>',
      `lora: inner width of the adapters (default: ${LORA.rank})`,
      number({ least: 1, whole: true }),
    )
    .option(
      '--alpha <a>',
      `lora: adapters are scaled by alpha / rank (default: ${LORA.alpha})`,
      number({ least: 1e-6 }),
    )
    .option('--targets <names...>', `lora: layers, ${targets.join('; in the llama style ')} (default: all)`)
    .option(
      '--lora-dropout <p>',
      'lora: share of the inputs that adapters do not see (default: 0)',
      number({ least: 0, most: 0.99 }),
    )
    .hook('preAction', requireLora);
}

function requireLora(verb: Command): void {
  if (verb.opts().method === 'lora') return;
  const needless = verb.options.find(
    (option) => FLAGS.includes(option.attributeName()) && verb.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (needless) throw new UsageError(`${needless.long} is about low-rank adapters: give --method lora too`);
}
