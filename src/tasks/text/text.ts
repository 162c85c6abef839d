/** A trained model that goes on learning: from another text, or from prompts and answers. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../errors.ts';
import type { LoraSettings } from '../../model/lora.ts';
import { shellWord } from '../../shellWord.ts';
import type { Engine } from '../../tensor/engine.ts';
import { resolveConfig, type TrainConfig } from '../../train/config.ts';
import { FILES, type RunCard, readRunCard, type TunedFrom } from '../../train/runFolder.ts';
import { linkTo, loadBase, loadRun, readAdapterConfig } from '../../train/savedRun.ts';
import { type TextTuning, trainablesOf } from '../../train/trainable.ts';

/** What of a model is trained on text: everything, low-rank adapters, or the last block and the norm behind it. */
export const TEXT_METHODS = ['full', 'lora', 'last'] as const;
export type TextMethod = (typeof TEXT_METHODS)[number];

/** Settings that a tuning has of its own; all else is as the base was trained. */
export const TEXT_SETTINGS = [
  ...(['steps', 'learningRate', 'batchSize', 'warmupSteps', 'weightDecay', 'evalEvery', 'seed'] as const),
  ...(['watch', 'watchEvery'] as const),
] satisfies (keyof TrainConfig)[];
export type TextOverrides = Partial<Pick<TrainConfig, (typeof TEXT_SETTINGS)[number]>>;

/** Learning rates that suit AdamW: adapters begin with nothing, whole models know something already. */
const RATES: Readonly<Record<TextMethod, number>> = { full: 3e-4, last: 1e-3, lora: 3e-3 };

/** Settings of a tuning of a run that was trained with `base`. @throws UsageError for settings that do not fit together */
export function resolveText(base: TrainConfig, method: TextMethod, overrides: TextOverrides): TrainConfig {
  const { steps = 300, learningRate = RATES[method] } = overrides;
  const warmupSteps = Math.min(20, Math.floor(steps / 10));
  const often = Math.max(1, Math.min(50, Math.ceil(steps / 6)));
  return resolveConfig(
    'nano',
    { ...base },
    { ...{ steps, warmupSteps, learningRate, minLearningRate: learningRate / 10, schedule: 'cosine' } },
    { ...{ optimizer: 'adamw', weightDecay: 0.01, evalEvery: often, checkpointEvery: often, precision: 'auto' } },
    { canaries: 0, clean: '', copyFraction: 0 }, // of the base's text, and of its beginning
    overrides,
  );
}

export interface TextTuningSettings {
  /** Where the tuned run is to be kept. */
  readonly folder: string;
  /** Folder of the run to go on from, and which of its weights. */
  readonly base: string;
  readonly checkpoint: 'best' | 'last';
  readonly method: TextMethod;
  /** Of the method lora; what is missing is as usual. */
  readonly lora: Partial<LoraSettings>;
  readonly chat?: TunedFrom['chat'];
  /** Of fresh adapters. */
  readonly seed: number;
}

/** Makes a run's model ready to be tuned. @throws UserError when the run cannot be loaded, UsageError for adapters that cannot be */
export async function beginTuning(engine: Engine, settings: TextTuningSettings): Promise<TextTuning> {
  const { folder, base, checkpoint, method, lora, chat, seed } = settings;
  const { model, tokenizer } = await loadRun(engine, base, checkpoint);
  const from: TunedFrom = { ...(await linkTo(base, folder, checkpoint)), method, ...(chat && { chat }) };
  const tuning = trainablesOf(model, method, lora);
  tuning.adapters?.initialize(seed);
  return { model, tokenizer, from, ...tuning };
}

/** The card of a tuned run that can go on. @throws UserError when there is none, or it was ended before its first checkpoint */
export async function readTextTuning(folder: string): Promise<RunCard & { tunedFrom: TunedFrom }> {
  const { tunedFrom, ...card } = await readRunCard(folder);
  if (!tunedFrom) {
    throw new UserError(
      `${folder} was not tuned: continue it with npx dawnlm train --resume --out ${shellWord(folder)}`,
    );
  }
  if (existsSync(join(folder, FILES.resume))) return { ...card, tunedFrom };
  throw new UserError(`${folder} was ended before its first checkpoint: remove it, and begin anew without --resume.`);
}

/** Makes the model of a tuned run ready to go on. @throws UserError when its base is not there, or not what it was */
export async function resumeTuning(engine: Engine, folder: string, from: TunedFrom): Promise<TextTuning> {
  const { model, tokenizer } = await loadBase(engine, folder, from);
  const lora = from.method === 'lora' ? await readAdapterConfig(folder, model.config) : undefined;
  return { model, tokenizer, from, ...trainablesOf(model, from.method, lora) };
}
