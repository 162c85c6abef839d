/** The folder that a tuning leaves behind, and how a tuned model is read from it again. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { GPT } from '../model/gpt.ts';
import { Head } from '../model/heads.ts';
import type { LoraAdapters } from '../model/lora.ts';
import { sha256, writeAtomic } from '../node/files.ts';
import { damaged, FileName, Sha256 } from '../schema.ts';
import { shellWord } from '../shellWord.ts';
import type { Engine } from '../tensor/engine.ts';
import { TAG } from '../text/labels/conll.ts';
import { TASKS, TaskCard } from '../text/labels/taskCard.ts';
import type { Tokenizer } from '../text/tokenizers/tokenizer.ts';
import * as folders from '../train/runFolder.ts';
import {
  adapterWeights,
  loadBase,
  modelOf,
  readAdapters,
  requireOneRun,
  writeAdapterConfig,
} from '../train/savedRun.ts';
import { METHODS, type Method } from '../train/trainable.ts';
import { ClassifySettings } from './classify/settings.ts';
import { ClassificationReport, ClassifyEvaluation } from './metrics/classification.ts';
import { SpanReport, TagEvaluation } from './metrics/spans.ts';
import { TagSettings } from './tag/settings.ts';

/*
 * What a tuning leaves behind:
 *   run.json                    task, labels, base, settings, data card, hashes of the parts, scores
 *   config.json, dawnlm-tokenizer.json   those of the base
 *   splits/                     the texts or sentences that were trained, validated and tested on
 *   head.safetensors            the layer that scores the labels
 *   model.safetensors           the whole model, where some of it was trained
 *   adapter_config.json, adapter_model.safetensors
 *                               adapters, with the method lora, as PEFT has them; of the model they and the head alone are new, as
 *                               with the method head, so that the base is needed: it is found by its path and checked by its hash
 */
const HEAD = 'head.safetensors';
export const PARTS = 'splits';

/** A part of the data: how many examples, the file, and its SHA-256. */
const Split = z.object({
  examples: z.int().min(0),
  file: z
    .string()
    .regex(/^splits[\\/](?!\.{1,2}$)[^\\/:\p{Cc}]{1,200}$/u)
    .meta({ title: 'the name of a file in splits/' }),
  sha256: Sha256,
});

/** What a task sees at a validation. */
export const EVALUATIONS = { classify: ClassifyEvaluation, tag: TagEvaluation };

/** What run.json holds, by what a model was tuned to; of its settings those that it is used with, and whatever else they were. */
const CARDS = {
  classify: agreeing(
    z.object({
      ...tuned(z.literal('classify'), z.string().min(1)),
      settings: z.looseObject({
        ...settingsOf(ClassifySettings.shape, EVALUATIONS.classify),
        ...ClassifySettings.pick({ pooling: true, maxTokens: true }).shape,
        temperature: z.number().positive().max(1000),
      }),
      report: ClassificationReport.optional(),
    }),
  ).refine(
    ({ labels, report }) => !report || report.perClass.map(({ label }) => label).join('\0') === labels.join('\0'),
    {
      path: ['report'],
      error: 'scores other labels than there are',
    },
  ),
  tag: agreeing(
    z.object({
      ...tuned(z.literal('tag'), z.string().regex(TAG).meta({ title: 'O, B-type or I-type' })),
      settings: z.looseObject({
        ...settingsOf(TagSettings.shape, EVALUATIONS.tag),
        ...TagSettings.pick({ bidirectional: true }).shape,
      }),
      report: z.record(z.string(), SpanReport).optional(),
    }),
  ),
};

/** With what must be so between the parts of a card. */
function agreeing<
  S extends z.ZodType<{ task: string; dataCard: TaskCard; splits: Record<string, { examples: number }> }>,
>(card: S): S {
  return card
    .refine(({ task, dataCard }) => dataCard.task === task, { path: ['dataCard', 'task'], error: 'is another one' })
    .refine(
      ({ dataCard: { parts }, splits }) =>
        Object.entries(splits).every(([part, { examples }]) => examples <= (parts[part]?.examples ?? -1)),
      { path: ['splits'], error: 'hold more examples than there are in the data' },
    );
}

/** What every run.json of a tuned model holds, beside what the test part said. */
function tuned<Task extends z.ZodType>(task: Task, label: z.ZodString) {
  return {
    ...{ task, ...folders.CARD },
    /** The classes of the head, in order. */
    labels: z.array(label).min(1).refine(distinct, 'must be distinct').readonly(),
    method: z.enum(METHODS),
    /** The run that was tuned. */
    base: folders.BaseLink,
    dataCard: TaskCard,
    /** What was trained, validated and tested on. */
    splits: z.record(FileName, Split),
  };
}

function distinct(labels: readonly string[]): boolean {
  return new Set(labels).size === labels.length;
}

