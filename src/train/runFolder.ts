import { existsSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { fromHuggingFaceConfig, toHuggingFaceConfig } from '../export/huggingFace.ts';
import { decodeSafetensors, encodeSafetensors, type LoadedFile, type NamedTensor } from '../export/safetensors.ts';
import { isLossScaleState } from '../kernels/lossScale.ts';
import type { ModelConfig } from '../model/config.ts';
import { GPT } from '../model/gpt.ts';
import { errorCode, writeAtomic } from '../node/files.ts';
import type { Engine } from '../tensor/engine.ts';
import type { Parameters } from '../tensor/parameters.ts';
import { format, type Shape, sameShape } from '../tensor/shape.ts';
import { isTuningTable, type TuningTable } from '../tensor/tuning.ts';
import type { DataCard } from '../text/dataset.ts';
import { type Tokenizer, tokenizerFromJSON } from '../text/tokenizer.ts';
import { PRESETS, type TrainConfig } from './config.ts';
import type { LogRecord } from './logRecord.ts';
import type { Trainer } from './trainer.ts';

/*
 * What a run leaves behind:
 *   config.json, model.safetensors   the last weights, as Hugging Face's GPT-2 or Llama reads them
 *   best.safetensors                 the weights of the lowest validation loss
 *   tokenizer.json                   the tokenizer
 *   run.json                         settings, data card, adapter, tuning
 *   resume.safetensors               weights, moments and progress: one file, so that a kill leaves the old one or the new one
 *   log.jsonl, report.html           figures of every step, and what people look at
 */
export const FILES = {
  config: 'config.json',
  last: 'model.safetensors',
  best: 'best.safetensors',
  tokenizer: 'tokenizer.json',
  run: 'run.json',
  resume: 'resume.safetensors',
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

/** What run.json holds. */
export interface RunCard {
  version: 1;
  config: TrainConfig;
  dataCard: DataCard;
  adapter: { name: string; software: boolean };
  /** Measured choices of kernels that the run goes by: they decide the last bits of its numbers. */
  tuning?: TuningTable;
  /** ISO 8601. */
  startedAt: string;
}

/** A run as `sample` and `eval` need it. */
export interface SavedRun extends RunCard {
  model: GPT;
  tokenizer: Tokenizer;
  state: RunState;
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
        `${folder} is no complete run folder: ${file} is missing. Give a folder that dawnlm train has written.`,
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
function partOf(loaded: LoadedFile, file: string, name: string, shape: Shape): Float32Array {
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

function parseState(metadata: Readonly<Record<string, string>>, file: string): RunState {
  try {
    const state = JSON.parse(metadata.state) as RunState;
    if (Number.isInteger(state.step) && state.step >= 0) return state;
  } catch {
    // said below
  }
  throw new UserError(`${file} does not say how far its run was; it is not a checkpoint of this program.`);
}

function parseLossScale({ lossScale }: Readonly<Record<string, string>>, file: string): number[] {
  try {
    const state: unknown = JSON.parse(lossScale);
    if (isLossScaleState(state)) return state;
  } catch {
    // said below
  }
  throw new UserError(
    `${file} does not hold the loss scale of mixed precision; restore it from a copy, or train anew.`,
  );
}

/** The file of a run's best weights (or last ones). */
export const weightsFile = (folder: string, which: 'best' | 'last' = 'best'): string =>
  which === 'best' && existsSync(join(folder, FILES.best)) ? FILES.best : FILES.last;

/**
 * Loads a run: its best weights (or the last ones), tokenizer and settings.
 * @throws UserError when the folder is missing, incomplete, damaged or of another config.
 */
export async function loadRun(engine: Engine, folder: string, which: 'best' | 'last' = 'best'): Promise<SavedRun> {
  const card = await readRunCard(folder);
  const tokenizer = tokenizerFromJSON(await readJson(folder, FILES.tokenizer));
  const config = await readModelConfig(folder);
  if (tokenizer.vocabSize !== config.vocabSize) {
    throw new UserError(
      `${folder} is mixed up: its tokenizer has ${tokenizer.vocabSize} tokens, and its model ${config.vocabSize}. Restore the files of one run.`,
    );
  }
  const model = new GPT(engine, config);
  const file = weightsFile(folder, which);
  const loaded = await readWeights(folder, file);
  loadParameters(model.parameters, loaded, join(folder, file));
  return { ...card, model, tokenizer, state: parseState(loaded.metadata, join(folder, file)) };
}

/** Reads parameters back. */
async function weightsOf(model: GPT): Promise<NamedTensor[]> {
  return model.parameters.split(await model.parameters.values.floats());
}

/**
 * Saves a checkpoint: the best weights if they are the best so far, then everything that resuming needs, then the last
 * weights. Each file is replaced as a whole. @throws UserError when the disk is full or the folder read-only.
 */
export async function saveCheckpoint(
  folder: string,
  trainer: Trainer,
  state: RunState,
  isBest: boolean,
): Promise<void> {
  const weights = await weightsOf(trainer.model);
  const metadata = { state: JSON.stringify(state) };
  if (isBest) await writeAtomic(join(folder, FILES.best), encodeSafetensors(weights, metadata));
  const { tensors, lossScale } = await trainer.stepper.save();
  // doubles in JSON hold what f32 does, to the bit
  const scaling = lossScale && { lossScale: JSON.stringify(lossScale) };
  await writeAtomic(join(folder, FILES.resume), encodeSafetensors(tensors, { ...metadata, ...scaling }));
  await writeAtomic(join(folder, FILES.last), encodeSafetensors(weights, metadata));
}

/** Puts a trainer where its run stopped. @throws UserError when the checkpoint is missing, damaged or of another config. */
export async function restoreCheckpoint(folder: string, trainer: Trainer): Promise<RunState> {
  const file = join(folder, FILES.resume);
  const loaded = await readWeights(folder, FILES.resume);
  const state = parseState(loaded.metadata, file);
  const { stepper } = trainer;
  const lossScale = stepper.lossScale && parseLossScale(loaded.metadata, file);
  stepper.restore(state.step, (name, shape) => partOf(loaded, file, name, shape), lossScale);
  return state;
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
