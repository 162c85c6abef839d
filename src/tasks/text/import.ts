/** A model of Hugging Face's as a run folder. */
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError, UserError } from '../../errors.ts';
import { fromHuggingFaceConfig } from '../../export/huggingFace.ts';
import {
  fromTokenizerJson,
  fromVocabulary,
  type ModelTokens,
  type ReadTokenizer,
} from '../../export/readTokenizerJson.ts';
import { sealStream, TensorFile } from '../../export/safetensors.ts';
import { indexedFiles, StoredModel } from '../../export/storedModel.ts';
import type { ModelConfig } from '../../model/config.ts';
import { parameterSpecs } from '../../model/parameters.ts';
import { styleOf } from '../../model/styles.ts';
import { errorCode, OpenFile, writeAtomic } from '../../node/files.ts';
import { parseJson } from '../../schema.ts';
import { sizeOf } from '../../tensor/shape.ts';
import { resolveConfig, type TrainConfig } from '../../train/config.ts';
import { FILES, isRunFolder, writeRunCard } from '../../train/runFolder.ts';

/** What was read, and what has to be known of it. */
export interface Imported {
  readonly config: ModelConfig;
  readonly parameters: number;
  /** Weights files, and how they have their numbers. */
  readonly files: readonly string[];
  readonly types: readonly string[];
  readonly tokenizer: { readonly kind: string; readonly vocabSize: number };
  readonly notes: readonly string[];
}

/** How much of the weights' bytes was read; they are read twice, to be hashed and to be written. */
export type OnProgress = (share: number) => void;

/** Where the parts of a model lie. */
interface Place {
  readonly folder: string;
  readonly weights: readonly string[];
}

/**
 * Reads a model, a folder or the .safetensors file in one, and writes it as a run into a folder. Weights pass through one tensor at
 * a time.
 * @throws UserError when it is not whole, or not one that is computed here, or the folder cannot be written
 */
export async function importModel(
  source: string,
  out: string,
  onProgress: OnProgress = () => undefined,
): Promise<Imported> {
  const { folder, weights } = await placeOf(source);
  if (resolve(folder) === resolve(out))
    throw new UsageError(`${out} holds the model itself: choose another folder with --out`);
  const json = await readJson(folder, CONFIG);
  const described = fromHuggingFaceConfig(json, join(folder, CONFIG));
  const { tokenizer, notes } = await readTokenizer(folder, { rows: described.vocabSize, ...endsOf(json) });
  const files = await Promise.all(weights.map((file) => openWeights(join(folder, file))));
  const stored = new StoredModel(files, described.style);
  const config = stored.fit(described, tokenizer.vocabSize);
  const specs = parameterSpecs(config, styleOf(config));
  const sizes = new Map(specs.map(({ name, shape }) => [name, sizeOf(shape)]));
  const parameters = specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  let done = 0;
  const make = (name: string): Float32Array => {
    const numbers = stored.numbers(name, sizes.get(name)!);
    done += numbers.length;
    onProgress(done / (2 * parameters));
    return numbers;
  };
  const { seal, pieces } = sealStream(specs, make);
  await writeAtomic(join(out, FILES.last), pieces);
  await writeRunCard(out, cardOf(source, config, seal), tokenizer, { config });
  const { kind, vocabSize } = tokenizer;
  return {
    ...{ config, parameters, files: weights, types: stored.types, tokenizer: { kind, vocabSize } },
    notes: [...notes, ...notesOf(described, config, stored)],
  };
}

const openWeights = async (path: string): Promise<TensorFile> => TensorFile.open(await OpenFile.open(path), path);

const CONFIG = 'config.json';
const WEIGHTS = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/** Finds what a path stands for. @throws UserError that says what is missing */
async function placeOf(source: string): Promise<Place> {
  const found = await stat(source).catch((cause) => {
    const why =
      errorCode(cause) === 'ENOENT' ? `There is no ${source}` : `${source} cannot be read (${errorCode(cause)})`;
    throw new UserError(`${why}. ${WHAT_TO_GIVE}`, { cause });
  });
  if (!found.isDirectory()) {
    if (source.endsWith('.safetensors')) return { folder: dirname(source), weights: [basename(source)] };
    if (basename(source) === INDEX) return placeOf(dirname(source));
    throw new UserError(`${source} is no model that can be read. ${WHAT_TO_GIVE}`);
  }
  if (isRunFolder(source)) throw new UserError(`${source} is a run of dawnlm already: use it as it is, with --run.`);
  if (existsSync(join(source, WEIGHTS))) return { folder: source, weights: [WEIGHTS] };
  if (existsSync(join(source, INDEX))) {
    return { folder: source, weights: indexedFiles(await readText(source, INDEX), join(source, INDEX)) };
  }
  const names = (await readdir(source)).filter((name) => name.endsWith('.safetensors'));
  if (names.length === 1) return { folder: source, weights: names };
  throw new UserError(
    `${source} has ${names.length > 1 ? `${names.length} weights files and no ${INDEX}` : await insteadOf(source)}. ${WHAT_TO_GIVE}`,
  );
}

