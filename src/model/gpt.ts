import { attention } from '../kernels/attention/attention.ts';
import { cachedAttention } from '../kernels/attention/cachedAttention.ts';
import { dropout } from '../kernels/dropout.ts';
import { add } from '../kernels/elementwise.ts';
import { embedding } from '../kernels/embedding.ts';
import { gelu } from '../kernels/gelu.ts';
import { crossEntropy } from '../kernels/loss/crossEntropy.ts';
import { headLoss, headLossPays } from '../kernels/loss/headLoss.ts';
import { matmul } from '../kernels/matmul/matmul.ts';
import { layerNorm } from '../kernels/norm/layerNorm.ts';
import { rmsNorm } from '../kernels/norm/rmsNorm.ts';
import { rope } from '../kernels/rope.ts';
import { swiglu } from '../kernels/swiglu.ts';
import type { Engine } from '../tensor/engine.ts';
import { Parameters } from '../tensor/parameters.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { KeyValueCache } from './cache.ts';
import { type ModelConfig, validateModel } from './config.ts';
import { parameterSpecs } from './parameters.ts';

/** What a pass needs beside the tokens. */
export interface PassOptions {
  /** For training with dropout: (2) u32 [seed, step]. Without it nothing is dropped. */
  state?: Tensor;
  /** For decoding: keys and values of the tokens before; this pass appends its own. */
  cache?: KeyValueCache;
  /** For training in less memory: all blocks but the last keep only their inputs, and run again in the backward pass. */
  recompute?: boolean;
  /** For readers: tokens also see those behind them. Not for decoding, whose cache is causal. */
  bidirectional?: boolean;
  /** (B) u32: tokens at and past a sequence's length are padding, which no token attends to. Causal passes need none. */
  lengths?: Tensor;
}

/** What stands beside the linear layers of a model and adds to their outputs: low-rank matrices (see lora.ts). */
export interface Adapters {
  /** What is added to the layer's output given its input x, plus `residual`; undefined for a layer without an adapter. */
  delta(x: Tensor, layer: string, state?: Tensor, residual?: Tensor): Tensor | undefined;
}

/**
 * A decoder-only transformer: embedding, nLayer blocks of causal self-attention and MLP around a residual stream, a last
 * norm, and a head that scores every token of the vocabulary as the next one.
 *
 * `gpt2`: learned positions, layer norm, GELU (Radford et al., 2019).
 * `llama`: rotary positions, RMS norm, SwiGLU, grouped-query attention (Touvron et al., 2023).
 *
 * Shapes in the comments: B sequences, T tokens, C = nEmbd, H heads, K key-value heads, D = C / H, V = vocabSize.
 */
export class GPT {
  readonly config: ModelConfig;
  readonly parameters: Parameters;
  /** What the passes from now on add to its linear layers. */
  adapters: Adapters | undefined;

  /** Parameters are zeros until `initialize` or a checkpoint fills them. @throws UsageError when the config does not fit together. */
  constructor(engine: Engine, config: ModelConfig) {
    this.config = validateModel(config);
    this.parameters = new Parameters(engine, parameterSpecs(config));
  }

  /** Draws fresh weights. */
  initialize(seed: number): this {
    this.parameters.initialize(seed);
    return this;
  }

  /** Mean cross-entropy of the next tokens in nats: ids, targets (B, T) u32 -> (). */
  loss(ids: Tensor, targets: Tensor, options: PassOptions = {}): Tensor {
    const hidden = this.hidden(ids, options); //                                                     (B, T, C)
    const head = this.weight(this.headName); //                                                      (V, C)
    return headLossPays(hidden, head)
      ? headLoss(hidden, head, targets, {})
      : crossEntropy(this.logits(hidden), targets);
  }

  /** The state of the residual stream at each token, after the last norm: (B, T) u32 -> (B, T, C). */
  hidden(ids: Tensor, options: PassOptions = {}): Tensor {
    const { nLayer, style } = this.config;
    let x = this.embed(ids, options); //                                                            (B, T, C)
    for (let layer = 0; layer < nLayer; layer++) {
      const before = x;
      const block = () =>
        style === 'gpt2' ? this.gpt2Block(before, layer, options) : this.llamaBlock(before, layer, options);
      const last = layer === nLayer - 1; // the backward pass begins with it: nothing would be gained
      x = options.recompute && !last ? x.engine.checkpoint(block) : block(); //                     (B, T, C)
    }
    return style === 'gpt2' ? this.layerNorm(x, 'transformer.ln_f') : this.rmsNorm(x, 'model.norm'); // (B, T, C)
  }

  /** Scores of every token as the next one: (..., C) -> (..., V). */
  logits(hidden: Tensor): Tensor {
    return matmul(hidden, this.weight(this.headName), undefined, undefined, { transposeB: true });
  }

  private embed(ids: Tensor, { cache, ...options }: PassOptions): Tensor {
    const positions = this.config.style === 'gpt2' ? this.weight('transformer.wpe') : undefined; // (blockSize, C)
    const x = embedding(ids, this.weight(this.tokensName), positions, cache?.start); //             (B, T, C)
    return this.drop(x, 0, options);
  }

