import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { fromHuggingFaceConfig, toHuggingFaceConfig } from '../export/huggingFace.ts';
import { decodeSafetensors, type LoadedFile } from '../export/safetensors.ts';
import type { ModelConfig } from '../model/config.ts';
import type { GPT } from '../model/gpt.ts';
import { errorCode, writeAtomic } from '../node/files.ts';
import type { LogRecord } from '../report/logRecord.ts';
import type { Parameters } from '../tensor/parameters.ts';
import { format, type Shape, sameShape } from '../tensor/shape.ts';
import { isTuningTable, type TuningTable } from '../tensor/tuning/table.ts';
import type { ChatTemplate } from '../text/chat/chatTemplate.ts';
import type { Tokenizer } from '../text/tokenizers/tokenizer.ts';
import type { DataCard } from '../text/windows/dataset.ts';
import { PRESETS, type TrainConfig } from './config.ts';

/*
 * What a run leaves behind:
 *   config.json, model.safetensors   the last weights, as Hugging Face's GPT-2 or Llama reads them
 *   best.safetensors                 the weights of the lowest validation loss
 *   tokenizer.json                   the tokenizer
 *   run.json                         settings, data card, adapter, tuning
 *   resume.safetensors               weights, moments and progress: one file, so that a kill leaves the old one or the new one
 *   adapter_model.safetensors,       in place of the weights where adapters alone were trained: the best ones and their settings as
 *   adapter_config.json                PEFT keeps them; adapter_last.safetensors has the last ones
 *   log.jsonl, report.html           figures of every step, and what people look at
 */
export const FILES = {
  config: 'config.json',
  last: 'model.safetensors',
  best: 'best.safetensors',
  tokenizer: 'tokenizer.json',
  run: 'run.json',
  resume: 'resume.safetensors',
  adapter: 'adapter_model.safetensors',
  lastAdapter: 'adapter_last.safetensors',
  adapterConfig: 'adapter_config.json',
  log: 'log.jsonl',
  report: 'report.html',
} as const;

/** How far a run is. */
export interface RunState {
  /** Optimizer steps done. */
  step: number;
  /** Time spent training, over all resumptions. */
  timeMs: number;
  bestValidationLoss: number | null;
  bestStep: number;
}

/** The run that another one goes on from. */
export interface BaseLink {
  /** Its folder, as seen from the other one's. */
  readonly folder: string;
  /** Which of its weights, and the SHA-256 of their file. */
  readonly checkpoint: 'best' | 'last';
  readonly sha256: string;
}

/** What a run that goes on from another one says of that. */
export interface TunedFrom extends BaseLink {
  method: 'full' | 'lora' | 'last';
  /** How prompts and answers were put together, where it was tuned on such. */
  chat?: ChatTemplate;
}

/** What run.json holds. */
export interface RunCard {
  version: 1;
  config: TrainConfig;
  dataCard: DataCard;
  adapter: { name: string; software: boolean };
  /** Measured choices of kernels that the run goes by: they decide the last bits of its numbers. */
  tuning?: TuningTable;
  tunedFrom?: TunedFrom;
  /** ISO 8601. */
  startedAt: string;
}

/** Reads a file of a run folder. @throws UserError that says what the folder lacks. */
export async function readRunFile(folder: string, file: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, file));
  } catch (error) {
    if (!existsSync(folder))
      throw new UserError(`There is no run folder ${folder}. Train one with dawnlm train --out ${folder}.`);
    if (errorCode(error) === 'ENOENT') {
      throw new UserError(
        `${folder} is no complete run folder: ${file} is missing. Give a folder that dawnlm train or finetune has written.`,
      );
    }
    throw new UserError(`${join(folder, file)} cannot be read (${errorCode(error)}).`, { cause: error });
  }
}

/** A JSON file of a run folder. @throws UserError when it is missing or damaged */
export async function readJson(folder: string, file: string): Promise<unknown> {
  const text = (await readRunFile(folder, file)).toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError(`${join(folder, file)} is damaged: it is not JSON. Restore it from a copy, or train anew.`);
  }
}

/** Settings that came after a run was begun stand as it trained: at their defaults, and in float32. */
const EARLIER: TrainConfig = { ...PRESETS.nano.config, precision: 'float32' };