const WHAT_TO_GIVE =
  'Give a folder with config.json, tokenizer.json and model.safetensors (or several files and their index), or the .safetensors file in it.';

/** What a folder without weights has in their place. */
async function insteadOf(folder: string): Promise<string> {
  const pickles = (await readdir(folder)).filter((name) => /^pytorch_model.*\.bin$|\.pth?$/.test(name));
  if (pickles.length === 0) return 'no model.safetensors';
  return `its weights in ${pickles[0]}, a Python pickle, which could run code when read; save them with save_pretrained(..., safe_serialization=True)`;
}

/** The text of a file that is read whole. */
async function readText(folder: string, file: string): Promise<string> {
  const path = join(folder, file);
  const opened = await OpenFile.open(path);
  if (opened.sizeBytes > MOST_TEXT_BYTES) throw new UserError(`${path} is too large: ${opened.sizeBytes} bytes.`);
  return new TextDecoder().decode(opened.read(0, opened.sizeBytes));
}
const MOST_TEXT_BYTES = 2 ** 28;

async function readJson(folder: string, file: string): Promise<unknown> {
  if (!existsSync(join(folder, file))) throw new UserError(`${folder} has no ${file}. ${WHAT_TO_GIVE}`);
  const refuse = (problem: string) => new UserError(`${join(folder, file)} is damaged: ${problem}. Fetch it again.`);
  return parseJson(await readText(folder, file), refuse);
}

/** A tokenizer in one file, or in GPT-2's two. @throws UserError when there is none */
async function readTokenizer(folder: string, model: ModelTokens): Promise<ReadTokenizer> {
  if (existsSync(join(folder, TOKENIZER))) {
    return fromTokenizerJson(await readJson(folder, TOKENIZER), model, join(folder, TOKENIZER));
  }
  if (VOCABULARY.every((file) => existsSync(join(folder, file)))) {
    const [vocab, merges] = VOCABULARY;
    return fromVocabulary(await readJson(folder, vocab), await readText(folder, merges), model, join(folder, vocab));
  }
  throw new UserError(
    `${folder} has no ${TOKENIZER}, nor ${VOCABULARY.join(' and ')}: put beside the weights what text is turned into tokens by. In Python: AutoTokenizer.from_pretrained(...).save_pretrained(folder).`,
  );
}
const TOKENIZER = 'tokenizer.json';
const VOCABULARY = ['vocab.json', 'merges.txt'];

/** The tokens with which texts begin and end; of several ends, the first. */
function endsOf(json: unknown): { bos?: number; eos?: number } {
  const fields = json as Record<string, unknown>;
  const idOf = (value: unknown): number | undefined => {
    const one = Array.isArray(value) ? value[0] : value;
    return Number.isInteger(one) && one >= 0 ? one : undefined;
  };
  return { bos: idOf(fields.bos_token_id), eos: idOf(fields.eos_token_id) };
}

/** Tokens of a batch of those that are trained on, unless told: what a model of GPT-2's size can bear. */
const BATCH_TOKENS = 4096;

/** What run.json says of a model that was trained elsewhere. */
function cardOf(source: string, config: ModelConfig, sha256: string) {
  const { style, nLayer, nHead, nKvHead, nEmbd, nHidden, blockSize, dropout, bias, tieEmbeddings } = config;
  const batchSize = Math.max(1, Math.min(12, Math.floor(BATCH_TOKENS / blockSize)));
  const settings: Partial<TrainConfig> = {
    ...{ style, nLayer, nHead, nEmbd, nHidden, blockSize, dropout, bias, tieEmbeddings, batchSize },
    ...{ nKvHead: styleOf(config).grouped ? nKvHead : 0, tokenizer: 'imported', precision: 'float32' },
  };
  const name = basename(resolve(source), '.safetensors');
  const none = { bytes: 0, characters: 0, trainTokens: 0, validationTokens: 0 };
  return {
    ...{
      version: 1 as const,
      adapter: { name: 'none: imported', software: false },
      startedAt: new Date().toISOString(),
    },
    config: resolveConfig('nano', settings),
    dataCard: {
      ...{ name, source: 'unknown: trained elsewhere', licence: "unknown: see the model's own card", sha256 },
      ...{ tokenizer: 'imported', vocabularySize: config.vocabSize, ...none },
    },
    importedFrom: { path: resolve(source) },
  };
}

function notesOf(described: ModelConfig, config: ModelConfig, { buffers }: StoredModel): string[] {
  const padding = described.vocabSize - config.vocabSize;
  const count = (number: number): string => number.toLocaleString('en');
  return [
    ...(padding > 0
      ? [
          `${count(padding)} rows of the vocabulary's ${count(described.vocabSize)} stand for no token: they are left out, so that they are never sampled`,
        ]
      : []),
    ...(described.tieEmbeddings && !config.tieEmbeddings
      ? ['lm_head.weight is not the token embedding, though config.json says so: it is kept as a head of its own']
      : []),
    ...(buffers.length > 0
      ? [`${count(buffers.length)} masks and frequencies that follow from the config are passed over`]
      : []),
  ];
}
