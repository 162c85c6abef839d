/** The models that are served: runs that write, classifiers and taggers, each under the name of its folder. */
import { basename, resolve } from 'node:path';
import type { GPT } from '../model/gpt.ts';
import type { Classifier } from '../tasks/classify/classifier.ts';
import { openClassifier, openTagger } from '../tasks/finetune.ts';
import { readTunedCard, tunedTaskOf } from '../tasks/folder.ts';
import type { Tagger } from '../tasks/tag/tagger.ts';
import type { Engine } from '../tensor/engine.ts';
import type { WeightFormat } from '../tensor/operands/packing.ts';
import { type ChatTemplate, DEFAULT_TEMPLATE, parseTemplate } from '../text/chat/chatTemplate.ts';
import type { Tokenizer } from '../text/tokenizers/tokenizer.ts';
import { loadRun } from '../train/savedRun.ts';
import { ApiError } from './errors.ts';
import { Scheduler } from './scheduler.ts';
import { Turns } from './turns.ts';

interface Named {
  /** By which requests ask for it. */
  readonly name: string;
  /** When it was trained: seconds since 1970. */
  readonly created: number;
}

/** A model that writes. */
export interface TextModel extends Named {
  readonly task: 'text';
  readonly model: GPT;
  readonly tokenizer: Tokenizer;
  /** How prompts are put to it, and where its answers end. */
  readonly template: ChatTemplate;
  /** Whether it was tuned on answers, with that template. */
  readonly tuned: boolean;
  /** Whether it was trained to write between texts. */
  readonly fills: boolean;
  /** Whether it was trained on lines that each stand alone. */
  readonly wholeLines: boolean;
  readonly scheduler: Scheduler;
}

/** A model that says the label of texts. One call works at a time. */
export interface ClassifyModel extends Named {
  readonly task: 'classify';
  readonly classifier: Classifier;
  readonly turns: Turns;
}

/** A model that finds names and other spans. One call works at a time. */
export interface TagModel extends Named {
  readonly task: 'tag';
  readonly tagger: Tagger;
  readonly turns: Turns;
}

export type ServedModel = TextModel | ClassifyModel | TagModel;
type Task = ServedModel['task'];
type ModelOf<T extends Task> = Extract<ServedModel, { task: T }>;

/** How models are loaded. */
export interface LoadOptions {
  readonly checkpoint: 'best' | 'last';
  /** How the matrices of models that write are held, f32 unless told; those that label texts are small. */
  readonly weights?: WeightFormat;
  /** Sequences that are decoded together, and that may wait. */
  readonly sequences?: number;
  readonly queue?: number;
}

/** Sentences that a tagger reads at once. */
const TAGGED_AT_ONCE = 16;

/** A run as it is served. @throws UserError when the folder holds none, or it is damaged */
async function openModel(engine: Engine, folder: string, name: string, options: LoadOptions): Promise<ServedModel> {
  const task = await tunedTaskOf(folder);
  const named = (startedAt: string): Named => ({ name, created: Math.floor(Date.parse(startedAt) / 1000) });
  const turns = new Turns(options.queue);
  if (task === 'classify') {
    const card = await readTunedCard(folder, task);
    return { ...named(card.startedAt), task, turns, classifier: await openClassifier(engine, folder, card) };
  }
  if (task === 'tag') {
    const card = await readTunedCard(folder, task);
    return { ...named(card.startedAt), task, turns, tagger: await openTagger(engine, folder, card, TAGGED_AT_ONCE) };
  }
  const run = await loadRun(engine, folder, options.checkpoint, options.weights);
  const { model, tokenizer, startedAt, tunedFrom, config } = run;
  const { chat: template = parseTemplate(DEFAULT_TEMPLATE) } = tunedFrom ?? {};
  const scheduler = new Scheduler(model, options);
  return {
    ...named(startedAt),
    ...{ task: 'text', model, tokenizer, template, scheduler },
    ...{ tuned: tunedFrom?.chat !== undefined, fills: config.fillInMiddle > 0, wholeLines: config.wholeLines },
  };
}

