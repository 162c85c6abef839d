/** The folder that a tuning leaves behind, and how a tuned model is read from it again. */
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UserError } from '../errors.ts';
import { toHuggingFaceConfig } from '../export/huggingFace.ts';
import { BASE_HASH, toPeftTensors } from '../export/peft.ts';
import { encodeSafetensors } from '../export/safetensors.ts';
import { GPT } from '../model/gpt.ts';
import { Head } from '../model/heads.ts';
import type { LoraAdapters } from '../model/lora.ts';
import { sha256, writeAtomic } from '../node/files.ts';
import type { Engine } from '../tensor/engine.ts';
import type { Parameters } from '../tensor/parameters.ts';
import type { TaskCard } from '../text/labels/taskCard.ts';
import { type Tokenizer, tokenizerFromJSON } from '../text/tokenizers/tokenizer.ts';
import {
  type BaseLink,
  FILES,
  loadParameters,
  readJson,
  readModelConfig,
  readRunFile,
  readWeights,
} from '../train/runFolder.ts';
import { loadBase, readAdapters, writeAdapterConfig } from '../train/savedRun.ts';
import type { Method } from '../train/trainable.ts';

/*
 * What a tuning leaves behind:
 *   run.json                    task, labels, base, settings, data card, hashes of the parts, scores
 *   config.json, tokenizer.json those of the base
 *   splits/                     the texts or sentences that were trained, validated and tested on
 *   head.safetensors            the layer that scores the labels
 *   model.safetensors           the whole model, where some of it was trained
 *   adapter_config.json, adapter_model.safetensors
 *                               adapters, with the method lora, as PEFT has them; of the model they and the head alone are new, as
 *                               with the method head, so that the base is needed: it is found by its path and checked by its hash
 */
const HEAD = 'head.safetensors';

/** What a model can be tuned to. */
export type TunedTask = 'classify' | 'tag';

/** What run.json holds. */
export interface TunedCard {
  readonly version: 1;
  readonly task: TunedTask;
  /** The classes of the head, in order. */
  readonly labels: readonly string[];
  readonly method: Method;
  /** The run that was tuned. */
  readonly base: BaseLink;
  /** Further settings of the task. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly dataCard: TaskCard;
  /** What was trained, validated and tested on: how many examples, the file, and its SHA-256. */
  readonly splits: Readonly<
    Record<string, { readonly examples: number; readonly file: string; readonly sha256: string }>
  >;
  readonly adapter: { readonly name: string; readonly software: boolean };
  /** ISO 8601. */
  readonly startedAt: string;
  /** What the test part said. */
  readonly report?: unknown;
}

/** A part of the data as it is kept with what was tuned on it. */
export interface KeptPart {
  readonly examples: number;
  readonly file: string;
  readonly content: string;
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

/** Writes a tuned model; run.json comes last: where it stands, everything does. @throws UserError when the folder cannot be written */
export async function writeTuned(
  folder: string,
  card: Omit<TunedCard, 'splits'>,
  { model, head, adapters, tokenizer }: TunedModel,
  parts: Readonly<Record<string, KeptPart>>,
): Promise<void> {
  const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
  await rm(join(folder, FILES.run)).catch(() => undefined); // of what was tuned into that folder before
  await writeAtomic(join(folder, FILES.config), json(toHuggingFaceConfig(model.config)));
  await writeAtomic(join(folder, FILES.tokenizer), `${JSON.stringify(tokenizer.toJSON())}\n`);
  await writeWeights(join(folder, HEAD), head.parameters);
  if (adapters) await writeAdapters(folder, adapters, model, card.base);
  if (changesModel(card.method)) await writeWeights(join(folder, FILES.last), model.parameters);
  await writeAtomic(join(folder, FILES.run), json({ ...card, splits: await writeParts(folder, parts) }));
}

async function writeParts(folder: string, parts: Readonly<Record<string, KeptPart>>): Promise<TunedCard['splits']> {
  const splits: Record<string, TunedCard['splits'][string]> = {};
  for (const [part, { examples, file, content }] of Object.entries(parts)) {
    const path = join('splits', file);
    await writeAtomic(join(folder, path), content);
    splits[part] = { examples, file: path, sha256: await sha256([Buffer.from(content)]) };
  }
  return splits;
}

async function writeWeights(path: string, parameters: Parameters): Promise<void> {
  await writeAtomic(path, encodeSafetensors(parameters.split(await parameters.values.floats())));
}

async function writeAdapters(folder: string, adapters: LoraAdapters, model: GPT, base: BaseLink): Promise<void> {
  await writeAdapterConfig(folder, adapters, base, model.config);
  const { layers, parameters } = adapters;
  const tensors = toPeftTensors(layers, parameters.split(await parameters.values.floats()));
  await writeAtomic(join(folder, FILES.adapter), encodeSafetensors(tensors, { [BASE_HASH]: base.sha256 }));
}

/** What a run was tuned to, if to labels. @throws UserError when there is no such run */
export async function tunedTaskOf(folder: string): Promise<TunedTask | undefined> {
  const { task } = ((await readJson(folder, FILES.run)) ?? {}) as Partial<TunedCard>;
  return task;
}

/** The texts or sentences that are kept with a tuned model. @throws UserError when a file is missing */
export async function readParts(folder: string, { splits }: TunedCard): Promise<Record<string, KeptPart>> {
  const parts: Record<string, KeptPart> = {};
  for (const [part, { examples, file }] of Object.entries(splits)) {
    const content = (await readRunFile(folder, file)).toString('utf8');
    parts[part] = { examples, file: basename(file), content };
  }
  return parts;
}

/** What was tuned in a folder. @throws UserError when it is none, was tuned to something else, or is of a later version */
export async function readTunedCard(folder: string, task: TunedTask): Promise<TunedCard> {
  const card = (await readJson(folder, FILES.run)) as Partial<TunedCard> | null;
  if (card?.task !== task || !Array.isArray(card.labels)) {
    const [holds, advice] =
      card?.task === undefined
        ? ['a run that was not tuned to labels', `tune it with dawnlm finetune ${task} --run ${folder}`]
        : [`a model that was tuned to ${card.task}`, `use it with dawnlm ${card.task} --run ${folder}`];
    throw new UserError(`${folder} holds ${holds}, and dawnlm ${task} needs one that was tuned to ${task}: ${advice}`);
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
  const model = changesModel(card.method)
    ? await ownModel(engine, folder)
    : (await loadBase(engine, folder, card.base)).model;
  const head = new Head(engine, model.config.nEmbd, card.labels.length);
  loadParameters(head.parameters, await readWeights(folder, HEAD), join(folder, HEAD));
  if (card.method !== 'lora') return { model, head, tokenizer };
  const adapters = await readAdapters(engine, folder, model, card.base);
  model.adapters = adapters;
  return { model, head, adapters, tokenizer };
}

async function ownModel(engine: Engine, folder: string): Promise<GPT> {
  const model = new GPT(engine, await readModelConfig(folder));
  loadParameters(model.parameters, await readWeights(folder, FILES.last), join(folder, FILES.last));
  return model;
}
