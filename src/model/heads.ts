import { matmul } from '../kernels/matmul/matmul.ts';
import { meanRows, selectRows } from '../kernels/pooling.ts';
import type { Engine } from '../tensor/engine.ts';
import { Parameters } from '../tensor/parameters.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** GPT-2's standard deviation of fresh weights. */
const STD = 0.02;

/** Weights as transformers' sequence classifiers call them. */
const WEIGHT = 'score.weight';
const BIAS = 'score.bias';

/**
 * A linear layer from the last hidden states to classes, in place of the layer that scores the vocabulary: h W^T + b. One for
 * whole texts (over a pooled state) and for words (over each state).
 */
export class Head {
  /** `score.weight`: (K, C), `score.bias`: (K). */
  readonly parameters: Parameters;

  /** Parameters are zeros until `initialize` or a file fills them. */
  constructor(engine: Engine, width: number, classes: number) {
    this.parameters = new Parameters(engine, [
      { name: WEIGHT, shape: [classes, width], init: { std: STD }, decay: true },
      { name: BIAS, shape: [classes], init: 'zeros', decay: false },
    ]);
  }

  /** Draws fresh weights. */
  initialize(seed: number): this {
    this.parameters.initialize(seed);
    return this;
  }

  /** Scores of the classes: (..., C) -> (..., K). */
  logits(hidden: Tensor): Tensor {
    const { parameters } = this;
    return matmul({ a: hidden, b: parameters.get(WEIGHT), bias: parameters.get(BIAS) }, { transposeB: true });
  }
}

export const POOLINGS = ['last', 'mean'] as const;
/**
 * Where a text's state is taken from: of its last token, the only one that a causal model has let see all of it, or as the mean
 * over its tokens.
 */
export type Pooling = (typeof POOLINGS)[number];

/** One state for each padded text: (B, T, C), lengths (B) u32 -> (B, C). `places` are what `poolingPlaces` makes of the lengths. */
export const pool = (hidden: Tensor, places: Tensor, pooling: Pooling): Tensor =>
  pooling === 'last' ? selectRows({ x: hidden, index: places }) : meanRows({ x: hidden, lengths: places });

/** What `pool` reads, from lengths of 1 and more: the index of the last token, or the length. */
export const poolingPlaces = (lengths: readonly number[], pooling: Pooling): Uint32Array<ArrayBuffer> =>
  Uint32Array.from(lengths, (length) => (pooling === 'last' ? length - 1 : length));
