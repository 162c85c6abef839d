/** Models to measure: a preset's, with fresh weights and made-up tokens, for how fast they are does not depend on what they know. */

import { VOCABULARY } from '../src/check/workloads.ts';
import type { ModelConfig } from '../src/model/config.ts';
import { GPT } from '../src/model/gpt.ts';
import { parameterSpecs } from '../src/model/parameters.ts';
import { styleOf } from '../src/model/styles.ts';
import type { Engine } from '../src/tensor/engine.ts';
import { threefry } from '../src/tensor/random.ts';
import { modelConfig, type TrainConfig } from '../src/train/config.ts';
import { modelTable, trainingFlopsPerToken } from '../src/train/modelTable.ts';

/** What is measured, and how. */
export interface ModelBenchOptions {
  preset: string;
  /** Time that the measured runs may take, about; the slowest still run thrice. */
  seconds: number;
  /** Whether kernels are tuned before, as training does. */
  autotune: boolean;
}

/** The model that a run of these settings would train. */
export const freshModel = (engine: Engine, config: TrainConfig): GPT =>
  new GPT(engine, modelConfig(config, VOCABULARY)).initialize(config.seed);

/** `count` tokens, others for each seed. */
export const someTokens = (count: number, seed: number): Uint32Array<ArrayBuffer> =>
  Uint32Array.from({ length: count }, (_, i) => threefry(seed, 3, i, 0)[0] % VOCABULARY);

/** Floating-point operations of training on one token; a forward pass takes a third of them. */
export const flopsPerToken = (config: ModelConfig): number =>
  trainingFlopsPerToken(modelTable(config, parameterSpecs(config, styleOf(config))));

/** How long some work takes, in ms. */
export async function timeOf(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** What rounds come to: as many as the time allows, from 3 to 15. The first one is not counted and tells how long one takes. */
export async function inRounds<T>(seconds: number, round: () => Promise<T>): Promise<T[]> {
  const roundMs = await timeOf(async () => void (await round()));
  const results: T[] = [];
  for (let left = Math.min(15, Math.max(3, Math.floor((seconds * 1000) / roundMs))); left > 0; left--) {
    results.push(await round());
  }
  return results;
}
