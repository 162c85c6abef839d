import { attendStep } from '../kernels/decodeStep/attendStep.ts';
import { headStep } from '../kernels/decodeStep/headStep.ts';
import { mlpStep } from '../kernels/decodeStep/mlpStep.ts';
import { embedding } from '../kernels/embedding.ts';
import type { Capabilities } from '../tensor/kernel.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { KeyValueCache } from './cache.ts';
import type { ModelConfig } from './config.ts';
import type { GPT } from './gpt.ts';

/** Sequences above this are better served by matrix products, which load a weight once for all of them. */
const MOST_SEQUENCES = 4;

/** Whether `stepLogits` can and should decode: on CPU adapters, few sequences, widths that split into vectors. */
export function stepsPay(config: ModelConfig, batch: number, { software, subgroupSize }: Capabilities): boolean {
  const { style, nEmbd, nHead, nHidden } = config;
  const vectors = (nEmbd / nHead) % (style === 'llama' ? 8 : 4) === 0 && nHidden % 4 === 0;
  return software && (subgroupSize === 4 || subgroupSize === 8) && batch <= MOST_SEQUENCES && vectors;
}

/** Above these, a dispatch of decoding is work for several threads: weights of a block in steps; times sequences, in products. */
const SMALL_BLOCK = 2 ** 20;
const SMALL_PRODUCTS = 2 ** 23;

/**
 * Whether decoding is small work, whose dispatches are over before other threads are awake. On two cores one thread takes
 * 0.45 of the time of two for one or eight sequences at width 128, 0.7 for 32; for one 0.75 at width 256, and as long at 384.
 */
export function isSmallWork({ nEmbd, nHead, nKvHead, nHidden, style }: ModelConfig, batch: number): boolean {
  const attention = nEmbd * nEmbd * (2 + (2 * nKvHead) / nHead);
  const mlp = nEmbd * nHidden * (style === 'llama' ? 3 : 2);
  const block = attention + mlp;
  return batch <= MOST_SEQUENCES ? block <= SMALL_BLOCK : batch * block <= SMALL_PRODUCTS;
}

/**
 * A model's pass over one new token of each sequence, as `logits(hidden(ids, { cache }))`, in two dispatches a block: the
 * same numbers up to rounding.   ids: (B, 1) u32 -> (B, V); keys and values are appended to the cache
 */
export function stepLogits({ config, parameters }: GPT, ids: Tensor, cache: KeyValueCache): Tensor {
  const { style, nLayer, nHead, nKvHead, normEps: eps, ropeBase, tieEmbeddings } = config;
  const get = (name: string): Tensor => parameters.get(name);
  const weight = (name: string): Tensor => get(`${name}.weight`);
  const bias = (name: string): Tensor | undefined => (config.bias ? get(`${name}.bias`) : undefined);
  const heads = { nHead, nKvHead };
  if (style === 'gpt2') {
    const stream = { norm: 'layer', eps, transposed: false } as const;
    const attributes = { ...stream, ...heads, ropeBase: 0 };
    let parts = embedding(ids, weight('transformer.wte'), weight('transformer.wpe'), cache.start); // (B, 1, C)
    for (let layer = 0; layer < nLayer; layer++) {
      const h = `transformer.h.${layer}`;
      const [ln1, qkv, out] = [`${h}.ln_1`, `${h}.attn.c_attn`, `${h}.attn.c_proj`];
      const [ln2, up, down] = [`${h}.ln_2`, `${h}.mlp.c_fc`, `${h}.mlp.c_proj`];
      const [keys, values] = [cache.keys[layer], cache.values[layer]];
      const [w1, wQkv, wOut, w2, wUp, wDown] = [ln1, qkv, out, ln2, up, down].map(weight);
      const [b1, bQkv, bOut, b2, bUp, bDown] = [ln1, qkv, out, ln2, up, down].map(bias);
      parts = attendStep(parts, w1, wQkv, wOut, keys, values, cache.start, b1, bQkv, bOut, attributes); // (B, 1 + H, C)
      parts = mlpStep(parts, w2, wUp, wDown, b2, bUp, bDown, { ...stream, gated: false }); //             (B, 1 + G, C)
    }
    const head = weight(tieEmbeddings ? 'transformer.wte' : 'lm_head'); //                                (V, C)
    return headStep(parts, weight('transformer.ln_f'), head, bias('transformer.ln_f'), stream); //        (B, V)
  }
  const stream = { norm: 'rms', eps, transposed: true } as const;
  const none = undefined;
  let parts = embedding(ids, weight('model.embed_tokens'), none, cache.start); //                         (B, 1, C)
  for (let layer = 0; layer < nLayer; layer++) {
    const h = `model.layers.${layer}`;
    const [keys, values] = [cache.keys[layer], cache.values[layer]];
    const [n1, n2] = [weight(`${h}.input_layernorm`), weight(`${h}.post_attention_layernorm`)];
    const [qkv, out] = [weight(`${h}.self_attn.qkv`), weight(`${h}.self_attn.o_proj`)];
    const [up, down] = [weight(`${h}.mlp.gate_up`), weight(`${h}.mlp.down_proj`)];
    const attributes = { ...stream, ...heads, ropeBase };
    parts = attendStep(parts, n1, qkv, out, keys, values, cache.start, none, none, none, attributes); //  (B, 1 + K, C)
    parts = mlpStep(parts, n2, up, down, none, none, none, { ...stream, gated: true }); //                (B, 1 + G, C)
  }
  return headStep(parts, weight('model.norm'), weight(tieEmbeddings ? 'model.embed_tokens' : 'lm_head'), none, stream); // (B, V)
}
