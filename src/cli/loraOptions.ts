import type { Command } from 'commander';
import { targetsOf } from '../model/lora.ts';
import { LORA } from '../train/finetune/method.ts';
import { number } from './options.ts';

/** What `addLoraOptions` adds, where it was given. */
export interface LoraFlags {
  rank?: number;
  alpha?: number;
  targets?: string[];
  loraDropout?: number;
}

/** The options of low-rank adapters. */
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
    );
}
