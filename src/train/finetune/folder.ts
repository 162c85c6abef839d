/** The folder that a tuning leaves behind, and how a tuned model is read from it again. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { UserError } from '../../errors.ts';
import { toHuggingFaceConfig } from '../../export/huggingFace.ts';
import { BASE_HASH, fromPeftConfig, fromPeftTensors, toPeftConfig, toPeftTensors } from '../../export/peft.ts';
import { encodeSafetensors } from '../../export/safetensors.ts';
import type { ModelConfig } from '../../model/config.ts';
import { GPT } from '../../model/gpt.ts';
import { Head } from '../../model/heads.ts';
import { LoraAdapters, linearLayers } from '../../model/lora.ts';
import { writeAtomic } from '../../node/files.ts';
import type { Engine } from '../../tensor/engine.ts';
import type { Parameters } from '../../tensor/parameters.ts';
import type { TaskCard } from '../../text/taskCard.ts';
import { type Tokenizer, tokenizerFromJSON } from '../../text/tokenizer.ts';
import {
  FILES,
  loadParameters,
  loadRun,
  readJson,
  readModelConfig,
  readRunFile,
  readWeights,
  weightsFile,
} from '../runFolder.ts';
import type { PartHash } from './classifyData.ts';
import type { Method } from './method.ts';

/*
 * What a tuning leaves behind:
 *   run.json                    task, labels, base, settings, data card, hashes of the parts, scores
 *   config.json, tokenizer.json those of the base
 *   head.safetensors            the layer that scores the labels
 *   model.safetensors           the whole model, where some of it was trained
 *   adapter_config.json, adapter_model.safetensors
 *                               adapters, with the method lora, as PEFT has them; of the model they and the head alone are new, as
 *                               with the method head, so that the base is needed: it is found by its path and checked by its hash
 */
const HEAD = 'head.safetensors';
const ADAPTER = { config: 'adapter_config.json', tensors: 'adapter_model.safetensors' } as const;

/** What a model can be tuned to. */
export type TunedTask = 'classify' | 'tag';

/** What run.json holds. */
export interface TunedCard {
  readonly version: 1;
  readonly task: TunedTask;
  /** The classes of the head, in order. */
  readonly labels: readonly string[];
  readonly method: Method;
  /** The run that was tuned: its folder, as seen from this one, and the SHA-256 of its weights. */
  readonly base: { readonly folder: string; readonly sha256: string };
  /** Further settings of the task. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly dataCard: TaskCard;
  readonly splits: Readonly<Record<string, PartHash>>;
  readonly adapter: { readonly name: string; readonly software: boolean };
  /** ISO 8601. */
  readonly startedAt: string;
  /** What the test part said. */
  readonly report?: unknown;
}

/** A tuned model at hand. */
export interface TunedModel {
  readonly model: GPT;
  readonly head: Head;
  readonly adapters?: LoraAdapters;
  readonly tokenizer: Tokenizer;
}

/** Whether the base's own weights are a part of what was learned. */
const changesModel = (method: Method): boolean => method === 'full' || method === 'last';

/** What run.json says of a base. @throws UserError when there is no such run */
export async function describeBase(folder: string, base: string): Promise<TunedCard['base']> {
  return { folder: relative(resolve(folder), resolve(base)) || '.', sha256: await hashWeights(base) };
}

const hashWeights = async (folder: string): Promise<string> =>
  createHash('sha256')
    .update(await readRunFile(folder, weightsFile(folder)))
    .digest('hex');

/** Writes a tuned model; run.json comes last: where it stands, everything does. @throws UserError when the folder cannot be written */
export async function writeTuned(folder: string, card: TunedCard, tuned: TunedModel): Promise<void> {
  const { model, head, adapters, tokenizer } = tuned;
  const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
  await writeAtomic(join(folder, FILES.config), json(toHuggingFaceConfig(model.config)));
  await writeAtomic(join(folder, FILES.tokenizer), `${JSON.stringify(tokenizer.toJSON())}\n`);
  await writeWeights(join(folder, HEAD), head.parameters);
  if (adapters) await writeAdapters(folder, adapters, model.config, card.base);
  if (changesModel(card.method)) await writeWeights(join(folder, FILES.last), model.parameters);
  await writeAtomic(join(folder, FILES.run), json(card));
}

