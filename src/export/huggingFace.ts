/**
 * Our model's config as Hugging Face's config.json, and back. Fields, their defaults and their meaning are those of
 * transformers' GPT2Config and LlamaConfig, so that a run folder loads there with `from_pretrained`.
 */
import { z } from 'zod';
import { UserError } from '../errors.ts';
import type { ModelConfig } from '../model/config.ts';
import { MOST, modelProblem, STYLES } from '../model/styles.ts';
import { quote } from '../quote.ts';
import { check, type Refuse } from '../schema.ts';

/** What our fields are called there; `dawnlm` is for styles that transformers does not have, under our own names. */
const NAMES: Readonly<Record<'gpt2' | 'llama' | 'dawnlm', Readonly<Partial<Record<keyof ModelConfig, string>>>>> = {
  gpt2: {
    ...{ vocabSize: 'vocab_size', blockSize: 'n_positions', nLayer: 'n_layer', nHead: 'n_head', nEmbd: 'n_embd' },
    ...{ nHidden: 'n_inner', dropout: 'resid_pdrop', normEps: 'layer_norm_epsilon', bias: 'bias' },
    tieEmbeddings: 'tie_word_embeddings',
  },
  llama: {
    ...{ vocabSize: 'vocab_size', blockSize: 'max_position_embeddings', nLayer: 'num_hidden_layers' },
    ...{ nHead: 'num_attention_heads', nKvHead: 'num_key_value_heads', nEmbd: 'hidden_size' },
    ...{ nHidden: 'intermediate_size', dropout: 'resid_pdrop', normEps: 'rms_norm_eps', ropeBase: 'rope_theta' },
    tieEmbeddings: 'tie_word_embeddings',
  },
  dawnlm: {
    ...{ style: 'style', vocabSize: 'vocabSize', blockSize: 'blockSize', nLayer: 'nLayer', nHead: 'nHead' },
    ...{ nKvHead: 'nKvHead', nEmbd: 'nEmbd', nHidden: 'nHidden', dropout: 'dropout', normEps: 'normEps' },
    ...{ ropeBase: 'ropeBase', tieEmbeddings: 'tieEmbeddings', bias: 'bias' },
  },
};
type ModelType = keyof typeof NAMES;

/** The frequencies that RoPE's authors chose, and what GPT-2's configs, which have none, read as. */
const ROPE_BASE = 10_000;

/**
 * The fields of config.json, to be written as JSON. Two are ours, which transformers keeps and does not use: `bias` (it
 * fills the biases that a model without them lacks with zeros, which computes the same) and Llama's `resid_pdrop`.
 */
export function toHuggingFaceConfig(config: ModelConfig): Record<string, unknown> {
  const type = Object.hasOwn(NAMES, config.style) ? (config.style as ModelType) : 'dawnlm';
  const names = Object.entries(NAMES[type]) as [keyof ModelConfig, string][];
  return {
    model_type: type,
    ...Object.fromEntries(names.map(([ours, theirs]) => [theirs, config[ours]])),
    ...(type === 'gpt2' && gpt2Fields(config)),
    ...(type === 'llama' && LLAMA_FIELDS),
    ...{ initializer_range: 0.02, bos_token_id: null, eos_token_id: null, torch_dtype: 'float32' },
  };
}

const gpt2Fields = ({ nHidden, nEmbd, blockSize, dropout }: ModelConfig): Record<string, unknown> => ({
  architectures: ['GPT2LMHeadModel'],
  n_inner: nHidden === 4 * nEmbd ? null : nHidden,
  n_ctx: blockSize,
  activation_function: 'gelu_new',
  embd_pdrop: dropout,
  attn_pdrop: 0,
});

const LLAMA_FIELDS = {
  architectures: ['LlamaForCausalLM'],
  ...{ hidden_act: 'silu', attention_bias: false, attention_dropout: 0, mlp_bias: false },
};

/** What is believed of a file. */
const size = (name: keyof typeof MOST) => z.int().min(1).max(MOST[name]);
const [vocabulary, positions, width] = [size('vocabSize'), size('blockSize'), size('nEmbd')];
const [hidden, count] = [size('nHidden'), size('nLayer')];
const dropout = z.number().min(0).max(0.99);
const epsilon = z.number().min(0).max(0.1);
const ropeBase = z.number().min(1).max(1e12).default(ROPE_BASE);

const no = z.literal(false).optional();
const absent = z
  .unknown()
  .optional()
  .refine((value) => value === undefined, { error: ({ input }) => `is not computed here; got ${quote(input)}` });