/** Runs as they are served, in the order of their folders. @throws UserError for a folder that holds none, or a damaged one */
export async function openModels(engine: Engine, folders: readonly string[], options: LoadOptions): Promise<Models> {
  const models: ServedModel[] = [];
  for (const [i, name] of namesOf(folders).entries()) models.push(await openModel(engine, folders[i], name, options));
  return new Models(models);
}

/** The last part of each folder's path; of those that are called alike the second is x-2, and so on. */
export function namesOf(folders: readonly string[]): string[] {
  const names: string[] = [];
  for (const folder of folders) {
    const name = basename(resolve(folder)) || 'run';
    let free = name;
    for (let i = 2; names.includes(free); i++) free = `${name}-${i}`;
    names.push(free);
  }
  return names;
}

const VERBS: Readonly<Record<Task, string>> = { text: 'writes', classify: 'classifies', tag: 'tags' };

/** The models of a server. */
export class Models {
  constructor(readonly all: readonly ServedModel[]) {}

  /** All that write. */
  get writing(): TextModel[] {
    return this.all.filter((model) => model.task === 'text');
  }

  /**
   * The model that a request asks for: without a name the first one for the task. Where one alone is served, any name will do, since
   * many clients cannot be told to leave it out. @throws ApiError when there is none of the name, or it is for another task
   */
  find<T extends Task>(name: string | undefined, task: T): ModelOf<T> {
    const named = this.all.length === 1 ? this.all[0] : this.all.find((model) => model.name === name);
    const found = name === undefined ? this.all.find((model) => model.task === task) : named;
    if (!found && name !== undefined) throw this.unknown(name);
    if (found?.task === task) return found as ModelOf<T>;
    const others = this.all.map((model) => `${model.name} ${VERBS[model.task]}`).join(', ');
    throw new ApiError(400, `No model that ${VERBS[task]} was asked for: ${others}.`, 'wrong_task', 'model');
  }

  /** The same for a model that is to write between texts: without a name the first one that was trained for it. */
  findFilling(name: string | undefined): TextModel {
    return this.find(name ?? this.writing.find(({ fills }) => fills)?.name, 'text');
  }

  /** The same whatever the model does. */
  any(name: string | undefined): ServedModel {
    return name === undefined || this.all.length === 1 ? this.all[0] : this.named(name);
  }

  /** @throws ApiError when there is no model of exactly that name */
  named(name: string): ServedModel {
    const found = this.all.find((model) => model.name === name);
    if (found) return found;
    throw this.unknown(name);
  }

  private unknown(name: string): ApiError {
    const known = this.all.map((model) => model.name).join(', ');
    return new ApiError(
      404,
      `There is no model ${JSON.stringify(name)} here; there is ${known}.`,
      'model_not_found',
      'model',
    );
  }
}

/** A model as GET /v1/models lists it; what OpenAI lacks is said as vLLM says it, or under a name of its own. */
export const modelCard = (served: ServedModel) => ({
  ...{ id: served.name, object: 'model', created: served.created, owned_by: 'dawnlm' },
  ...{ task: served.task, max_model_len: contextOf(served) },
  ...{ chat: served.task === 'text' && served.tuned, infill: served.task === 'text' && served.fills },
});

/** Tokens that a model reads at once. */
export function contextOf(served: ServedModel): number {
  if (served.task === 'text') return served.model.config.blockSize;
  return served.task === 'classify' ? served.classifier.context : served.tagger.parts.model.config.blockSize;
}

/** Its tokenizer, whatever the model does. */
export function tokenizerOf(served: ServedModel): Tokenizer {
  if (served.task === 'text') return served.tokenizer;
  return served.task === 'classify' ? served.classifier.parts.tokenizer : served.tagger.parts.tokenizer;
}
