import { expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { fromHuggingFaceConfig, toHuggingFaceConfig } from '../../src/export/huggingFace.ts';
import type { ModelConfig } from '../../src/model/config.ts';

const gpt2: ModelConfig = {
  style: 'gpt2',
  vocabSize: 65,
  blockSize: 64,
  nLayer: 4,
  nHead: 4,
  nKvHead: 4,
  nEmbd: 128,
  nHidden: 512,
  dropout: 0.2,
  normEps: 1e-5,
  ropeBase: 10_000,
  tieEmbeddings: true,
  bias: true,
};

const llama: ModelConfig = {
  ...gpt2,
  style: 'llama',
  nKvHead: 2,
  nHidden: 344,
  normEps: 1e-6,
  ropeBase: 500_000,
  tieEmbeddings: false,
  bias: false,
};

/** Fields of the config.json that openai-community/gpt2 publishes. */
const PUBLISHED_GPT2 = {
  activation_function: 'gelu_new',
  architectures: ['GPT2LMHeadModel'],
  attn_pdrop: 0.1,
  bos_token_id: 50256,
  embd_pdrop: 0.1,
  eos_token_id: 50256,
  initializer_range: 0.02,
  layer_norm_epsilon: 1e-5,
  model_type: 'gpt2',
  n_ctx: 1024,
  n_embd: 768,
  n_head: 12,
  n_layer: 12,
  n_positions: 1024,
  resid_pdrop: 0.1,
  summary_activation: null,
  task_specific_params: { 'text-generation': { do_sample: true, max_length: 50 } },
  vocab_size: 50257,
};

it.each<[string, ModelConfig]>([
  ['gpt2', gpt2],
  ['gpt2 without biases, untied, with a narrow MLP', { ...gpt2, bias: false, tieEmbeddings: false, nHidden: 300 }],
  ['llama', llama],
  ['llama with all its heads, tied', { ...llama, nKvHead: 4, tieEmbeddings: true }],
])('comes back as it went: %s', (_, config) => {
  expect(fromHuggingFaceConfig(JSON.parse(JSON.stringify(toHuggingFaceConfig(config))))).toEqual(config);
});

it('reads the published GPT-2', () => {
  const { nLayer, nHead, nEmbd, nHidden, blockSize, vocabSize, tieEmbeddings, bias } =
    fromHuggingFaceConfig(PUBLISHED_GPT2);
  expect([nLayer, nHead, nEmbd, nHidden, blockSize, vocabSize]).toEqual([12, 12, 768, 3072, 1024, 50257]);
  expect([tieEmbeddings, bias]).toEqual([true, true]);
});

it('reads an old Llama, which leaves out what came later, and a new one', () => {
  const { num_key_value_heads, rope_theta, attention_bias, mlp_bias, ...old } = toHuggingFaceConfig(llama);
  expect(fromHuggingFaceConfig(old)).toEqual({ ...llama, nKvHead: 4, ropeBase: 10_000 });
  const recent = { ...old, num_key_value_heads, rope_parameters: { rope_theta, rope_type: 'default' }, head_dim: 32 };
  expect(fromHuggingFaceConfig(recent)).toEqual(llama);
});

it('writes what Hugging Face asks for', () => {
  expect(toHuggingFaceConfig(gpt2)).toMatchObject({ model_type: 'gpt2', n_ctx: 64, n_inner: null, attn_pdrop: 0 });
  expect(toHuggingFaceConfig(llama)).toMatchObject({
    architectures: ['LlamaForCausalLM'],
    hidden_act: 'silu',
    num_key_value_heads: 2,
    rope_theta: 500_000,
    torch_dtype: 'float32',
    eos_token_id: null,
  });
});

it('a style that transformers does not have is written under our names, and read back', () => {
  const json = toHuggingFaceConfig({ ...llama, style: 'parallel' });
  expect(json.model_type).toBe('dawnlm');
  expect(() => fromHuggingFaceConfig(json)).toThrow('style must be one of gpt2, llama; got "parallel"');
  expect(fromHuggingFaceConfig({ ...json, style: 'llama' })).toEqual(llama);
});

const broken = (change: object, base: ModelConfig = gpt2): unknown => ({ ...toHuggingFaceConfig(base), ...change });

it.each<[string, unknown, string]>([
  ['an array', [], 'it must be an object; got []'],
  ['null', null, 'it must be an object; got null'],
  ['no model type', {}, 'model_type must be "gpt2" or "llama" or "dawnlm"; it is missing'],
  ['another model', { model_type: 'bert' }, 'model_type must be "gpt2" or "llama" or "dawnlm"; got "bert"'],
  ['a missing field', broken({ n_layer: undefined }), 'n_layer must be a whole number from 1 to 1,024; it is missing'],
  ['a fraction', broken({ n_embd: 12.5 }), 'n_embd must be a whole number from 1 to 131,072; got 12.5'],
  ['a number as text', broken({ n_head: '4' }), 'n_head must be a whole number from 1 to 1,024; got "4"'],
  [
    'an inherited field',
    broken({ n_head: undefined, constructor: 3 }),
    'n_head must be a whole number from 1 to 1,024; it is missing',
  ],
  ['a negative size', broken({ vocab_size: -1 }), 'vocab_size must be a whole number from 1 to 2,097,152; got -1'],
  [
    'an absurd size',
    broken({ n_positions: 1e15 }),
    'n_positions must be a whole number from 1 to 16,777,216; got 1000000000000000',
  ],
  [
    'an absurd MLP',
    broken({ intermediate_size: 1e9 }, llama),
    'intermediate_size must be a whole number from 1 to 1,048,576; got 1000000000',
  ],
  ['heads that do not divide', broken({ n_head: 5 }), '5 heads cannot share a width of 128'],
  [
    'shared heads that do not divide',
    broken({ num_key_value_heads: 3 }, llama),
    'nKvHead must divide nHead: 3 does not divide 4',
  ],
  [
    'heads of odd width',
    broken({ hidden_size: 12 }, llama),
    'rotary positions need an even head width, got 12 / 4 = 3',
  ],
  ['heads of another width', broken({ head_dim: 64 }, llama), 'head_dim must be hidden_size / num_attention_heads'],
  [
    'another activation',
    broken({ activation_function: 'relu' }),
    'activation_function must be one of gelu_new, gelu_pytorch_tanh; got "relu"',
  ],
  ['another gate', broken({ hidden_act: 'gelu' }, llama), 'hidden_act must be one of silu, swish; got "gelu"'],
  ['biases in Llama', broken({ attention_bias: true }, llama), 'attention_bias must be false; got true'],
  [
    'scaled positions',
    broken({ rope_scaling: { factor: 8 } }, llama),
    'rope_scaling is not computed here; got {"factor":8}',
  ],
  [
    'scaled positions, new',
    broken({ rope_parameters: { rope_type: 'yarn' } }, llama),
    'rope_parameters.rope_type must be "default"; got "yarn"',
  ],
  ['a dropout of all', broken({ resid_pdrop: 1 }), 'resid_pdrop must be a number from 0 to 0.99; got 1'],
  [
    'a flag that is none',
    broken({ tie_word_embeddings: 'yes' }),
    'tie_word_embeddings must be true or false; got "yes"',
  ],
])('refuses %s', (_, json, reason) => {
  expect(() => fromHuggingFaceConfig(json)).toThrow(UserError);
  expect(() => fromHuggingFaceConfig(json)).toThrow(reason);
});
