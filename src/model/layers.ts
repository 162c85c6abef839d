import { add } from '../kernels/add.ts';
import { attention } from '../kernels/attention/attention.ts';
import { cachedAttention } from '../kernels/attention/cachedAttention.ts';
import { dropout } from '../kernels/dropout.ts';
import { gelu } from '../kernels/gelu.ts';
import { product } from '../kernels/matmul/packed.ts';
import { layerNorm, rmsNorm } from '../kernels/norm/norm.ts';
import { rope } from '../kernels/rope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { within } from '../tensor/within.ts';
import type { PassCache } from './cache.ts';
import type { ModelConfig } from './config.ts';
import { type ModelPart, partOf } from './parts.ts';

/** What a pass needs beside the tokens. */
export interface PassOptions {
  /** For training with dropout: (2) u32 [seed, step]. Without it nothing is dropped. */
  state?: Tensor;
  /** For decoding: keys and values of the tokens before; this pass appends its own. */
  cache?: PassCache;
  /** For training in less memory: all blocks but the last keep only their inputs, and run again in the backward pass. */
  recompute?: boolean;
  /** For readers: tokens also see those behind them. Not for decoding, whose cache is causal. */
  bidirectional?: boolean;
  /** (B) u32: tokens at and past a sequence's length are padding, which no token attends to. Causal passes need none. */
  lengths?: Tensor;
  /** Is shown what blocks compute on their way, for measurements. */
  observer?: Observer;
}

/** Looks on while blocks compute, and changes nothing. */
export interface Observer {
  /** Queries, keys and values, as attention reads them: (B, T, (H + 2 K) D). */
  attending(qkv: Tensor, layer: number): void;
  /** What a linear layer turns into what is added to the stream: outputs of heads (B, T, H D), or units of the MLP (B, T, nHidden). */
  adding(y: Tensor, to: { readonly stream: Tensor; readonly by: Linear; readonly layer: number }): void;
}

/** What stands beside the linear layers of a model and adds to their outputs: low-rank matrices (see lora.ts). */
export interface Adapters {
  /** What is added to the layer's output given its input x, plus `residual`; undefined for a layer without an adapter. */
  delta(x: Tensor, layer: string, state?: Tensor, residual?: Tensor): Tensor | undefined;
}

/** y = x W + b. */
export class Linear {
  constructor(
    /** What files call it. */
    readonly name: string,
    /** (in, out), or (out, in) where it is `transposed`, as quantized ones always are. */
    readonly weight: Tensor,
    /** (out) */
    readonly bias: Tensor | undefined,
    readonly transposed: boolean,
  ) {}

  /** (..., in) -> (..., out), with what adapters add; then through GELU or added to `residual`: one of the two at most. */
  forward(x: Tensor, pass: Pass, then: { gelu?: true; residual?: Tensor } = {}): Tensor {
    return within(x.engine, partOf(this.name), () => this.multiply(x, pass, then));
  }

  private multiply(
    x: Tensor,
    { adapters, options: { state } }: Pass,
    then: { gelu?: true; residual?: Tensor },
  ): Tensor {
    const { weight, bias } = this;
    const layout = { transposeB: this.transposed };
    const delta = adapters?.delta(x, this.name, state, then.residual); //                            (..., out)
    if (!delta) return product({ a: x, b: weight, bias, residual: then.residual }, { ...layout, gelu: then.gelu });
    const y = product({ a: x, b: weight, bias, residual: delta }, layout); //                         (..., out)
    return then.gelu ? gelu({ x: y }) : y;
  }
}

/** Normalizes each token's numbers: layer norm (Ba et al., 2016), or RMS norm (Zhang and Sennrich, 2019), which has no bias. */
export class Norm {
  constructor(
    readonly kind: 'layer' | 'rms',
    /** (C) */
    readonly weight: Tensor,
    readonly bias: Tensor | undefined,
    readonly eps: number,
  ) {}

  /** (..., C) -> (..., C) */
  forward(x: Tensor): Tensor {
    const { weight, bias, eps } = this;
    return within(x.engine, 'norms', () =>
      this.kind === 'layer' ? layerNorm({ x, weight, bias }, { eps }) : rmsNorm({ x, weight }, { eps }),
    );
  }
}

