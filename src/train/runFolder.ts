import { createReadStream, existsSync, type Stats } from 'node:fs';
import { appendFile, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../errors.ts';
import { fromHuggingFaceConfig, toHuggingFaceConfig } from '../export/huggingFace.ts';
import {
  decodeSafetensors,
  type LoadedFile,
  type NamedTensor,
  sealSafetensors,
  TensorFile,
  tensorOf,
} from '../export/safetensors.ts';
import type { ModelConfig } from '../model/config.ts';
import type { GPT } from '../model/gpt.ts';
import { errorCode, OpenFile, writeAtomic } from '../node/files.ts';
import { quote } from '../quote.ts';
import { Appraisal } from '../report/appraisal.ts';
import { LogRecord } from '../report/logRecord.ts';
import { checkJson, checkLines, damaged, Moment, Sha256 } from '../schema.ts';
import { shellWord } from '../shellWord.ts';
import type { ParameterSpec, Parameters } from '../tensor/parameters.ts';
import { ChatTemplate } from '../text/chat/chatTemplate.ts';
import { TASKS } from '../text/labels/taskCard.ts';
import { type Tokenizer, tokenizerFromJSON } from '../text/tokenizers/tokenizer.ts';
import { DataCard } from '../text/windows/dataset.ts';
import { batchProblem, TrainConfig } from './config.ts';
import { PRECISIONS } from './precision.ts';
import { Table } from './tuningCache.ts';

/*
 * What a run leaves behind:
 *   config.json, model.safetensors   the last weights, as Hugging Face's GPT-2 or Llama reads them
 *   best.safetensors                 the weights of the lowest validation loss
 *   dawnlm-tokenizer.json            the tokenizer: in a format of ours, and so not under the name that Hugging Face's has
 *   run.json                         settings, data card, adapter, tuning
 *   resume.safetensors               weights, moments and progress: one file, so that a kill leaves the old one or the new one
 *   adapter_model.safetensors,       in place of the weights where adapters alone were trained: the best ones and their settings as
 *   adapter_config.json                PEFT keeps them; adapter_last.safetensors has the last ones
 *   .lock                            while it is written: by whom (src/node/lock.ts)
 *   log.jsonl, report.html           figures of every step, and what people look at
 */
export const FILES = {
  config: 'config.json',
  last: 'model.safetensors',
  best: 'best.safetensors',
  tokenizer: 'dawnlm-tokenizer.json',
  run: 'run.json',
  resume: 'resume.safetensors',
  adapter: 'adapter_model.safetensors',
  lastAdapter: 'adapter_last.safetensors',
  adapterConfig: 'adapter_config.json',
  log: 'log.jsonl',
  report: 'report.html',
} as const;

/** What the tokenizer was called in runs of before. */
const OLD_TOKENIZER = 'tokenizer.json';

/** Optimizer steps: the GPU counts them in 32 bits. */
const steps = z
  .int()
  .min(0)
  .lt(2 ** 32);

/** How far a run is. */
export const RunState = z.object({
  /** Optimizer steps done. */
  step: steps,
  /** Time spent training, over all resumptions. */
  timeMs: z.number().min(0),
  bestValidationLoss: z.number().nullable(),
  bestStep: steps,
});
export type RunState = z.infer<typeof RunState>;

/** The run that another one goes on from. */
export const BaseLink = z.object({
  /** Its folder, as seen from the other one's. */
  folder: z.string().min(1),
  /** Which of its weights, and the SHA-256 of their file. */
  checkpoint: z.enum(['best', 'last']),
  sha256: Sha256,
});
export type BaseLink = z.infer<typeof BaseLink>;

/** What a run that goes on from another one says of that. */
export const TunedFrom = BaseLink.extend({
  method: z.enum(['full', 'lora', 'last']),
  /** How prompts and answers were put together, where it was tuned on such. */
  chat: ChatTemplate.optional(),
});
export type TunedFrom = z.infer<typeof TunedFrom>;

const positive = z.number().positive();

/** What sized a run, where settings did not: how long it may take, how many operations, or how deep it is. src/cost/dial.ts turns it. */
export const Dial = z.union([
  z.strictObject({ minutes: positive }),
  z.strictObject({ operations: positive }),
  z.strictObject({ depth: z.int().min(1) }),
]);
export type Dial = Readonly<z.infer<typeof Dial>>;

/** What every run.json holds. */
export const CARD = {
  version: z.literal(1),
  adapter: z.object({ name: z.string(), software: z.boolean() }),
  startedAt: Moment,
};

/** What run.json holds. */
const RunCard = z.object({
  ...CARD,
  /** Settings that came after a run was begun stand as it trained: at their defaults, and in float32. */
  config: z
    .object({ ...TrainConfig.shape, precision: z.enum(PRECISIONS).default('float32') })
    .refine((config) => !batchProblem(config), { path: ['batchSize'], error: 'makes a batch that is too large' }),
  dataCard: DataCard,
  /** Measured choices of kernels that the run goes by: they decide the last bits of its numbers. */
  tuning: Table.optional(),
  tunedFrom: TunedFrom.optional(),
  dial: Dial.optional(),
  /** Of a model that was trained elsewhere: what it was read from. */
  importedFrom: z.object({ path: z.string() }).optional(),
  /** What was said of the run when it last ended. */
  ...Appraisal.shape,
});
export type RunCard = z.infer<typeof RunCard>;

/** Reads a file of a run folder; a device or a pipe, which may never end, is none. @throws UserError that says what the folder lacks. */
export async function readRunFile(folder: string, file: string): Promise<Buffer> {
  await statRunFile(folder, file);
  return readFile(join(folder, file)).catch((cause) => {
    throw new UserError(unreadable(folder, file, errorCode(cause)), { cause });
  });
}

async function statRunFile(folder: string, file: string): Promise<Stats> {
  const found = await stat(join(folder, file)).catch((cause) => {
    throw new UserError(unreadable(folder, file, errorCode(cause)), { cause });
  });
  if (found.isFile()) return found;
  throw new UserError(`${join(folder, file)} is no file. Give a folder that dawnlm train or finetune has written.`);
}

/** The bytes of a file of a run folder, piece by piece. @throws UserError that says what the folder lacks */
export async function* streamRunFile(folder: string, file: string): AsyncGenerator<Uint8Array> {
  await statRunFile(folder, file);
  yield* createReadStream(join(folder, file), { highWaterMark: 2 ** 22 });
}

/** The same as text. @throws UserError as well where it is longer than any text can be */
async function readRunText(folder: string, file: string): Promise<string> {
  const bytes = await readRunFile(folder, file);
  if (bytes.length < MOST_TEXT_BYTES) return bytes.toString('utf8');
  throw new UserError(`${join(folder, file)} is too large to be read: ${bytes.length.toLocaleString('en')} bytes.`);
}
const MOST_TEXT_BYTES = 2 ** 29 - 24; // of V8

function unreadable(folder: string, file: string, code: string): string {
  if (!existsSync(folder))
    return `There is no run folder ${folder}. Train one with npx dawnlm train --out ${shellWord(folder)}`;
  if (code !== 'ENOENT') return `${join(folder, file)} cannot be read (${code}).`;
  return `${folder} is no complete run folder: ${file} is missing. Give a folder that dawnlm train or finetune has written.`;
}

/** A JSON file of a run folder, by its schema. @throws UserError when it is missing or damaged */
export async function readJson<S extends z.ZodType>(folder: string, file: string, schema: S): Promise<z.output<S>> {
  return checkJson(schema, await readRunText(folder, file), damaged(join(folder, file)));
}

/** Settings, data card and adapter of a run. @throws UserError when the folder is no run, or one of a later version. */
export async function readRunCard(folder: string): Promise<RunCard> {
  const { task } = await readJson(folder, FILES.run, z.object({ task: z.enum(TASKS).optional() }));
  if (task === undefined) return readJson(folder, FILES.run, RunCard);
  throw new UserError(
    `${folder} holds a model that was tuned to ${task}, and a run of dawnlm train was expected: give the run that it was tuned from, or use npx dawnlm ${task} --run ${shellWord(folder)}`,
  );
}

/** A JSON file that another room can read. @throws UserError when it is missing or damaged */
export const readBy = async <T>(folder: string, file: string, read: (json: unknown, name: string) => T): Promise<T> =>
  read(await readJson(folder, file, z.unknown()), join(folder, file));

/** The model of a run. @throws UserError when the folder is no run, or its config is of no model that is known */
export const readModelConfig = (folder: string): Promise<ModelConfig> =>
  readBy(folder, FILES.config, fromHuggingFaceConfig);

/** The tokenizer of a run. @throws UserError when it is missing or damaged */
export const readTokenizer = (folder: string): Promise<Tokenizer> =>
  readBy(folder, hasOldTokenizer(folder) ? OLD_TOKENIZER : FILES.tokenizer, tokenizerFromJSON);

const hasOldTokenizer = (folder: string): boolean =>
  existsSync(join(folder, OLD_TOKENIZER)) && !existsSync(join(folder, FILES.tokenizer));

/** Whether a folder holds a run. */
export const isRunFolder = (folder: string): boolean => existsSync(join(folder, FILES.run));

/** JSON as people can read it. @throws UserError when the folder cannot be written */
export const writeJson = (folder: string, file: string, value: unknown): Promise<void> =>
  writeAtomic(join(folder, file), `${JSON.stringify(value, undefined, 2)}\n`);

/** Writes what stays the same all through a run; run.json comes last. @throws UserError when the folder cannot be written */
export async function writeRunCard(
  folder: string,
  card: RunCard | { task: string; [more: string]: unknown },
  tokenizer: Tokenizer,
  model: Pick<GPT, 'config'>,
): Promise<void> {
  await writeJson(folder, FILES.config, toHuggingFaceConfig(model.config));
  await writeAtomic(join(folder, FILES.tokenizer), `${JSON.stringify(tokenizer.toJSON())}\n`);
  await writeJson(folder, FILES.run, card);
}

/** Reads parameters back. */
export const weightsOf = async (parameters: Parameters): Promise<NamedTensor[]> =>
  parameters.split(await parameters.values.floats());

/** A weights file of a run folder; of a large one, tensors are read when they are asked for. @throws UserError when it is missing or damaged */
export async function readWeights(folder: string, file: string): Promise<LoadedFile> {
  const path = join(folder, file);
  const { size } = await statRunFile(folder, file);
  if (size < LARGE_BYTES) return decodeSafetensors(await readRunFile(folder, file), path);
  return TensorFile.open(await OpenFile.open(path), path).loaded();
}
/** What is not to be in memory beside the model that is made of it. */
const LARGE_BYTES = 2 ** 26;

/** Writes weights, sealed with their hash. @throws UserError when the folder cannot be written */
export const writeWeights = (
  folder: string,
  file: string,
  tensors: readonly NamedTensor[],
  metadata?: Record<string, string>,
): Promise<void> => writeAtomic(join(folder, file), sealSafetensors(tensors, metadata));

/** How far a run was when it wrote a file. @throws UserError when the file does not say so */
export const stateOf = ({ metadata, fileName }: LoadedFile): RunState =>
  checkJson(RunState, metadata.state, damaged(`${fileName} (its state)`));

/** Fills parameters from a file. @throws UserError when it is of another config, or damaged */
export const loadParameters = (parameters: Parameters, file: LoadedFile): void => {
  const partOf = parametersIn(file, parameters.specs);
  for (const spec of parameters.specs) parameters.get(spec.name).write(partOf(spec) as Float32Array<ArrayBuffer>);
};

/**
 * The numbers of each parameter in a file. Tensors beside them, such as masks that other programs keep, are passed over; biases that a model
 * has no place for are not, unless they are zero: transformers has them where `bias` is false here, and trains them.
 * @throws UserError when it is of another config, or damaged
 */
export function parametersIn(file: LoadedFile, specs: readonly ParameterSpec[]) {
  const known = new Set(specs.map(({ name }) => name));
  for (const [name, tensor] of file.tensors) {
    const isBias = !known.has(name) && known.has(name.replace(/bias$/, 'weight'));
    if (isBias && tensor.data.some((value) => value !== 0)) {
      throw new UserError(
        `${file.fileName} has biases, ${quote(name)}, and its model is one without: set "bias" to true in config.json.`,
      );
    }
  }
  return ({ name, shape }: Pick<ParameterSpec, 'name' | 'shape'>): Float32Array =>
    asWeights(tensorOf(file, name, shape), name, file);
}

/** Numbers of a file as weights. @throws UserError when one is NaN or infinite: whatever is computed with it is nonsense */
export function asWeights(numbers: Float32Array, name: string, { fileName }: LoadedFile): Float32Array {
  if (numbers.every(Number.isFinite)) return numbers;
  throw damaged(fileName)(`"${name}" holds numbers that are NaN or infinite`);
}

/** The file of a run's best weights (or last ones): the model's own, or its adapters'. */
export function weightsFile(folder: string, which: 'best' | 'last' = 'best'): string {
  const own = (file: string): boolean => existsSync(join(folder, file));
  const [best, last] = own(FILES.adapterConfig) ? [FILES.adapter, FILES.lastAdapter] : [FILES.best, FILES.last];
  return which === 'best' && own(best) ? best : last;
}

/** The figures of a run so far. Lines that are no records, such as one that a kill cut short, are passed over. */
export async function readLog(folder: string): Promise<LogRecord[]> {
  const text = existsSync(join(folder, FILES.log)) ? await readRunText(folder, FILES.log) : '';
  return checkLines(LogRecord, text);
}

const lines = (records: readonly LogRecord[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** Begins the log anew with the records that hold (those before the point where a run resumes). */
export const writeLog = (folder: string, records: readonly LogRecord[]): Promise<void> =>
  writeAtomic(join(folder, FILES.log), lines(records));

/** Adds to the log. @throws UserError when the disk is full or the folder read-only */
export const appendLog = (folder: string, records: readonly LogRecord[]): Promise<void> =>
  appendFile(join(folder, FILES.log), lines(records)).catch((cause) => logFails(folder, cause));

/** Waits until the log is on the disk: a checkpoint that is saved afterwards finds it whole, even after a power cut. */
export async function syncLog(folder: string): Promise<void> {
  const file = await open(join(folder, FILES.log), 'r+').catch((cause) => logFails(folder, cause));
  await file.sync().finally(() => file.close());
}

function logFails(folder: string, cause: unknown): never {
  const path = join(folder, FILES.log);
  throw new UserError(`${path} cannot be written (${errorCode(cause)}); the checkpoint before is intact.`, { cause });
}
