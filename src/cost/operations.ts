/** What a training step calculates and moves, by formula, from its settings alone: nothing is run. */
import { orthogonalizeOperations } from '../kernels/optimizer/orthogonalize.ts';
import type { ModelConfig } from '../model/config.ts';
import { forwardOperations, linearSizes } from '../model/operations.ts';
import { parameterSpecs } from '../model/parameters.ts';
import { MODEL_PARTS, type ModelPart } from '../model/parts.ts';
import { styleOf } from '../model/styles.ts';
import type { ParameterSpec } from '../tensor/parameters.ts';
import { sizeOf } from '../tensor/shape.ts';
import { ELEMENT_BYTES } from '../tensor/tensor.ts';
import { modelConfig, type TrainConfig } from '../train/config.ts';

/** What work is counted for: the parts of a model, and what moves its parameters. */
export const PARTS = [...MODEL_PARTS, 'optimizer'] as const;
export type Part = (typeof PARTS)[number];

/** Operations and the least that has to be moved between memory and the adapter, for something. */
export interface Work {
  readonly operations: number;
  readonly bytes: number;
}

/**
 * Operations of training on one token, by part: those of the forward pass (see `forwardOperations` for what counts) and twice as
 * many backward, for each product has two gradients of its size. Without the optimizer, which works once a step. Recomputed ones
 * are not among them.
 */
export const operationsOf = (config: ModelConfig, seen?: number): Record<ModelPart, number> =>
  forEachPart(MODEL_PARTS, (part) => 3 * forwardOperations(config, seen)[part]);

const forEachPart = <P extends string, T>(parts: readonly P[], of: (part: P) => T): Record<P, T> =>
  Object.fromEntries(parts.map((part) => [part, of(part)])) as Record<P, T>;

/** The usual rule of thumb: 6 for each parameter that is multiplied with, the head's among them, attention left out. */
export const sixN = (config: ModelConfig): number => 6 * linearSizes(config).reduce((sum, { K, N }) => sum + K * N, 0);

/** One optimizer step of a run, by part. */
export function stepWork(config: TrainConfig, vocabSize: number): Record<Part, Work> {
  const model = modelConfig(config, vocabSize);
  const tokens = config.batchSize * config.blockSize * config.gradientAccumulation;
  const operations = operationsOf(model);
  const [products, rest] = [productNumbers(model, config), elementwiseNumbers(model, config)];
  return {
    ...forEachPart(MODEL_PARTS, (part) => ({
      operations: tokens * operations[part],
      bytes: ELEMENT_BYTES * config.gradientAccumulation * (products[part] + rest[part]),
    })),
    optimizer: optimizerWork(parameterSpecs(model, styleOf(model)), config),
  };
}

/** Operations that `recompute` adds to a step: all blocks but the last run forward once more. */
export function recomputedOperations(config: TrainConfig, vocabSize: number): number {
  if (!config.recompute) return 0;
  const { attention, MLP } = forwardOperations(modelConfig(config, vocabSize));
  const tokens = config.batchSize * config.blockSize * config.gradientAccumulation;
  return (tokens * (attention + MLP) * (config.nLayer - 1)) / config.nLayer;
}

/**
 * Numbers that the linear layers move for one batch, forward and backward, by part: a product of (n, K) and (K, N) and its two
 * gradients read two of its three matrices each and write the third.
 */
function productNumbers(model: ModelConfig, { batchSize, blockSize }: TrainConfig): Record<ModelPart, number> {
  const n = batchSize * blockSize;
  const moved = forEachPart(MODEL_PARTS, () => 0);
  for (const { part, K, N } of linearSizes(model)) moved[part] += 3 * (n * K + K * N + n * N);
  return moved;
}

/** Numbers that all else moves: whatever a part reads or writes crosses memory once. */
function elementwiseNumbers(model: ModelConfig, { batchSize }: TrainConfig): Record<ModelPart, number> {
  const { nLayer, nEmbd: C, nHead, nKvHead, nHidden: I, vocabSize: V, blockSize } = model;
  const n = batchSize * blockSize;
  const { gated, rotary } = styleOf(model);
  const packed = (C / nHead) * (nHead + 2 * nKvHead);
  return {
    // rows of the table to the stream, and the stream's gradient added to the rows'
    embedding: n * C * (rotary ? 2 : 3) + 3 * n * C,
    // packed heads to their mean, and back from both and its gradient to theirs; turned by positions before and after
    attention: nLayer * n * (3 * packed + 3 * C + (rotary ? 4 * packed : 0)),
    // GELU is part of the product: what it was applied to is written, and read with the gradient, which is written again
    MLP: nLayer * n * I * (gated ? 3 + 5 : 1 + 3),
    // a norm reads and writes the stream; backward it reads it, its gradient, and writes that of what was before
    norms: (2 * nLayer + 1) * 5 * n * C,
    // the loss reads the logits, and with them writes their gradient
    head: 3 * n * V,
  };
}

/** For each number of a parameter: clearing its gradient, and reading it for the global norm, whose squares are added up. */
const FOR_ALL = { operations: 2, numbers: 2 };
/** AdamW reads value, gradient and moments, and writes all but the gradient (see adamw.ts for the sum of 15). */
const ADAMW = { operations: 15, numbers: 7 };
/** Muon's momentum and what is made orthogonal, the norm of that and its division, and the move at the end. */
const MUON = { operations: 5 + 3 + 3, numbers: 4 + 3 + 3 };

const sizeOfAll = (specs: readonly ParameterSpec[]): number => specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** What moves the parameters, once a step. */
export function optimizerWork(specs: readonly ParameterSpec[], { optimizer }: Pick<TrainConfig, 'optimizer'>): Work {
  const byMuon = specs.filter(({ matrices }) => optimizer === 'muon' && matrices !== undefined);
  const [all, muon] = [sizeOfAll(specs), sizeOfAll(byMuon)];
  const products = byMuon.map(({ shape: [rows, width], matrices = 1 }) => ({
    rows,
    columns: width / matrices,
    matrices,
  }));
  const sum = (kind: 'operations' | 'numbers'): number =>
    all * FOR_ALL[kind] + (all - muon) * ADAMW[kind] + muon * MUON[kind];
  const orthogonal = products.reduce(
    (total, { rows, columns, matrices }) => ({
      operations: total.operations + matrices * orthogonalizeOperations(rows, columns),
      numbers: total.numbers + matrices * 3 * (rows + columns) * Math.max(rows, columns),
    }),
    { operations: 0, numbers: 0 },
  );
  return {
    operations: sum('operations') + orthogonal.operations,
    bytes: ELEMENT_BYTES * (sum('numbers') + orthogonal.numbers),
  };
}