  private gpt2Block(x: Tensor, layer: number, options: PassOptions): Tensor {
    const h = `transformer.h.${layer}`;
    const n1 = this.layerNorm(x, `${h}.ln_1`); //                                                   (B, T, C)
    const qkv = this.linear(n1, `${h}.attn.c_attn`, options); //                                    (B, T, 3 C)
    const heads = this.attend(qkv, layer, options); //                                              (B, T, C)
    x = this.addLinear(x, heads, `${h}.attn.c_proj`, 2 * layer + 1, options); //                      (B, T, C)
    const n2 = this.layerNorm(x, `${h}.ln_2`); //                                                   (B, T, C)
    const up = this.linear(n2, `${h}.mlp.c_fc`, options, { gelu: true }); //                        (B, T, nHidden)
    return this.addLinear(x, up, `${h}.mlp.c_proj`, 2 * layer + 2, options); //                     (B, T, C)
  }

  private llamaBlock(x: Tensor, layer: number, options: PassOptions): Tensor {
    const { nHead, nKvHead, ropeBase: base } = this.config;
    const h = `model.layers.${layer}`;
    const n1 = this.rmsNorm(x, `${h}.input_layernorm`); //                                          (B, T, C)
    const flat = this.linear(n1, `${h}.self_attn.qkv`, options); //                                 (B, T, (H + 2 K) D)
    const qkv = rope(flat, options.cache?.start, { nHead, nKvHead, base }); //                      (B, T, (H + 2 K) D)
    const heads = this.attend(qkv, layer, options); //                                              (B, T, C)
    x = this.addLinear(x, heads, `${h}.self_attn.o_proj`, 2 * layer + 1, options); //               (B, T, C)
    const n2 = this.rmsNorm(x, `${h}.post_attention_layernorm`); //                                 (B, T, C)
    const gated = swiglu(this.linear(n2, `${h}.mlp.gate_up`, options)); //                          (B, T, nHidden)
    return this.addLinear(x, gated, `${h}.mlp.down_proj`, 2 * layer + 2, options); //               (B, T, C)
  }

  /** Self-attention, causal unless told: (B, T, (H + 2 K) D) -> (B, T, H D). */
  private attend(qkv: Tensor, layer: number, { cache, bidirectional, lengths }: PassOptions): Tensor {
    const { nHead, nKvHead } = this.config;
    if (!cache) return attention(qkv, lengths, { nHead, nKvHead, causal: !bidirectional });
    return cachedAttention(qkv, cache.keys[layer], cache.values[layer], cache.start, { nHead, nKvHead });
  }

  /** x W + b, and what adapters add to it; then through GELU or added to `residual`: one of the two at most. */
  private linear(
    x: Tensor,
    name: string,
    { state }: PassOptions,
    { gelu: activates, residual }: { gelu?: true; residual?: Tensor } = {},
  ): Tensor {
    const layout = this.config.style === 'llama' ? { transposeB: true } : {};
    const [weight, bias] = [this.weight(name), this.bias(name)];
    const delta = this.adapters?.delta(x, name, state, residual); //                                 (B, T, out)
    if (!delta) return matmul(x, weight, bias, residual, { ...layout, ...(activates && { gelu: true }) });
    const y = matmul(x, weight, bias, delta, layout); //                                             (B, T, out)
    return activates ? gelu(y) : y;
  }

  /** x + dropout(linear(y)). Without dropout the sum is the matmul's epilogue. */
  private addLinear(x: Tensor, y: Tensor, name: string, site: number, options: PassOptions): Tensor {
    if (!this.drops(options)) return this.linear(y, name, options, { residual: x });
    return add(x, this.drop(this.linear(y, name, options), site, options));
  }

  private drops({ state }: PassOptions): boolean {
    return this.config.dropout > 0 && state !== undefined;
  }

  /** `site` tells the dropouts of a pass apart, so that each has its own random numbers. */
  private drop(x: Tensor, site: number, options: PassOptions): Tensor {
    return this.drops(options) ? dropout(x, options.state!, { p: this.config.dropout, site }) : x;
  }

  private layerNorm(x: Tensor, name: string): Tensor {
    return layerNorm(x, this.weight(name), this.bias(name), { eps: this.config.normEps });
  }

  private rmsNorm(x: Tensor, name: string): Tensor {
    return rmsNorm(x, this.weight(name), { eps: this.config.normEps });
  }

  private weight(name: string): Tensor {
    return this.parameters.get(`${name}.weight`);
  }

  private bias(name: string): Tensor | undefined {
    return this.config.bias ? this.parameters.get(`${name}.bias`) : undefined;
  }

  private get tokensName(): string {
    return this.config.style === 'gpt2' ? 'transformer.wte' : 'model.embed_tokens';
  }

  /** The head's weights: with tied embeddings, those of the token embedding. */
  private get headName(): string {
    return this.config.tieEmbeddings ? this.tokensName : 'lm_head';
  }
}