/** Settings as they were, where they are there, and what was seen on the way. */
function settingsOf(shape: z.ZodRawShape, evaluation: z.ZodType) {
  const bare = (setting: z.core.$ZodType) => (setting instanceof z.ZodDefault ? setting.unwrap() : setting);
  const seen = z.object({ step: z.int().min(0), loss: z.number(), best: z.boolean(), evaluation });
  return {
    ...Object.fromEntries(Object.entries(shape).map(([name, setting]) => [name, z.optional(bare(setting))])),
    ...{
      status: z.enum(['finished', 'early', 'stopped']).optional(),
      best: seen.optional(),
      history: z.array(seen).readonly().optional(),
    },
  };
}
export type TunedTask = keyof typeof CARDS;
export type CardOf<Task extends TunedTask> = z.infer<(typeof CARDS)[Task]>;
export type TunedCard = CardOf<TunedTask>;

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
  await rm(join(folder, folders.FILES.run)).catch(() => undefined); // of what was tuned into that folder before
  await folders.writeWeights(folder, HEAD, await folders.weightsOf(head.parameters));
  if (adapters) {
    const { weights, metadata } = await adapterWeights(adapters, card.base);
    await writeAdapterConfig(folder, adapters, card.base, model.config);
    await folders.writeWeights(folder, folders.FILES.adapter, weights, metadata);
  }
  if (changesModel(card.method)) {
    await folders.writeWeights(folder, folders.FILES.last, await folders.weightsOf(model.parameters));
  }
  await folders.writeRunCard(folder, { ...card, splits: await writeParts(folder, parts) }, tokenizer, model);
}

async function writeParts(folder: string, parts: Readonly<Record<string, KeptPart>>): Promise<TunedCard['splits']> {
  const splits: Record<string, TunedCard['splits'][string]> = {};
  for (const [part, { examples, file, content }] of Object.entries(parts)) {
    const path = `${PARTS}/${file}`;
    await writeAtomic(join(folder, path), content);
    splits[part] = { examples, file: path, sha256: await sha256([Buffer.from(content)]) };
  }
  return splits;
}

/** What a run was tuned to, if to labels. @throws UserError when there is no such run */
export const tunedTaskOf = async (folder: string): Promise<TunedTask | undefined> =>
  (await folders.readJson(folder, folders.FILES.run, z.object({ task: z.enum(TASKS).optional() }))).task;

/** The texts or sentences that are kept with a tuned model. @throws UserError when a file is missing, or is not what it was */
export async function readParts(folder: string, { splits }: TunedCard): Promise<Record<string, KeptPart>> {
  const parts: Record<string, KeptPart> = {};
  for (const [part, split] of Object.entries(splits)) {
    const [, file] = split.file.split(/[\\/]/);
    const bytes = await folders.readRunFile(folder, join('splits', file));
    if ((await sha256([bytes])) !== split.sha256) {
      throw damaged(join(folder, split.file))('it is not what was tuned on (its SHA-256 is another)');
    }
    parts[part] = { examples: split.examples, file, content: bytes.toString('utf8') };
  }
  return parts;
}

/** What was tuned in a folder. @throws UserError when it is none, was tuned to something else, is damaged or of a later version */
export async function readTunedCard<Task extends TunedTask>(folder: string, task: Task): Promise<CardOf<Task>> {
  const found = await tunedTaskOf(folder);
  if (found === task) return (await folders.readJson(folder, folders.FILES.run, CARDS[task])) as CardOf<Task>;
  const [holds, advice] =
    found === undefined
      ? ['a run that was not tuned to labels', `tune it with npx dawnlm finetune ${task} --run ${shellWord(folder)}`]
      : [`a model that was tuned to ${found}`, `use it with npx dawnlm ${found} --run ${shellWord(folder)}`];
  throw new UserError(`${folder} holds ${holds}, and dawnlm ${task} needs one that was tuned to ${task}: ${advice}`);
}

/**
 * Reads a tuned model.
 * @throws UserError when a file is missing or damaged, or the base is not where it was or not what it was
 */
export async function readTuned(engine: Engine, folder: string, card: TunedCard): Promise<TunedModel> {
  const tokenizer = await folders.readTokenizer(folder);
  const model = changesModel(card.method)
    ? modelOf(engine, await folders.readModelConfig(folder), await folders.readWeights(folder, folders.FILES.last))
    : (await loadBase(engine, folder, card.base)).model;
  requireOneRun(folder, tokenizer, model.config);
  const head = new Head(engine, model.config.nEmbd, card.labels.length);
  folders.loadParameters(head.parameters, await folders.readWeights(folder, HEAD));
  if (card.method !== 'lora') return { model, head, tokenizer };
  const adapters = await readAdapters(engine, folder, model, card.base);
  model.adapters = adapters;
  return { model, head, adapters, tokenizer };
}
