/** A trained run read from its folder, and the run that a tuned one goes on from. */
import { join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import { fromPeftConfig, fromPeftTensors, toPeftConfig } from '../export/peft.ts';
import type { ModelConfig } from '../model/config.ts';
import { GPT } from '../model/gpt.ts';
import { LoraAdapters, type LoraSettings, linearLayers } from '../model/lora.ts';
import { sha256, writeAtomic } from '../node/files.ts';
import type { Engine } from '../tensor/engine.ts';
import type { Tokenizer } from '../text/tokenizers/tokenizer.ts';
import { parseState } from './checkpoint.ts';
import {
  type BaseLink,
  FILES,
  isRunFolder,
  loadParameters,
  type RunCard,
  type RunState,
  readJson,
  readModelConfig,
  readRunCard,
  readRunFile,
  readTokenizer,
  readWeights,
  weightsFile,
} from './runFolder.ts';

/** A run as `sample` and `eval` need it. */
export interface SavedRun extends RunCard {
  model: GPT;
  tokenizer: Tokenizer;
  state: RunState;
}

/**
 * Loads a run: its best weights (or the last ones), tokenizer and settings.
 * @throws UserError when the folder is missing, incomplete, damaged or of another config.
 */
export async function loadRun(engine: Engine, folder: string, which: 'best' | 'last' = 'best'): Promise<SavedRun> {
  const card = await readRunCard(folder);
  const tokenizer = await readTokenizer(folder);
  const config = await readModelConfig(folder);
  if (tokenizer.vocabSize !== config.vocabSize) {
    throw new UserError(
      `${folder} is mixed up: its tokenizer has ${tokenizer.vocabSize} tokens, and its model ${config.vocabSize}. Restore the files of one run.`,
    );
  }
  const file = weightsFile(folder, which);
  const loaded = await readWeights(folder, file);
  const state = parseState(loaded.metadata, join(folder, file));
  const { tunedFrom } = card;
  if (tunedFrom?.method === 'lora') {
    const { model } = await loadBase(engine, folder, tunedFrom);
    (await readAdapters(engine, folder, model, tunedFrom, file)).merge();
    return { ...card, model, tokenizer, state };
  }
  const model = new GPT(engine, config);
  loadParameters(model.parameters, loaded, join(folder, file));
  return { ...card, model, tokenizer, state };
}

/** SHA-256 of a file of weights, in hex. @throws UserError when the folder lacks it */
const hashWeights = async (folder: string, which: 'best' | 'last'): Promise<string> =>
  sha256([await readRunFile(folder, weightsFile(folder, which))]);

/** What a tuned run in `folder` says of the run that it goes on from. @throws UserError when there is no such run */
export const linkTo = async (base: string, folder: string, checkpoint: 'best' | 'last'): Promise<BaseLink> => ({
  folder: relative(resolve(folder), resolve(base)) || '.',
  checkpoint,
  sha256: await hashWeights(base, checkpoint),
});

/**
 * The run that a tuned one began with, found by its path and known by its hash.
 * @throws UserError when it is not there, or is not what it was
 */
export async function loadBase(engine: Engine, folder: string, from: BaseLink): Promise<SavedRun> {
  const at = join(folder, from.folder);
  if (!isRunFolder(at)) {
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
export const readAdapterConfig = async (folder: string, config: ModelConfig): Promise<LoraSettings> =>
  fromPeftConfig(
    await readJson(folder, FILES.adapterConfig, z.unknown()),
    linearLayers(config),
    config,
    join(folder, FILES.adapterConfig),
  );

/** Writes the settings of adapters as PEFT reads them. @throws UserError when the folder cannot be written */
export async function writeAdapterConfig(
  folder: string,
  { settings, layers }: LoraAdapters,
  from: BaseLink,
  config: ModelConfig,
): Promise<void> {
  const json = toPeftConfig(settings, layers, config, from.folder);
  await writeAtomic(join(folder, FILES.adapterConfig), `${JSON.stringify(json, undefined, 2)}\n`);
}

/**
 * The adapters of a tuned run beside its base's model, which is left without them.
 * @throws UserError when a file is missing or damaged, or they belong to another model
 */
export async function readAdapters(
  engine: Engine,
  folder: string,
  model: GPT,
  from: BaseLink,
  file: string = FILES.adapter,
): Promise<LoraAdapters> {
  const adapters = new LoraAdapters(engine, model, await readAdapterConfig(folder, model.config));
  const loaded = await readWeights(folder, file);
  const tensors = fromPeftTensors(loaded, adapters.layers, adapters.settings, join(folder, file), from.sha256);
  adapters.parameters.values.write(adapters.parameters.join((name) => tensors.get(name)!));
  return adapters;
}