/** The layers of a block. */
export interface Block {
  attentionNorm: Norm;
  /** Queries, keys and values of all heads in one: (C) -> ((H + 2 K) D). */
  qkv: Linear;
  /** From all heads back to the stream: (C) -> (C). */
  projection: Linear;
  mlpNorm: Norm;
  /** (C) -> (nHidden), or gate and up side by side. */
  up: Linear;
  /** (nHidden) -> (C) */
  down: Linear;
}

/** What a block computes of the residual stream: (B, T, C) -> (B, T, C). */
export type BlockForward = (x: Tensor, block: Block, pass: Pass) => Tensor;

/** What a model's layers are called in files; a linear layer or norm has `<name>.weight`, and `<name>.bias` where it has one. */
export interface LayerNames {
  tokens: string;
  positions: string;
  block(layer: number): Record<keyof Block, string>;
  norm: string;
  /** Where it is not the token embedding. */
  head: string;
  /** Of linear layers that files hold in parts, which stand side by side here: the last words of the parts' names. */
  parts: { qkv?: readonly string[]; up?: readonly string[] };
  /** What adapters call the linear layers of a block: ends of their names. */
  targets: readonly string[];
}

/** A style of transformer: what its blocks compute, and of which kinds its parts are. */
export interface Style {
  forward: BlockForward;
  norm: Norm['kind'];
  /** Whether attention turns queries and keys by their positions; else positions are learned, as tokens are. */
  rotary: boolean;
  /** Whether several query heads can share keys and values. */
  grouped: boolean;
  /** Whether the MLP has a gate: `up` then is two matrices. */
  gated: boolean;
  /** Whether linear layers and norms can have biases. */
  biased: boolean;
  /** Whether matrices are stored as (out, in). */
  transposed: boolean;
  /** Whether the MLP takes what attention has added to the stream, as the kernels of kernels/decodeStep do. */
  sequential: boolean;
  names: LayerNames;
}

/** A pass of tokens through one block: what its layers have in common. */
export class Pass {
  /** Dropouts of the block so far. Each of a model has random numbers of its own: 0 is the embedding's. */
  private sites = 0;

  constructor(
    private readonly config: ModelConfig,
    private readonly layer: number,
    readonly adapters: Adapters | undefined,
    readonly options: PassOptions,
  ) {}

  /** Work whose dispatches are for a part of the model. */
  of<T extends Tensor>(part: ModelPart, { engine }: T, work: () => T): T {
    return within(engine, part, work);
  }

  /** Self-attention, causal unless told: (B, T, (H + 2 K) D) -> (B, T, H D). */
  attend(qkv: Tensor): Tensor {
    const { cache, bidirectional, lengths, observer } = this.options;
    const { nHead, nKvHead } = this.config;
    observer?.attending(qkv, this.layer);
    if (!cache)
      return this.of('attention', qkv, () => attention({ qkv, lengths }, { nHead, nKvHead, causal: !bidirectional }));
    const [keys, values] = [cache.keys[this.layer], cache.values[this.layer]];
    const { start, places } = cache;
    return this.of('attention', qkv, () => cachedAttention({ qkv, keys, values, start, places }, { nHead, nKvHead }));
  }

  /** Turns queries and keys by their positions: (B, T, (H + 2 K) D) -> the same. */
  rotate(qkv: Tensor): Tensor {
    const { nHead, nKvHead, ropeBase: base } = this.config;
    const start = this.options.cache?.start;
    return this.of('attention', qkv, () => rope({ qkv, start }, { nHead, nKvHead, base }));
  }

  /** x + dropout(layer(y)). Without dropout the sum is the matmul's epilogue. */
  add(x: Tensor, layer: Linear, y: Tensor): Tensor {
    const site = 2 * this.layer + ++this.sites;
    this.options.observer?.adding(y, { stream: x, by: layer, layer: this.layer });
    if (!drops(this.config, this.options)) return layer.forward(y, this, { residual: x });
    const { config, options } = this;
    return this.of(partOf(layer.name), x, () => add({ a: x, b: drop(layer.forward(y, this), site, config, options) }));
  }
}

const drops = ({ dropout }: ModelConfig, { state }: PassOptions): boolean => dropout > 0 && state !== undefined;

/** Drops activations in training; `site` tells the dropouts of a pass apart, so that each has its own random numbers. */
export const drop = (x: Tensor, site: number, config: ModelConfig, options: PassOptions): Tensor =>
  drops(config, options) ? dropout({ x, state: options.state! }, { p: config.dropout, site }) : x;
