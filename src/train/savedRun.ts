/** A trained run read from its folder, and the run that a tuned one goes on from. */
import { join, relative, resolve } from 'node:path';
import { UserError } from '../errors.ts';
import { BASE_HASH, fromPeftConfig, fromPeftTensors, toPeftConfig, toPeftTensors } from '../export/peft.ts';
import type { LoadedFile } from '../export/safetensors.ts';
import type { ModelConfig } from '../model/config.ts';
import { GPT } from '../model/gpt.ts';
import { LoraAdapters, type LoraSettings } from '../model/lora.ts';
import { sha256 } from '../node/files.ts';
import type { Engine } from '../tensor/engine.ts';
import type { Tokenizer } from '../text/tokenizers/tokenizer.ts';
import * as folders from './runFolder.ts';

/** A run as `sample` and `eval` need it. */
export interface SavedRun extends folders.RunCard {
  model: GPT;
  tokenizer: Tokenizer;
  state: folders.RunState;
}

/**
 * Loads a run: its best weights (or the last ones), tokenizer and settings.
 * @throws UserError when the folder is missing, incomplete, damaged or of another config.
 */
export async function loadRun(engine: Engine, folder: string, which: 'best' | 'last' = 'best'): Promise<SavedRun> {
  const card = await folders.readRunCard(folder);
  const tokenizer = await folders.readTokenizer(folder);
  const config = await folders.readModelConfig(folder);
  if (tokenizer.vocabSize !== config.vocabSize) {
    throw new UserError(
      `${folder} is mixed up: its tokenizer has ${tokenizer.vocabSize} tokens, and its model ${config.vocabSize}. Restore the files of one run.`,
    );
  }
  const file = folders.weightsFile(folder, which);
  const loaded = await folders.readWeights(folder, file);
  const state = folders.stateOf(loaded);
  const { tunedFrom } = card;
  if (tunedFrom?.method === 'lora') {
    const { model } = await loadBase(engine, folder, tunedFrom);
    (await readAdapters(engine, folder, model, tunedFrom, file)).merge();
    return { ...card, model, tokenizer, state };
  }
  return { ...card, model: modelOf(engine, config, loaded), tokenizer, state };
}

/** A model with the weights of a file. @throws UserError when it is of another config */
export function modelOf(engine: Engine, config: ModelConfig, file: LoadedFile): GPT {
  const model = new GPT(engine, config);
  folders.loadParameters(model.parameters, file);
  return model;
}

/** SHA-256 of a file of weights, in hex. @throws UserError when the folder lacks it */
const hashWeights = async (folder: string, which: 'best' | 'last'): Promise<string> =>
  sha256([await folders.readRunFile(folder, folders.weightsFile(folder, which))]);

/** What a tuned run in `folder` says of the run that it goes on from. @throws UserError when there is no such run */
export const linkTo = async (base: string, folder: string, checkpoint: 'best' | 'last'): Promise<folders.BaseLink> => ({
  folder: relative(resolve(folder), resolve(base)) || '.',
  checkpoint,
  sha256: await hashWeights(base, checkpoint),
});

/**
 * The run that a tuned one began with, found by its path and known by its hash.
 * @throws UserError when it is not there, or is not what it was
 */
export async function loadBase(engine: Engine, folder: string, from: folders.BaseLink): Promise<SavedRun> {
  const at = join(folder, from.folder);
  if (!folders.isRunFolder(at)) {
    throw new UserError(
      `${folder} was tuned from the run ${at}, which is not there. Put that folder back to its place.`,
    );
  }
  if ((await hashWeights(at, from.checkpoint)) !== from.sha256) {
    throw new UserError(
      `${at} has other weights than ${folder} was tuned from (SHA-256 ${from.sha256.slice(0, 12)}...): put back the run as it was then, or tune again.`,
    );
  }
  return loadRun(engine, at, from.checkpoint);
}

/** Settings of a run's adapters. @throws UserError when they are none for this model */
export const readAdapterConfig = (folder: string, config: ModelConfig): Promise<LoraSettings> =>
  folders.readBy(folder, folders.FILES.adapterConfig, (json, name) => fromPeftConfig(json, config, name));

/** Writes the settings of adapters as PEFT reads them. @throws UserError when the folder cannot be written */
export const writeAdapterConfig = (
  folder: string,
  { settings }: LoraAdapters,
  from: folders.BaseLink,
  config: ModelConfig,
): Promise<void> => folders.writeJson(folder, folders.FILES.adapterConfig, toPeftConfig(settings, config, from.folder));

/** Adapters as PEFT keeps them, and the metadata that says what they belong to. */
export async function adapterWeights({ layers, parameters }: LoraAdapters, from: folders.BaseLink) {
  const weights = toPeftTensors(layers, await folders.weightsOf(parameters));
  return { weights, metadata: { [BASE_HASH]: from.sha256 } };
}

/**
 * The adapters of a tuned run beside its base's model, which is left without them.
 * @throws UserError when a file is missing or damaged, or they belong to another model
 */
export async function readAdapters(
  engine: Engine,
  folder: string,
  model: GPT,
  from: folders.BaseLink,
  file: string = folders.FILES.adapter,
): Promise<LoraAdapters> {
  const adapters = new LoraAdapters(engine, model, await readAdapterConfig(folder, model.config));
  const loaded = await folders.readWeights(folder, file);
  const tensors = fromPeftTensors(loaded, adapters.layers, adapters.settings, from.sha256);
  const { parameters } = adapters;
  parameters.values.write(parameters.join((name) => folders.asWeights(tensors.get(name)!, name, loaded)));
  return adapters;
}