async function writeWeights(path: string, parameters: Parameters): Promise<void> {
  await writeAtomic(path, encodeSafetensors(parameters.split(await parameters.values.floats())));
}

async function writeAdapters(
  folder: string,
  { settings, layers, parameters }: LoraAdapters,
  config: ModelConfig,
  base: TunedCard['base'],
): Promise<void> {
  const fields = toPeftConfig(settings, layers, config, base.folder);
  await writeAtomic(join(folder, ADAPTER.config), `${JSON.stringify(fields, undefined, 2)}\n`);
  const tensors = toPeftTensors(layers, parameters.split(await parameters.values.floats()));
  await writeAtomic(join(folder, ADAPTER.tensors), encodeSafetensors(tensors, { [BASE_HASH]: base.sha256 }));
}

/** What was tuned in a folder. @throws UserError when it is none, was tuned to something else, or is of a later version */
export async function readTunedCard(folder: string, task: TunedTask): Promise<TunedCard> {
  const card = (await readJson(folder, FILES.run)) as Partial<TunedCard> | null;
  if (card?.task !== task || !Array.isArray(card.labels)) {
    const holds =
      card?.task === undefined ? 'a run that was not tuned to labels' : `a model that was tuned to ${card.task}`;
    throw new UserError(
      `${folder} holds ${holds}, and dawnlm ${task} needs one that dawnlm finetune ${task} has written: npx dawnlm finetune ${task} --run ${folder}`,
    );
  }
  if (card.version === 1) return card as TunedCard;
  throw new UserError(`${join(folder, FILES.run)} is of another version of this program (expected 1).`);
}

/**
 * Reads a tuned model.
 * @throws UserError when a file is missing or damaged, or the base is not where it was or not what it was
 */
export async function readTuned(engine: Engine, folder: string, card: TunedCard): Promise<TunedModel> {
  const tokenizer = tokenizerFromJSON(await readJson(folder, FILES.tokenizer));
  const model = changesModel(card.method) ? await ownModel(engine, folder) : await baseModel(engine, folder, card);
  const head = new Head(engine, model.config.nEmbd, card.labels.length);
  loadParameters(head.parameters, await readWeights(folder, HEAD), join(folder, HEAD));
  if (card.method !== 'lora') return { model, head, tokenizer };
  const adapters = await readAdapters(engine, folder, model, card.base.sha256);
  model.adapters = adapters;
  return { model, head, adapters, tokenizer };
}

async function readAdapters(engine: Engine, folder: string, model: GPT, baseHash: string): Promise<LoraAdapters> {
  const path = join(folder, ADAPTER.config);
  const settings = fromPeftConfig(
    await readJson(folder, ADAPTER.config),
    linearLayers(model.config),
    model.config,
    path,
  );
  const adapters = new LoraAdapters(engine, model, settings);
  const loaded = await readWeights(folder, ADAPTER.tensors);
  const tensors = fromPeftTensors(loaded, adapters.layers, settings, join(folder, ADAPTER.tensors), baseHash);
  adapters.parameters.values.write(adapters.parameters.join((name) => tensors.get(name)!));
  return adapters;
}

async function ownModel(engine: Engine, folder: string): Promise<GPT> {
  const model = new GPT(engine, await readModelConfig(folder));
  loadParameters(model.parameters, await readWeights(folder, FILES.last), join(folder, FILES.last));
  return model;
}

async function baseModel(engine: Engine, folder: string, { base, method }: TunedCard): Promise<GPT> {
  const at = join(folder, base.folder);
  const what = method === 'lora' ? 'adapters' : 'head';
  if (!existsSync(join(at, FILES.run))) {
    throw new UserError(
      `${folder} holds only the ${what} of a tuned model; the run that they belong to is not at ${at}. Put it back there, or tune again.`,
    );
  }
  if ((await hashWeights(at)) !== base.sha256) {
    throw new UserError(
      `${at} is not the model that ${folder} was tuned from: its weights are other ones. Restore that run, or tune again.`,
    );
  }
  return (await loadRun(engine, at)).model;
}
