import { describe, expect, it } from 'vitest';
import { encodeGguf } from '../../src/export/gguf.ts';
import { ggufTokenizer } from '../../src/export/ggufTokenizer.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { ByteTokenizer } from '../../src/text/tokenizers/byteTokenizer.ts';
import { marksOf } from '../../src/text/windows/fillInMiddle.ts';
import { GPT2, LLAMA, weightsOf } from './exported.ts';

interface Entry {
  dims: number[];
  type: number;
  at: number;
}

/** Reads a file after the format's description, front to back. */
function read(pieces: readonly Uint8Array[]) {
  const file = Buffer.concat(pieces);
  let at = 0;
  const u32 = () => file.readUInt32LE((at += 4) - 4);
  const u64 = () => Number(file.readBigUInt64LE((at += 8) - 8));
  const text = () => {
    const length = u64();
    return file.toString('utf8', at, (at += length));
  };
  const value = (type: number): unknown => {
    if (type === 4) return u32();
    if (type === 6) return file.readFloatLE((at += 4) - 4);
    if (type === 8) return text();
    expect(type).toBe(9);
    const element = u32();
    return Array.from({ length: u64() }, () => value(element));
  };
  expect(file.toString('latin1', 0, (at = 4))).toBe('GGUF');
  expect(u32()).toBe(3);
  const [tensors, pairs] = [u64(), u64()];
  const metadata = new Map(Array.from({ length: pairs }, () => [text(), value(u32())] as const));
  const entry = (): Entry => ({ dims: Array.from({ length: u32() }, u64), type: u32(), at: u64() });
  const table = new Map(Array.from({ length: tensors }, () => [text(), entry()] as const));
  const start = Math.ceil(at / 32) * 32;
  const numbers = (name: string): number[] => {
    const { dims, at: offset } = table.get(name)!;
    const size = dims.reduce((product, axis) => product * axis, 1);
    return Array.from({ length: size }, (_, i) => file.readFloatLE(start + offset + 4 * i));
  };
  return { file, metadata, table, start, numbers };
}

const encoded = (config: ModelConfig, more = {}) => {
  const weights = weightsOf(config);
  return {
    ...read(encodeGguf(config, weights, more)),
    weights: new Map(weights.map(({ name, data }) => [name, data])),
  };
};

describe.each([GPT2, LLAMA])('a file of the $style style', (config) => {
  it('has its tensors one after another, at multiples of 32 bytes, to its end', () => {
    const { file, table, start } = encoded(config);
    let end = 0;
    for (const { dims, type, at } of table.values()) {
      expect(type).toBe(0); // f32
      expect(at).toBe(Math.ceil(end / 32) * 32);
      end = at + 4 * dims.reduce((product, axis) => product * axis, 1);
    }
    expect(file.length).toBe(start + Math.ceil(end / 32) * 32);
    for (const name of table.keys())
      expect(name).toMatch(/^(token_embd|position_embd|output|output_norm|blk\.[01]\.\w+)\.(weight|bias)$/);
  });

  it('tells its sizes', () => {
    const { metadata } = encoded(config, { 'tokenizer.ggml.tokens': ['a', 'ü'], 'general.name': 'mine' });
    expect(metadata.get('general.architecture')).toBe(config.style);
    expect(metadata.get('general.name')).toBe('mine');
    expect(metadata.get('tokenizer.ggml.tokens')).toEqual(['a', 'ü']);
    const sizes = ['context_length', 'embedding_length', 'block_count', 'feed_forward_length', 'attention.head_count'];
    expect(sizes.map((size) => metadata.get(`${config.style}.${size}`))).toEqual([8, 8, 2, 12, 2]);
  });
});

it('GPT-2: matrices become (out, in), embeddings stay, missing biases are zeros', () => {
  const { metadata, table, numbers, weights } = encoded(GPT2);
  expect(metadata.get('gpt2.attention.layer_norm_epsilon')).toBeCloseTo(1e-5);
  expect(table.get('blk.1.attn_qkv.weight')!.dims).toEqual([8, 24]); // the fastest axis first
  const matrix = weights.get('transformer.h.1.attn.c_attn.weight')!; // (8, 24)
  expect(numbers('blk.1.attn_qkv.weight')).toEqual(
    Array.from({ length: 8 * 24 }, (_, i) => matrix[(i % 8) * 24 + Math.floor(i / 8)]),
  );
  expect(numbers('token_embd.weight')).toEqual([...weights.get('transformer.wte.weight')!]);
  expect(numbers('blk.0.ffn_up.bias')).toEqual(Array(12).fill(0));
  expect(table.has('output.weight')).toBe(false);
  const own = encoded({ ...GPT2, bias: true, tieEmbeddings: false });
  expect(own.numbers('blk.0.ffn_up.bias')).toEqual([...own.weights.get('transformer.h.0.mlp.c_fc.bias')!]);
  expect(own.numbers('output.weight')).toEqual([...own.weights.get('lm_head.weight')!]);
  expect([...own.table.keys()].sort()).toEqual([...table.keys(), 'output.weight'].sort());
});

it('Llama: pairs that are rotated together become neighbours in queries and keys', () => {
  const { metadata, numbers, weights } = encoded(LLAMA);
  const own = ['attention.head_count_kv', 'rope.dimension_count', 'rope.freq_base', 'vocab_size'];
  expect(own.map((name) => metadata.get(`llama.${name}`))).toEqual([1, 4, 5000, 11]);
  const rows = (data: ArrayLike<number>, order: readonly number[]) =>
    order.flatMap((row) => Array.from(data).slice(8 * row, 8 * row + 8));
  const [q, k] = ['q', 'k'].map((part) => weights.get(`model.layers.1.self_attn.${part}_proj.weight`)!);
  expect(numbers('blk.1.attn_q.weight')).toEqual(rows(q, [0, 2, 1, 3, 4, 6, 5, 7])); // two heads of four rows
  expect(numbers('blk.1.attn_k.weight')).toEqual(rows(k, [0, 2, 1, 3])); // one
  expect(numbers('blk.0.ffn_gate.weight')).toEqual([...weights.get('model.layers.0.mlp.gate_proj.weight')!]);
});

it('refuses tensors that no model has', () => {
  const stray = { name: 'transformer.h.0.attn.constructor.weight', shape: [1], data: new Float32Array(1) };
  expect(() => encodeGguf(GPT2, [stray])).toThrow(
    'GGUF has no name for the tensor transformer.h.0.attn.constructor.weight',
  );
});

it('tells llama.cpp of the marks of a model that fills holes, the last of which ends its texts', () => {
  const tokenizer = new ByteTokenizer();
  const marked = ggufTokenizer(tokenizer.toJSON(), marksOf(tokenizer));
  const ids = { fim_pre: 1, fim_suf: 2, fim_mid: 3, eot: 4 };
  for (const [name, u32] of Object.entries(ids)) expect(marked[`tokenizer.ggml.${name}_token_id`]).toEqual({ u32 });
  const plain = Object.keys(ggufTokenizer(tokenizer.toJSON()));
  expect(Object.keys(marked).filter((key) => !plain.includes(key))).toHaveLength(4);
});
