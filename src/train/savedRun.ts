/** A trained run read from its folder, and the run that a tuned one goes on from. */
import { realpath } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { UserError } from '../errors.ts';
import { BASE_HASH, fromPeftConfig, fromPeftTensors, toPeftConfig, toPeftTensors } from '../export/peft.ts';
import type { LoadedFile } from '../export/safetensors.ts';
import type { ModelConfig } from '../model/config.ts';
import { GPT } from '../model/gpt.ts';
import { LoraAdapters, type LoraSettings } from '../model/lora.ts';
import { parameterSpecs } from '../model/parameters.ts';
import { quantizedModel, quantizeModel } from '../model/quantized.ts';
import { styleOf } from '../model/styles.ts';
import { sha256 } from '../node/files.ts';
import type { Engine } from '../tensor/engine.ts';
import type { WeightFormat } from '../tensor/operands/packing.ts';
import type { Tokenizer } from '../text/tokenizers/tokenizer.ts';
import * as folders from './runFolder.ts';

/** A run as `sample` and `eval` need it. */
export interface SavedRun extends folders.RunCard {
  model: GPT;
  tokenizer: Tokenizer;
  /** How far it was; weights that another program saved do not say. */
  state?: folders.RunState;
}

/**
 * Loads a run: its best weights (or the last ones), tokenizer and settings. Weights of another format than f32 are quantized on
 * the way, adapters merged into them before: for sampling and scoring.
 * @throws UserError when the folder is missing, incomplete, damaged, of another config, or in the end tuned from itself
 */
export const loadRun = (
  engine: Engine,
  folder: string,
  which: 'best' | 'last' = 'best',
  weights: WeightFormat = 'f32',
): Promise<SavedRun> => loadFrom(engine, folder, which, weights, []);

/** @param above the folders, as the system has them, that were tuned from this one */
async function loadFrom(
  engine: Engine,
  folder: string,
  which: 'best' | 'last',
  weights: WeightFormat,
  above: readonly string[],
): Promise<SavedRun> {
  const card = await folders.readRunCard(folder);
  const tokenizer = await folders.readTokenizer(folder);
  const config = await folders.readModelConfig(folder);
  requireOneRun(folder, tokenizer, config, card);
  const file = folders.weightsFile(folder, which);
  const loaded = await folders.readWeights(folder, file);
  const state = loaded.metadata.state === undefined ? undefined : folders.stateOf(loaded);
  const { tunedFrom } = card;
  if (tunedFrom?.method === 'lora') {
    const { model } = await loadBase(engine, folder, tunedFrom, above);
    requireOneRun(folder, tokenizer, model.config);
    (await readAdapters(engine, folder, model, tunedFrom, file)).merge();
    return { ...card, model: weights === 'f32' ? model : await quantizeModel(model, weights), tokenizer, state };
  }
  return { ...card, model: modelOf(engine, config, loaded, weights), tokenizer, state };
}

/** @throws UserError for files that cannot be of one run */
export function requireOneRun(
  folder: string,
  { vocabSize }: Tokenizer,
  model: ModelConfig,
  card?: Pick<folders.RunCard, 'config'>,
): void {
  const mixedUp = (problem: string) =>
    new UserError(`${folder} is mixed up: ${problem}. Restore the files of one run.`);
  if (vocabSize !== model.vocabSize) {
    throw mixedUp(`its tokenizer has ${vocabSize} tokens, and its model ${model.vocabSize}`);
  }
  if (card && card.config.blockSize !== model.blockSize) {
    throw mixedUp(
      `it was trained with a context of ${card.config.blockSize} tokens, and its model has ${model.blockSize}`,
    );
  }
}

/** A model with the weights of a file. @throws UserError when it is of another config */
export function modelOf(engine: Engine, config: ModelConfig, file: LoadedFile, weights: WeightFormat = 'f32'): GPT {
  if (weights !== 'f32') {
    const specs = parameterSpecs(config, styleOf(config));
    return quantizedModel(engine, config, weights, folders.parametersIn(file, specs));
  }
  const model = new GPT(engine, config);
  folders.loadParameters(model.parameters, file);
  return model;
}

/** SHA-256 of a file of weights, in hex. @throws UserError when the folder lacks it */
const hashWeights = async (folder: string, which: 'best' | 'last'): Promise<string> =>
  sha256(folders.streamRunFile(folder, folders.weightsFile(folder, which)));

/** What a tuned run in `folder` says of the run that it goes on from. @throws UserError when there is no such run */
export const linkTo = async (base: string, folder: string, checkpoint: 'best' | 'last'): Promise<folders.BaseLink> => ({
  folder: relative(resolve(folder), resolve(base)) || '.',
  checkpoint,
  sha256: await hashWeights(base, checkpoint),
});

/**
 * The run that a tuned one began with, found by its path and known by its hash.
 * @param above see `loadFrom`
 * @throws UserError when it is not there, is not what it was, or was tuned from the tuned one
 */
export async function loadBase(
  engine: Engine,
  folder: string,
  from: folders.BaseLink,
  above: readonly string[] = [],
): Promise<SavedRun> {
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
  const tuned = [...above, await realpath(folder)];
  if (!tuned.includes(await realpath(at))) return loadFrom(engine, at, from.checkpoint, 'f32', tuned);
  throw new UserError(
    `${folder} was tuned from ${at}, which was tuned from it: in a circle there is no model. Restore run.json from a copy.`,
  );
}

/** Settings of a run's adapters. @throws UserError when they are none for this model */
export const readAdapterConfig = (folder: string, config: ModelConfig): Promise<LoraSettings> =>
  folders.readBy(folder, folders.FILES.adapterConfig, (json, name) => fromPeftConfig(json, config, name));

/**
 * Writes the settings of adapters as PEFT reads them. It looks for a base from the folder that it works in, so that only a whole path
 * is found from everywhere; ours, in run.json, is the way from one folder to the other. @throws UserError when the folder cannot be written */
export const writeAdapterConfig = (
  folder: string,
  { settings }: LoraAdapters,
  from: folders.BaseLink,
  config: ModelConfig,
): Promise<void> =>
  folders.writeJson(folder, folders.FILES.adapterConfig, toPeftConfig(settings, config, resolve(folder, from.folder)));

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
