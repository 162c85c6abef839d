/** Options that the verbs of finetune share. */
import type { Command } from 'commander';
import type { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { targetsOf } from '../../model/lora.ts';
import { STYLES } from '../../model/styles.ts';
import { jsonSchemaOf } from '../../schema.ts';
import { FineTuneSettings } from '../../tasks/settings.ts';
import { addRunOptions, argumentOr, number, outOption, settingOptions } from '../options.ts';

const LORA = ['rank', 'alpha', 'loraDropout', 'targets'] as const;
const TUNING = ['method', 'steps', 'batchSize', 'learningRate', 'dropout', 'patience', 'randomStart', 'seed'] as const;

/** A flag for each of these settings, with what it is unless given; what is off unless given needs none to say so. */
function addSettings(verb: Command, settings: z.ZodObject, names: readonly string[]): Command {
  for (const option of settingOptions(settings, names).filter(({ negate }) => !negate)) {
    const fallback = jsonSchemaOf(settings.shape[option.attributeName()] as z.ZodType).default;
    if (fallback !== undefined && fallback !== false) option.description += ` (default: ${fallback})`;
    verb.addOption(option);
  }
  return verb;
}

/** What `addLoraOptions` adds, where it was given. */
export type LoraFlags = Partial<Pick<FineTuneSettings, (typeof LORA)[number]>>;

/** The data that a verb is given; the list of --targets may have taken it. @throws UsageError where there is none */
export function dataOf(given: string | undefined, { targets }: Pick<LoraFlags, 'targets'>): string {
  const data = argumentOr(given, targets as string[] | undefined, (name) =>
    Object.keys(STYLES).some((style) => targetsOf({ style }).includes(name)),
  );
  if (data !== undefined) return data;
  throw new UsageError('no text was given to learn from: name a file, or a set that "dawnlm data list" shows');
}

/** The options of low-rank adapters; given without the method that makes them, they are refused. */
export function addLoraOptions(verb: Command): Command {
  const targets = Object.keys(STYLES).map((style) => `${targetsOf({ style }).join(', ')} (${style})`);
  return addSettings(verb, FineTuneSettings, LORA.slice(0, -1))
    .option('--targets <names...>', `lora: layers, ${targets.join('; ')} (default: all)`)
    .hook('preAction', requireLora);
}

function requireLora(verb: Command): void {
  if (verb.opts().method === 'lora') return;
  const needless = verb.options.find((option) => {
    const name = option.attributeName();
    return LORA.some((one) => one === name) && verb.getOptionValueSource(name) === 'cli';
  });
  if (needless) throw new UsageError(`${needless.long} is about low-rank adapters: give --method lora too`);
}

/**
 * Options of tunings to labels: the run and the folder, settings that all tasks have and those of its `own`.
 * @param examples texts or sentences, of which `least` are needed
 */
export function addTuningOptions(
  verb: Command,
  settings: z.ZodObject,
  own: readonly string[],
  { examples, least }: { examples: string; least: number },
): Command {
  addRunOptions(verb)
    .addOption(outOption('where the tuned model is kept (default: <run>-<data>)'))
    .option('--force', 'begin anew where a run is; that one is moved to <folder>.1')
    .option('--resume', 'go on where the same command was stopped')
    .option('--labels <n>', `train on n ${examples} only, and validate on no more`, number({ least, whole: true }));
  return addLoraOptions(addSettings(verb, settings, [...TUNING, ...own]));
}
