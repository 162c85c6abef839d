/** A trained model that goes on learning: from another text, or from prompts and answers. */
import type { LoraSettings } from '../../model/lora.ts';
import type { Engine } from '../../tensor/engine.ts';
import type { TunedFrom } from '../../train/runFolder.ts';
import { linkTo, loadBase, loadRun, readAdapterConfig } from '../../train/savedRun.ts';
import { type TextTuning, trainablesOf } from '../../train/trainable.ts';

/** What of a model is trained on text: everything, low-rank adapters, or the last block and the norm behind it. */
export const TEXT_METHODS = ['full', 'lora', 'last'] as const;
export type TextMethod = (typeof TEXT_METHODS)[number];

export interface TextTuningSettings {
  /** Where the tuned run is to be kept. */
  readonly folder: string;
  /** Folder of the run to go on from, and which of its weights. */
  readonly base: string;
  readonly checkpoint: 'best' | 'last';
  readonly method: TextMethod;
  readonly lora: LoraSettings;
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

/** Makes the model of a tuned run ready to go on. @throws UserError when its base is not there, or not what it was */
export async function resumeTuning(engine: Engine, folder: string, from: TunedFrom): Promise<TextTuning> {
  const { model, tokenizer } = await loadBase(engine, folder, from);
  const lora = from.method === 'lora' ? await readAdapterConfig(folder, model.config) : undefined;
  return { model, tokenizer, from, ...trainablesOf(model, from.method, lora) };
}
