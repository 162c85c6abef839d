/**
 * Our model's config as Hugging Face's config.json, and back. Fields, their defaults and their meaning are those of
 * transformers' GPT2Config and LlamaConfig, so that a run folder loads there with `from_pretrained`.
 */
import { UserError } from '../errors.ts';
import type { ModelConfig } from '../model/config.ts';
import { ConfigFields } from './configFields.ts';

/** What is believed of a file: a few times what the largest models have. */
const LARGEST = { vocabulary: 2 ** 21, positions: 2 ** 24, layers: 1024, heads: 1024, width: 2 ** 17, hidden: 2 ** 20 };

/** The frequencies that RoPE's authors chose, and what GPT-2's configs, which have none, read as. */
const ROPE_BASE = 10_000;

/**
 * The fields of config.json, to be written as JSON. Two are ours, which transformers keeps and does not use: `bias` (it
 * fills the biases that a model without them lacks with zeros, which computes the same) and Llama's `resid_pdrop`.
 */
export function toHuggingFaceConfig(config: ModelConfig): Record<string, unknown> {
  const shared = {
    vocab_size: config.vocabSize,
    tie_word_embeddings: config.tieEmbeddings,
    initializer_range: 0.02,
    bos_token_id: null,
    eos_token_id: null,
    torch_dtype: 'float32',
  };
  return config.style === 'gpt2' ? { ...gpt2Fields(config), ...shared } : { ...llamaFields(config), ...shared };
}

const gpt2Fields = (config: ModelConfig): Record<string, unknown> => ({
  model_type: 'gpt2',
  architectures: ['GPT2LMHeadModel'],
  n_layer: config.nLayer,
  n_head: config.nHead,
  n_embd: config.nEmbd,
  n_inner: config.nHidden === 4 * config.nEmbd ? null : config.nHidden,
  n_positions: config.blockSize,
  n_ctx: config.blockSize,
  activation_function: 'gelu_new',
  layer_norm_epsilon: config.normEps,
  resid_pdrop: config.dropout,
  embd_pdrop: config.dropout,
  attn_pdrop: 0,
  bias: config.bias,
});

const llamaFields = (config: ModelConfig): Record<string, unknown> => ({
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  hidden_size: config.nEmbd,
  intermediate_size: config.nHidden,
  num_hidden_layers: config.nLayer,
  num_attention_heads: config.nHead,
  num_key_value_heads: config.nKvHead,
  max_position_embeddings: config.blockSize,
  rms_norm_eps: config.normEps,
  rope_theta: config.ropeBase,
  hidden_act: 'silu',
  attention_bias: false,
  attention_dropout: 0,
  mlp_bias: false,
  resid_pdrop: config.dropout,
});

/**
 * The config that a parsed config.json describes; `fromHuggingFaceConfig(toHuggingFaceConfig(config))` is the config again
 * (in the gpt2 style with the usual ropeBase, which it does not use). Fields that concern only training elsewhere, such as
 * dropout of attention weights, are passed over.
 * @throws UserError that names the field: missing, of another type, too large, or asking for what this model does not have
 */
export function fromHuggingFaceConfig(json: unknown, fileName = 'config.json'): ModelConfig {
  const fields = new ConfigFields(json, fileName);
  const type = fields.get('model_type');
  if (type !== 'gpt2' && type !== 'llama') {
    const got = typeof type === 'string' ? `is "${type.slice(0, 60)}"` : 'is missing';
    throw new UserError(`${fileName}: model_type ${got}, but only gpt2 and llama models can be loaded; choose one.`);
  }
  const config = type === 'gpt2' ? readGpt2(fields) : readLlama(fields);
  checkHeads(config, fileName);
  return config;
}

function readGpt2(fields: ConfigFields): ModelConfig {
  fields.require('activation_function', ['gelu_new', 'gelu_pytorch_tanh']);
  fields.require('scale_attn_weights', [true]);
  fields.require('scale_attn_by_inverse_layer_idx', [false]);
  fields.require('add_cross_attention', [false]);
  const nEmbd = fields.count('n_embd', LARGEST.width);
  const nHead = fields.count('n_head', LARGEST.heads);
  return {
    style: 'gpt2',
    vocabSize: fields.count('vocab_size', LARGEST.vocabulary),
    blockSize: fields.count('n_positions', LARGEST.positions),
    nLayer: fields.count('n_layer', LARGEST.layers),
    nHead,
    nKvHead: nHead,
    nEmbd,
    nHidden: fields.count('n_inner', LARGEST.hidden, 4 * nEmbd),
    dropout: fields.number('resid_pdrop', 0, 0.99, 0.1),
    normEps: fields.number('layer_norm_epsilon', 0, 0.1, 1e-5),
    ropeBase: ROPE_BASE,
    tieEmbeddings: fields.flag('tie_word_embeddings', true),
    bias: fields.flag('bias', true),
  };
}

function readLlama(fields: ConfigFields): ModelConfig {
  fields.require('hidden_act', ['silu', 'swish']);
  fields.require('attention_bias', [false]);
  fields.require('mlp_bias', [false]);
  fields.require('rope_scaling', [null]);
  const nEmbd = fields.count('hidden_size', LARGEST.width);
  const nHead = fields.count('num_attention_heads', LARGEST.heads);
  fields.require('head_dim', [nEmbd / nHead]);
  return {
    style: 'llama',
    vocabSize: fields.count('vocab_size', LARGEST.vocabulary),
    blockSize: fields.count('max_position_embeddings', LARGEST.positions),
    nLayer: fields.count('num_hidden_layers', LARGEST.layers),
    nHead,
    nKvHead: fields.count('num_key_value_heads', LARGEST.heads, nHead),
    nEmbd,
    nHidden: fields.count('intermediate_size', LARGEST.hidden),
    dropout: fields.number('resid_pdrop', 0, 0.99, 0),
    normEps: fields.number('rms_norm_eps', 0, 0.1, 1e-6),
    ropeBase: readRopeBase(fields),
    tieEmbeddings: fields.flag('tie_word_embeddings', false),
    bias: false,
  };
}

/** transformers 5 keeps the base in an object of its own, beside the kind of scaling. */
function readRopeBase(fields: ConfigFields): number {
  const nested = fields.get('rope_parameters');
  if (nested === undefined) return fields.number('rope_theta', 1, 1e12, ROPE_BASE);
  const parameters = new ConfigFields(nested, 'rope_parameters in the config');
  parameters.require('rope_type', ['default']);
  return parameters.number('rope_theta', 1, 1e12, ROPE_BASE);
}

function checkHeads(config: ModelConfig, fileName: string): void {
  const problem = headsProblem(config);
  if (problem)
    throw new UserError(`${fileName}: ${problem}; this is not the config of a working model, choose another.`);
}

function headsProblem({ style, nHead, nKvHead, nEmbd }: ModelConfig): string | undefined {
  if (nEmbd % nHead !== 0) return `${nHead} heads do not divide the width ${nEmbd}`;
  if (nHead % nKvHead !== 0) return `${nKvHead} key and value heads do not divide the ${nHead} query heads`;
  if (style === 'llama' && (nEmbd / nHead) % 2 !== 0) return `heads of odd width ${nEmbd / nHead} cannot be rotated`;
  return undefined;
}
