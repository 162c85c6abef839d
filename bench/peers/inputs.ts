/** What JavaScript peers have in common: weights and matrices, their adapter, and where their packages lie. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openAdapter } from '../../src/node/drivers.ts';
import { sizeOf } from '../../src/tensor/shape.ts';
import type { Answer, ModelJob } from './job.ts';

/** Steps and tokens whose results are compared before anything is timed. */
export const CHECKED = { steps: 3, tokens: 16 };

export interface Weight {
  name: string;
  shape: readonly number[];
  decay: boolean;
  data: Float32Array<ArrayBuffer>;
}

/** The starting weights. */
export function readWeights({ weights, parameters }: ModelJob): Weight[] {
  const bytes = new Uint8Array(readFileSync(weights)).buffer;
  let offset = 0;
  return parameters.map((parameter) => {
    const data = new Float32Array(bytes, offset, sizeOf(parameter.shape));
    offset += data.byteLength;
    return { ...parameter, data };
  });
}

/** The two matrices that every peer multiplies: n x n numbers from -0.5 to 0.5, by a formula. */
export function matrices(n: number): [Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>] {
  const make = (factor: number) => Float32Array.from({ length: n * n }, (_, i) => ((i * factor) % 1009) / 1009 - 0.5);
  return [make(7919), make(104729)];
}

/** `size` numbers from -0.5 to 0.5, by a formula; others for each seed. */
export const matrix = (size: number, seed: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: size }, (_, i) => ((i * (7919 + 2 * seed)) % 1009) / 1009 - 0.5);

/** 10^9 operations of an n x n product. */
export const matmulAmount = (n: number): number => (2 * n ** 3) / 1e9;

/** Which of a library's backends this process measures. */
export const backend = process.env.DAWNLM_PEER_BACKEND;

/**
 * The adapter of a WebGPU backend, and Dawn's entry point; neither for others. Opening it also sets the driver in this process's
 * environment, where a library with a Dawn of its own finds the same one.
 */
export async function openGpu(): Promise<{ gpu?: GPU; adapter?: Answer['adapter'] }> {
  if (backend !== 'webgpu') return {};
  const { gpu, description: name, software, driver } = await openAdapter();
  return { gpu, adapter: { name, software, driver } };
}

/** The first tokens of a decoding, which peers must agree on. */
export async function firstTokens(next: () => Promise<number>): Promise<number[]> {
  const tokens: number[] = [];
  while (tokens.length < CHECKED.tokens) tokens.push(await next());
  return tokens;
}

/** Numbers that stand for a long result: the first four and the last four. */
export const ends = (values: Float32Array): number[] => [...values.subarray(0, 4), ...values.subarray(-4)];

/** Path of a file in the folder that peers are installed in. */
export const installed = (path: string): string => join(process.env.DAWNLM_PEERS!, 'node_modules', path);

/** Loads an installed CommonJS package. */
export const load = (name: string): unknown => createRequire(join(process.env.DAWNLM_PEERS!, 'package.json'))(name);

/** Imports a module of an installed package by its path. */
export const loadModule = (path: string): Promise<unknown> => import(pathToFileURL(installed(path)).href);

export const versionOf = (name: string): string =>
  JSON.parse(readFileSync(installed(`${name}/package.json`), 'utf8')).version;