/** Settings, data card and adapter of a run. @throws UserError when the folder is no run, or one of a later version. */
export async function readRunCard(folder: string): Promise<RunCard> {
  const card = (await readJson(folder, FILES.run)) as (Partial<RunCard> & { task?: unknown }) | null;
  if (card?.task !== undefined) {
    throw new UserError(
      `${folder} holds a model that was tuned to ${card.task}, and a run of dawnlm train was expected: use dawnlm ${card.task} --run ${folder}, or give the run that it was tuned from.`,
    );
  }
  if (card?.version !== 1 || typeof card.config !== 'object' || typeof card.dataCard !== 'object') {
    throw new UserError(
      `${join(folder, FILES.run)} is not of this program's making, or of another version (expected 1).`,
    );
  }
  if (!isTuningTable(card.tuning ?? {})) {
    throw new UserError(`${join(folder, FILES.run)} is damaged: its tuning is no table. Restore it from a copy.`);
  }
  return { ...(card as RunCard), config: { ...EARLIER, ...card.config } };
}

/** The model of a run. @throws UserError when the folder is no run, or its config is of no model that is known */
export const readModelConfig = async (folder: string): Promise<ModelConfig> =>
  fromHuggingFaceConfig(await readJson(folder, FILES.config));

/** Whether a folder holds a run. */
export const isRunFolder = (folder: string): boolean => existsSync(join(folder, FILES.run));

/** Writes what stays the same all through a run. @throws UserError when the folder cannot be written */
export async function writeRunCard(folder: string, card: RunCard, tokenizer: Tokenizer, model: GPT): Promise<void> {
  const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
  await writeAtomic(join(folder, FILES.config), json(toHuggingFaceConfig(model.config)));
  await writeAtomic(join(folder, FILES.tokenizer), `${JSON.stringify(tokenizer.toJSON())}\n`);
  await writeAtomic(join(folder, FILES.run), json(card));
}

/** A weights file of a run folder. @throws UserError when it is missing or damaged */
export async function readWeights(folder: string, file: string): Promise<LoadedFile> {
  return decodeSafetensors(await readRunFile(folder, file), join(folder, file));
}

/** A tensor of a file, checked against the model. */
export function partOf(loaded: LoadedFile, file: string, name: string, shape: Shape): Float32Array {
  const tensor = loaded.tensors.get(name);
  if (!tensor) throw new UserError(`${file} has no tensor "${name}": it was saved by a model of another config.`);
  if (!sameShape(tensor.shape, shape)) {
    const expected = `${format(tensor.shape)}, and the config wants ${format(shape)}`;
    throw new UserError(`${file}: "${name}" is ${expected}; the file belongs to a model of another config.`);
  }
  return tensor.data;
}

/** Fills parameters from a file. @throws UserError when it is of another config */
export const loadParameters = (parameters: Parameters, loaded: LoadedFile, file: string): void => {
  parameters.values.write(parameters.join((name, shape) => partOf(loaded, file, name, shape)));
};

/** The file of a run's best weights (or last ones): the model's own, or its adapters'. */
export function weightsFile(folder: string, which: 'best' | 'last' = 'best'): string {
  const own = (file: string): boolean => existsSync(join(folder, file));
  const [best, last] = own(FILES.adapterConfig) ? [FILES.adapter, FILES.lastAdapter] : [FILES.best, FILES.last];
  return which === 'best' && own(best) ? best : last;
}

/** The figures of a run so far. A line that a kill cut short is passed over. */
export async function readLog(folder: string): Promise<LogRecord[]> {
  const text = existsSync(join(folder, FILES.log)) ? (await readRunFile(folder, FILES.log)).toString('utf8') : '';
  return text.split('\n').flatMap((line): LogRecord[] => {
    try {
      return line ? [JSON.parse(line)] : [];
    } catch {
      return [];
    }
  });
}

const lines = (records: readonly LogRecord[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** Begins the log anew with the records that hold (those before the point where a run resumes). */
export const writeLog = (folder: string, records: readonly LogRecord[]): Promise<void> =>
  writeAtomic(join(folder, FILES.log), lines(records));

/** Adds to the log. @throws UserError when the disk is full or the folder read-only */
export async function appendLog(folder: string, records: readonly LogRecord[]): Promise<void> {
  try {
    await appendFile(join(folder, FILES.log), lines(records));
  } catch (error) {
    throw new UserError(
      `${join(folder, FILES.log)} cannot be written (${errorCode(error)}); the checkpoint before is intact.`,
      {
        cause: error,
      },
    );
  }
}
