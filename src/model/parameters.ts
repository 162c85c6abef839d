import type { ParameterSpec } from '../tensor/parameters.ts';
import type { ModelConfig } from './config.ts';

/** GPT-2's standard deviation of fresh weights. */
const STD = 0.02;

/** What a model's layers are called in files; a linear layer or norm has `<name>.weight`, and `<name>.bias` where it has one. */
export interface LayerNames {
  tokens: string;
  positions?: string;
  block(layer: number): Record<'attentionNorm' | 'qkv' | 'projection' | 'mlpNorm' | 'up' | 'down', string>;
  norm: string;
  /** Where it is not the token embedding. */
  head: string;
}

const GPT2: LayerNames = {
  tokens: 'transformer.wte',
  positions: 'transformer.wpe',
  block: (layer) => {
    const at = `transformer.h.${layer}`;
    return {
      attentionNorm: `${at}.ln_1`,
      qkv: `${at}.attn.c_attn`,
      projection: `${at}.attn.c_proj`,
      mlpNorm: `${at}.ln_2`,
      up: `${at}.mlp.c_fc`,
      down: `${at}.mlp.c_proj`,
    };
  },
  norm: 'transformer.ln_f',
  head: 'lm_head',
};

/** `qkv` and `up` are stacks of what files hold one by one. */
const LLAMA: LayerNames = {
  tokens: 'model.embed_tokens',
  block: (layer) => {
    const at = `model.layers.${layer}`;
    return {
      attentionNorm: `${at}.input_layernorm`,
      qkv: `${at}.self_attn.qkv`,
      projection: `${at}.self_attn.o_proj`,
      mlpNorm: `${at}.post_attention_layernorm`,
      up: `${at}.mlp.gate_up`,
      down: `${at}.mlp.down_proj`,
    };
  },
  norm: 'model.norm',
  head: 'lm_head',
};

/** The names of a style's layers: Hugging Face's of GPT-2 and Llama, so that a checkpoint is read elsewhere without conversion. */
export const layerNames = ({ style }: Pick<ModelConfig, 'style'>): LayerNames => (style === 'gpt2' ? GPT2 : LLAMA);

/**
 * The parameters of a model, named and laid out as Hugging Face's GPT-2 and Llama have them. Weights start as normal numbers with
 * GPT-2's 0.02, and those that write into the residual stream with 0.02 / sqrt(2 nLayer), so that the stream's variance does
 * not grow with depth (Radford et al., 2019, 2.3). Matrices and embeddings have weight decay; biases and norms have none. The
 * blocks' matrices are marked for Muon.
 */
export const parameterSpecs = (config: ModelConfig): ParameterSpec[] =>
  config.style === 'gpt2' ? gpt2Specs(config) : llamaSpecs(config);

/** The standard deviation of fresh weights that write into the residual stream. */
const residualStd = (nLayer: number): number => STD / Math.sqrt(2 * nLayer);

const embedding = (name: string, rows: number, width: number): ParameterSpec => ({
  ...{ name: `${name}.weight`, shape: [rows, width], init: { std: STD }, decay: true },
});

/** GPT-2 stores its linear layers as (in, out): y = x W + b. */
function gpt2Specs(config: ModelConfig): ParameterSpec[] {
  const { nLayer, nEmbd: C, nHidden: H, vocabSize: V, blockSize: T, bias, tieEmbeddings } = config;
  const zeros = (name: string, size: number): ParameterSpec[] =>
    bias ? [{ name: `${name}.bias`, shape: [size], init: 'zeros', decay: false }] : [];
  const norm = (name: string): ParameterSpec[] => [
    { name: `${name}.weight`, shape: [C], init: 'ones', decay: false },
    ...zeros(name, C),
  ];
  const linear = (name: string, inner: number, outer: number, std = STD, matrices = 1): ParameterSpec[] => [
    { name: `${name}.weight`, shape: [inner, outer], init: { std }, decay: true, matrices },
    ...zeros(name, outer),
  ];
  const block = (_: unknown, layer: number): ParameterSpec[] => {
    const names = GPT2.block(layer);
    return [
      ...norm(names.attentionNorm),
      ...linear(names.qkv, C, 3 * C, STD, 3), // queries, keys and values side by side
      ...linear(names.projection, C, C, residualStd(nLayer)),
      ...norm(names.mlpNorm),
      ...linear(names.up, C, H),
      ...linear(names.down, H, C, residualStd(nLayer)),
    ];
  };
  return [
    embedding(GPT2.tokens, V, C),
    embedding(GPT2.positions!, T, C),
    ...Array.from({ length: nLayer }, block).flat(),
    ...norm(GPT2.norm),
    ...(tieEmbeddings ? [] : [embedding(GPT2.head, V, C)]),
  ];
}

/** Llama stores its linear layers as (out, in): y = x W^T. Queries, keys and values are one stack, gate and up another. */
function llamaSpecs(config: ModelConfig): ParameterSpec[] {
  const { nLayer, nEmbd: C, nHidden: H, nHead, nKvHead, vocabSize: V, tieEmbeddings } = config;
  const kv = (C / nHead) * nKvHead;
  const norm = (name: string): ParameterSpec => ({ name: `${name}.weight`, shape: [C], init: 'ones', decay: false });
  const linear = (name: string, outer: number, inner: number, std = STD, stack?: string): ParameterSpec => ({
    ...{ name: `${name}.weight`, shape: [outer, inner], init: { std }, decay: true, matrices: 1 },
    ...(stack && { stack: `${stack}.weight` }),
  });
  const block = (_: unknown, layer: number): ParameterSpec[] => {
    const names = LLAMA.block(layer);
    const part = (stack: string, name: string, outer: number): ParameterSpec =>
      linear(stack.replace(/[^.]+$/, name), outer, C, STD, stack);
    return [
      norm(names.attentionNorm),
      part(names.qkv, 'q_proj', C),
      part(names.qkv, 'k_proj', kv),
      part(names.qkv, 'v_proj', kv),
      linear(names.projection, C, C, residualStd(nLayer)),
      norm(names.mlpNorm),
      part(names.up, 'gate_proj', H),
      part(names.up, 'up_proj', H),
      linear(names.down, C, H, residualStd(nLayer)),
    ];
  };
  return [
    embedding(LLAMA.tokens, V, C),
    ...Array.from({ length: nLayer }, block).flat(),
    norm(LLAMA.norm),
    ...(tieEmbeddings ? [] : [embedding(LLAMA.head, V, C)]),
  ];
}
