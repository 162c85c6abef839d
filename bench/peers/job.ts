/** What is asked of every peer: the same model with the same weights, batch and settings, so that results can be compared too. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ProductShape, SIZES, type SizeName } from '../../src/check/workloads.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { parameterSpecs } from '../../src/model/parameters.ts';
import { styleOf } from '../../src/model/styles.ts';
import { temporaryFolder } from '../../src/node/files.ts';
import { normals, threefry } from '../../src/tensor/random.ts';
import { sizeOf } from '../../src/tensor/shape.ts';
import { modelConfig, resolveConfig, type TrainConfig } from '../../src/train/config.ts';
import type { Provenance } from '../record.ts';

/**
 * `train`: optimizer steps on one batch. `forward`: logits of the batch. `decode`: one stream, greedy. `matmul`: n x n.
 * `products`: the matrix products of a model's step, each once.
 */
export type WorkName = 'train' | 'forward' | 'decode' | 'matmul' | 'products';

/** Which operand is stored transposed: A B, A B^T, A^T B. */
export const FORMS = ['NN', 'NT', 'TN'] as const;
export type Form = (typeof FORMS)[number];

/** Something to measure. */
export interface Work {
  work: WorkName;
  /** Side of the matrices of `matmul`. */
  n?: number;
  /** Of `products`: how their operands are stored, and M, N, K of each. */
  form?: Form;
  shapes?: readonly ProductShape[];
}

/** The works, in the order in which they are measured. */
export const WORKS: readonly Work[] = [
  { work: 'train' },
  { work: 'forward' },
  { work: 'decode' },
  { work: 'matmul', n: 512 },
  { work: 'matmul', n: 1024 },
];

/** "matmul 512", "products NT" */
export const nameOf = ({ work, n, form }: Work): string =>
  [work, n, form].filter((word) => word !== undefined).join(' ');

/** A line that a peer reads: `work`, with all that it takes. `seconds` 0 only prepares and warms up. */
export interface Job extends Work {
  /** Names the work: a peer prepares what it was asked under a name once. */
  name: string;
  seconds: number;
  model: ModelJob;
}

/** A line that a peer answers. */
export interface Answer {
  work: WorkName;
  /** Units a second; null when the job only prepared. */
  value?: number | null;
  unit?: string;
  /** How this peer does the work, where it differs from the others. */
  note?: string;
  /** Numbers of the result that all peers must agree on: losses, logits, tokens, elements. */
  check?: number[];
  version?: string;
  /** What it ran on where that is no plain CPU. */
  adapter?: Provenance['adapter'];
  /** Why there is no value. */
  error?: string;
}

/** The model of a job. Linear layers are (in, out): y = x W. There are no biases; norms have weights only. */
export interface ModelJob {
  preset: SizeName;
  sizes: ModelConfig & { batchSize: number };
  /** AdamW with the gradient clipped at the norm clipNorm; weight decay only for parameters that say so. */
  settings: TrainConfig;
  /** File of the starting weights, f32, one parameter after the other in the order of `parameters`. */
  weights: string;
  parameters: { name: string; shape: readonly number[]; decay: boolean }[];
  /** (B T) ids, row-major, and the ids that should follow. */
  inputs: number[];
  targets: number[];
}

/** Characters of tiny Shakespeare, which the presets' published figures are for. */
const VOCABULARY = 65;
const SEED = 1337;
/**
 * Standard deviations of the weights: embeddings as GPT-2 has them, matrices larger, so that what layers add outweighs the
 * embedding. With GPT-2's 0.02 a fresh model with a tied head repeats its input, and decoding would be checked by nothing.
 */
const STD = { embedding: 0.02, matrix: 0.1 };

/** A preset's settings as peers train it: constant learning rate, no dropout (its random numbers would differ). */
const peerConfig = (preset: SizeName): TrainConfig =>
  resolveConfig(preset, { schedule: 'constant', warmupSteps: 0, dropout: 0, batchSize: SIZES[preset].batch });

/** Writes the starting weights of a preset into a folder of their own. `dispose` removes it. */
export async function makeModelJob(preset: SizeName): Promise<{ model: ModelJob; dispose(): Promise<void> }> {
  const config = peerConfig(preset);
  const { blockSize, batchSize } = config;
  const sizes = { ...modelConfig(config, VOCABULARY), batchSize };
  const specs = parameterSpecs(sizes, styleOf(sizes));
  const folder = await temporaryFolder('peers');
  const weights = join(folder, 'weights.f32');
  const values = specs.map(({ name, shape }, stream) => startOf(name, shape, stream));
  await writeFile(weights, Buffer.concat(values.map(({ buffer }) => new Uint8Array(buffer))));
  const ids = Array.from({ length: batchSize * blockSize + 1 }, (_, i) => threefry(SEED, 999, i, 0)[0] % VOCABULARY);
  const model = {
    preset,
    sizes,
    settings: config,
    weights,
    parameters: specs.map(({ name, shape, decay }) => ({ name, shape, decay })),
    inputs: ids.slice(0, -1),
    targets: ids.slice(1),
  };
  return { model, dispose: () => rm(folder, { recursive: true, force: true }) };
}

/** "train nano", "matmul 512": equal where records compare. */
export const recordName = (work: Work, preset: SizeName): string =>
  work.n === undefined ? `${nameOf(work)} ${preset}` : nameOf(work);

function startOf(name: string, shape: readonly number[], stream: number): Float32Array<ArrayBuffer> {
  if (shape.length < 2) return new Float32Array(sizeOf(shape)).fill(1); // norms: there are no biases
  return normals(sizeOf(shape), /\.w[tp]e\./.test(name) ? STD.embedding : STD.matrix, SEED, stream);
}