/** Fields that change what a model computes are here too: they have to be as it is built here, or absent. */
const Gpt2Fields = z.object({
  ...{ model_type: z.literal('gpt2'), vocab_size: vocabulary, n_positions: positions, n_layer: count, n_head: count },
  ...{ n_embd: width, n_inner: hidden.optional(), resid_pdrop: dropout.default(0.1) },
  ...{ layer_norm_epsilon: epsilon.default(1e-5), tie_word_embeddings: z.boolean().default(true) },
  bias: z.boolean().default(true),
  activation_function: z.enum(['gelu_new', 'gelu_pytorch_tanh']).optional(),
  scale_attn_weights: z.literal(true).optional(),
  ...{ scale_attn_by_inverse_layer_idx: no, reorder_and_upcast_attn: no, add_cross_attention: no },
  quantization_config: absent,
});

const LlamaFields = z
  .object({
    ...{ model_type: z.literal('llama'), vocab_size: vocabulary, max_position_embeddings: positions },
    ...{ num_hidden_layers: count, num_attention_heads: count, num_key_value_heads: count.optional() },
    ...{ hidden_size: width, head_dim: width.optional(), intermediate_size: hidden },
    ...{ resid_pdrop: dropout.default(0), rms_norm_eps: epsilon.default(1e-6), rope_theta: ropeBase },
    tie_word_embeddings: z.boolean().default(false),
    /** transformers 5 keeps the base in an object of its own, beside the kind of scaling. */
    rope_parameters: z.object({ rope_type: z.literal('default').optional(), rope_theta: ropeBase }).optional(),
    hidden_act: z.enum(['silu', 'swish']).optional(),
    ...{ attention_bias: no, mlp_bias: no, rope_interleaved: no, use_sliding_window: no },
    ...{ rope_scaling: absent, sliding_window: absent, quantization_config: absent },
    partial_rotary_factor: z.literal(1).optional(),
  })
  .refine(({ head_dim, hidden_size, num_attention_heads: heads }) => !head_dim || head_dim * heads === hidden_size, {
    ...{ path: ['head_dim'], error: 'must be hidden_size / num_attention_heads' },
  });

const OwnFields = z.object({
  ...{
    model_type: z.literal('dawnlm'),
    style: z.enum(Object.keys(STYLES)),
    vocabSize: vocabulary,
    blockSize: positions,
  },
  ...{
    nLayer: count,
    nHead: count,
    nKvHead: count,
    nEmbd: width,
    nHidden: hidden,
    dropout,
    normEps: epsilon,
    ropeBase,
  },
  ...{ tieEmbeddings: z.boolean(), bias: z.boolean() },
});

const Fields = z.discriminatedUnion('model_type', [Gpt2Fields, LlamaFields, OwnFields]);

/**
 * The config that a parsed config.json describes; `fromHuggingFaceConfig(toHuggingFaceConfig(config))` is the config again
 * (in the gpt2 style with the usual ropeBase, which it does not use). Fields that concern only training elsewhere, such as
 * dropout of attention weights, are passed over.
 * @throws UserError that names the field: missing, of another type, too large, or asking for what this model does not have
 */
export function fromHuggingFaceConfig(json: unknown, fileName = 'config.json'): ModelConfig {
  const refuse: Refuse = (problem) =>
    new UserError(`${fileName} describes no model that can be loaded here: ${problem}. Choose another model.`);
  const fields = check(Fields, withoutNulls(json), refuse);
  const config = configOf(fields.model_type, fields, 'rope_parameters' in fields ? fields.rope_parameters : undefined);
  const problem = modelProblem(config);
  if (problem) throw refuse(problem);
  return config;
}

/** Null is as good as absent. */
export const withoutNulls = (json: unknown): unknown =>
  typeof json === 'object' && json !== null && !Array.isArray(json)
    ? Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null))
    : json;

/** Their fields under our names, and what a style has not, or leaves to others. */
function configOf(style: ModelType, fields: Record<string, unknown>, rope?: { rope_theta: number }): ModelConfig {
  const ours = Object.entries(NAMES[style]).map(([name, theirs]) => [name, fields[theirs]]);
  const known = Object.fromEntries(ours.filter(([, value]) => value !== undefined));
  const { nHead, nEmbd } = known;
  const others = { style, nKvHead: nHead, nHidden: 4 * nEmbd, ropeBase: ROPE_BASE, bias: false };
  return { ...others, ...known, ...(rope && { ropeBase: rope.rope_theta }) };
}
