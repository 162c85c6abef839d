import type { ParameterSpec } from '../tensor/parameters.ts';
import type { ModelConfig } from './config.ts';

/** GPT-2's standard deviation of fresh weights. */
const STD = 0.02;

/**
 * The parameters of a model, named and laid out as Hugging Face's GPT-2 and Llama have them, so that a checkpoint is read
 * elsewhere without conversion. Weights start as normal numbers with GPT-2's 0.02, and those that write into the residual
 * stream with 0.02 / sqrt(2 nLayer), so that the stream's variance does not grow with depth (Radford et al., 2019, 2.3).
 * Matrices and embeddings have weight decay; biases and norms have none. The blocks' matrices are marked for Muon.
 */
export const parameterSpecs = (config: ModelConfig): ParameterSpec[] =>
  config.style === 'gpt2' ? gpt2Specs(config) : llamaSpecs(config);

/** GPT-2 stores its linear layers as (in, out): y = x W + b. */
function gpt2Specs({
  nLayer,
  nEmbd: C,
  nHidden: H,
  vocabSize: V,
  blockSize: T,
  bias,
  tieEmbeddings,
}: ModelConfig): ParameterSpec[] {
  const residualStd = STD / Math.sqrt(2 * nLayer);
  const norm = (name: string): ParameterSpec[] => [
    { name: `${name}.weight`, shape: [C], init: 'ones', decay: false },
    ...(bias ? [{ name: `${name}.bias`, shape: [C], init: 'zeros' as const, decay: false }] : []),
  ];
  const linear = (name: string, inner: number, outer: number, std = STD, matrices = 1): ParameterSpec[] => [
    { name: `${name}.weight`, shape: [inner, outer], init: { std }, decay: true, matrices },
    ...(bias ? [{ name: `${name}.bias`, shape: [outer], init: 'zeros' as const, decay: false }] : []),
  ];
  const block = (_: unknown, i: number): ParameterSpec[] => [
    ...norm(`transformer.h.${i}.ln_1`),
    ...linear(`transformer.h.${i}.attn.c_attn`, C, 3 * C, STD, 3), // queries, keys and values side by side
    ...linear(`transformer.h.${i}.attn.c_proj`, C, C, residualStd),
    ...norm(`transformer.h.${i}.ln_2`),
    ...linear(`transformer.h.${i}.mlp.c_fc`, C, H),
    ...linear(`transformer.h.${i}.mlp.c_proj`, H, C, residualStd),
  ];
  return [
    { name: 'transformer.wte.weight', shape: [V, C], init: { std: STD }, decay: true },
    { name: 'transformer.wpe.weight', shape: [T, C], init: { std: STD }, decay: true },
    ...Array.from({ length: nLayer }, block).flat(),
    ...norm('transformer.ln_f'),
    ...(tieEmbeddings ? [] : [{ name: 'lm_head.weight', shape: [V, C], init: { std: STD }, decay: true }]),
  ];
}

/** Llama stores its linear layers as (out, in): y = x W^T. Queries, keys and values are one stack, gate and up another. */
function llamaSpecs({
  nLayer,
  nEmbd: C,
  nHidden: H,
  nHead,
  nKvHead,
  vocabSize: V,
  tieEmbeddings,
}: ModelConfig): ParameterSpec[] {
  const residualStd = STD / Math.sqrt(2 * nLayer);
  const kv = (C / nHead) * nKvHead;
  const norm = (name: string): ParameterSpec => ({ name: `${name}.weight`, shape: [C], init: 'ones', decay: false });
  const linear = (name: string, outer: number, inner: number, stack?: string, std = STD): ParameterSpec => ({
    ...{ name: `${name}.weight`, shape: [outer, inner], init: { std }, decay: true, matrices: 1 },
    ...(stack && { stack }),
  });
  const tokens = (name: string): ParameterSpec => ({
    name: `${name}.weight`,
    shape: [V, C],
    init: { std: STD },
    decay: true,
  });
  const block = (_: unknown, i: number): ParameterSpec[] => {
    const at = `model.layers.${i}`;
    return [
      norm(`${at}.input_layernorm`),
      linear(`${at}.self_attn.q_proj`, C, C, `${at}.self_attn.qkv.weight`),
      linear(`${at}.self_attn.k_proj`, kv, C, `${at}.self_attn.qkv.weight`),
      linear(`${at}.self_attn.v_proj`, kv, C, `${at}.self_attn.qkv.weight`),
      linear(`${at}.self_attn.o_proj`, C, C, undefined, residualStd),
      norm(`${at}.post_attention_layernorm`),
      linear(`${at}.mlp.gate_proj`, H, C, `${at}.mlp.gate_up.weight`),
      linear(`${at}.mlp.up_proj`, H, C, `${at}.mlp.gate_up.weight`),
      linear(`${at}.mlp.down_proj`, C, H, undefined, residualStd),
    ];
  };
  return [
    tokens('model.embed_tokens'),
    ...Array.from({ length: nLayer }, block).flat(),
    norm('model.norm'),
    ...(tieEmbeddings ? [] : [tokens('lm_head')]),
  ];
}
