import type { ParameterSpec } from '../tensor/parameters.ts';
import type { ModelConfig } from './config.ts';
import type { LayerNames, Style } from './layers.ts';

/** GPT-2's standard deviation of fresh weights. */
export const STD = 0.02;

/** How fresh weights differ from GPT-2's. */
export interface Initialization {
  /**
   * Size of fresh queries and keys, given that a norm comes before them: their weights are drawn with queryKeyGain / sqrt(C), and
   * scores of attention have about its square. 0 for GPT-2's 0.02, with which attention begins as a plain mean.
   */
  queryKeyGain?: number;
  /** Whether a head of the first block begins by looking at the token before: see previousTokenHead.ts. For rotary positions. */
  previousTokenHead?: boolean;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/*
 * Names are Hugging Face's of GPT-2 and Llama, so that a checkpoint is read elsewhere without conversion.
 */

export const GPT2: LayerNames = {
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
  parts: {},
  targets: ['c_attn', 'attn.c_proj', 'c_fc', 'mlp.c_proj'],
};

export const LLAMA: LayerNames = {
  tokens: 'model.embed_tokens',
  positions: 'model.embed_positions',
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
  parts: { qkv: ['q_proj', 'k_proj', 'v_proj'], up: ['gate_proj', 'up_proj'] },
  targets: ['qkv', 'o_proj', 'gate_up', 'down_proj'],
};

/**
 * The parameters of a model, named and laid out as files have them. Weights start as normal numbers with GPT-2's 0.02, and
 * those that write into the residual stream with 0.02 / sqrt(2 nLayer), so that the stream's variance does not grow with depth
 * (Radford et al., 2019, 2.3). Matrices and embeddings have weight decay; biases and norms have none. The blocks' matrices are
 * marked for Muon.
 */
export function parameterSpecs(
  config: ModelConfig,
  { names, rotary, gated, transposed }: Style,
  { queryKeyGain }: Initialization = {},
): ParameterSpec[] {
  const { nLayer, nEmbd: C, nHidden: H, nHead, nKvHead, vocabSize: V, blockSize: T, bias, tieEmbeddings } = config;
  const kv = (C / nHead) * nKvHead;
  const last = STD / Math.sqrt(2 * nLayer);
  const queryKey = queryKeyGain ? queryKeyGain / Math.sqrt(C) : STD;
  const embedding = (name: string, rows: number): ParameterSpec => ({
    ...{ name: `${name}.weight`, shape: [rows, C], init: { std: STD }, decay: true },
  });
  const biasOf = (name: string, size: number): ParameterSpec[] =>
    bias ? [{ name: `${name}.bias`, shape: [size], init: 'zeros', decay: false }] : [];
  const norm = (name: string): ParameterSpec[] => [
    { name: `${name}.weight`, shape: [C], init: 'ones', decay: false },
    ...biasOf(name, C),
  ];
  const linear = (
    name: string,
    inner: number,
    outer: number,
    std: number | readonly number[] = STD,
    matrices = 1,
    stack?: string,
  ): ParameterSpec[] => [
    {
      ...{ name: `${name}.weight`, shape: transposed ? [outer, inner] : [inner, outer], init: { std }, decay: true },
      ...{ matrices, ...(stack !== undefined && { stack: `${stack}.weight` }) },
    },
    ...biasOf(name, outer),
  ];
  /** Matrices side by side: one in files too, or one by one. */
  const joined = (
    name: string,
    widths: readonly number[],
    parts: readonly string[] | undefined,
    stds = widths.map(() => STD),
  ): ParameterSpec[] =>
    parts?.flatMap((part, i) => linear(name.replace(/[^.]+$/, part), C, widths[i], stds[i], 1, name)) ??
    linear(name, C, sum(widths), new Set(stds).size > 1 ? stds : stds[0], widths.length);
  const block = (_: unknown, layer: number): ParameterSpec[] => {
    const { attentionNorm, qkv, projection, mlpNorm, up, down } = names.block(layer);
    return [
      ...norm(attentionNorm),
      ...joined(qkv, [C, kv, kv], names.parts.qkv, [queryKey, queryKey, STD]),
      ...linear(projection, C, C, last),
      ...norm(mlpNorm),
      ...joined(up, gated ? [H, H] : [H], names.parts.up),
      ...linear(down, H, C, last),
    ];
  };
  return [
    embedding(names.tokens, V),
    ...(rotary ? [] : [embedding(names.positions, T)]),
    ...Array.from({ length: nLayer }, block).flat(),
    ...norm(names.norm),
    ...(tieEmbeddings ? [] : [embedding(names.head, V)]),
  ];
}
