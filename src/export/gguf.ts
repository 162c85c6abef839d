/**
 * A model as a GGUF file, the format of llama.cpp: header, metadata, a table of the tensors, their data.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (version 3). What the fields and tensors of an architecture
 * are called, and how they lie: gguf-py/gguf/constants.py and convert_hf_to_gguf.py of https://github.com/ggml-org/llama.cpp.
 */
import type { ModelConfig } from '../model/config.ts';
import { bytesOf, concat, utf8 } from './bytes.ts';
import type { NamedTensor } from './safetensors.ts';

/** A value of the metadata: numbers say their type. */
export type GgufValue = string | readonly string[] | { u32: number } | { f32: number };

/** Codes of the value types that are written here, and of tensors of f32. */
const TYPE = { u32: 4, f32: 6, text: 8, list: 9, f32Tensor: 0 };
const VERSION = 3;
/** The data of each tensor begins at a multiple of this. */
const ALIGNMENT = 32;

const u32 = (value: number): Uint8Array => bytesOf(Uint32Array.of(value));
const u64 = (value: number): Uint8Array => bytesOf(BigUint64Array.of(BigInt(value)));
const text = (value: string): Uint8Array => concat([u64(utf8(value).length), utf8(value)]);
const padding = (sizeBytes: number): Uint8Array => new Uint8Array((ALIGNMENT - (sizeBytes % ALIGNMENT)) % ALIGNMENT);

function typed(value: GgufValue): Uint8Array[] {
  if (typeof value === 'string') return [u32(TYPE.text), text(value)];
  if ('u32' in value) return [u32(TYPE.u32), u32(value.u32)];
  if ('f32' in value) return [u32(TYPE.f32), bytesOf(Float32Array.of(value.f32))];
  return [u32(TYPE.list), u32(TYPE.text), u64(value.length), ...value.map(text)];
}

function metadataOf(config: ModelConfig): Record<string, GgufValue> {
  const { style, nLayer, nHead, nKvHead, nEmbd, nHidden, blockSize, vocabSize, normEps, ropeBase } = config;
  const shared: Record<string, GgufValue> = {
    ...{ context_length: { u32: blockSize }, embedding_length: { u32: nEmbd }, block_count: { u32: nLayer } },
    ...{ feed_forward_length: { u32: nHidden }, 'attention.head_count': { u32: nHead } },
  };
  const llama: Record<string, GgufValue> = {
    ...{ vocab_size: { u32: vocabSize }, 'attention.head_count_kv': { u32: nKvHead } },
    ...{ 'rope.dimension_count': { u32: nEmbd / nHead }, 'rope.freq_base': { f32: ropeBase } },
    'attention.layer_norm_rms_epsilon': { f32: normEps },
  };
  const own = style === 'llama' ? llama : { 'attention.layer_norm_epsilon': { f32: normEps } };
  const fields = Object.entries({ ...shared, ...own }).map(([name, value]) => [`${style}.${name}`, value]);
  return { 'general.architecture': style, ...Object.fromEntries(fields) };
}

/** Hugging Face's names of layers, and GGUF's. */
const LAYERS: Readonly<Record<string, string>> = {
  ...{ wte: 'token_embd', wpe: 'position_embd', ln_f: 'output_norm', lm_head: 'output' },
  ...{ ln_1: 'attn_norm', 'attn.c_attn': 'attn_qkv', 'attn.c_proj': 'attn_output' },
  ...{ ln_2: 'ffn_norm', 'mlp.c_fc': 'ffn_up', 'mlp.c_proj': 'ffn_down' },
  ...{ embed_tokens: 'token_embd', norm: 'output_norm' },
  ...{ input_layernorm: 'attn_norm', 'self_attn.q_proj': 'attn_q', 'self_attn.k_proj': 'attn_k' },
  ...{ 'self_attn.v_proj': 'attn_v', 'self_attn.o_proj': 'attn_output', post_attention_layernorm: 'ffn_norm' },
  ...{ 'mlp.gate_proj': 'ffn_gate', 'mlp.up_proj': 'ffn_up', 'mlp.down_proj': 'ffn_down' },
};

/** "transformer.h.3.ln_1.weight" -> ["blk.3.attn_norm", "weight"] */
function nameOf(name: string): [layer: string, part: string] {
  const [, block, layer = '', part] =
    name.match(/^(?:transformer\.|model\.)?(?:(?:h|layers)\.(\d+)\.)?(.+)\.(weight|bias)$/) ?? [];
  if (!Object.hasOwn(LAYERS, layer)) throw new Error(`GGUF has no name for the tensor ${name}`);
  return [`${block === undefined ? '' : `blk.${block}.`}${LAYERS[layer]}`, part];
}

/** (in, out) -> (out, in) */
function transposed({ shape: [rows, columns], data }: NamedTensor): Omit<NamedTensor, 'name'> {
  const turned = Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
  return { shape: [columns, rows], data: turned };
}

/**
 * Hugging Face rotates element i of a head with i + D/2, llama.cpp neighbours: rows (H, 2, D/2) of the matrix become (H, D/2, 2).
 */
function interleaved({ shape, data }: NamedTensor, heads: number): Omit<NamedTensor, 'name'> {
  const [rows, columns] = shape;
  const D = rows / heads;
  const moved = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    const [head, i] = [Math.floor(row / D), row % D];
    const from = head * D + (i % 2) * (D / 2) + (i >> 1);
    moved.set(data.subarray(from * columns, (from + 1) * columns), row * columns);
  }
  return { shape, data: moved };
}

/** What becomes of a tensor. llama.cpp's GPT-2 has biases everywhere: where a model has none they are zeros. */
function convert({ style, bias, nHead, nKvHead }: ModelConfig, tensor: NamedTensor): NamedTensor[] {
  const [layer, part] = nameOf(tensor.name);
  const named = (content: Omit<NamedTensor, 'name'>): NamedTensor => ({ ...content, name: `${layer}.${part}` });
  if (/attn_[qk]$/.test(layer)) return [named(interleaved(tensor, layer.endsWith('q') ? nHead : nKvHead))];
  if (style === 'llama' || part === 'bias' || /_embd$|^output$/.test(layer)) return [named(tensor)];
  const { shape, data } = tensor.shape.length === 2 ? transposed(tensor) : tensor;
  const zeros = { name: `${layer}.bias`, shape: [shape[0]], data: new Float32Array(shape[0]) };
  return [named({ shape, data }), ...(bias ? [] : [zeros])];
}

/**
 * The file as pieces to be written one after another; `tensors` are a model's parameters by their Hugging Face names, f32.
 * `more` is further metadata: llama.cpp asks for a tokenizer (tokenizer.ggml.*).
 * @throws Error when a tensor is none of a model's
 */
export function encodeGguf(
  config: ModelConfig,
  tensors: Iterable<NamedTensor>,
  more: Readonly<Record<string, GgufValue>> = {},
): Uint8Array[] {
  const pairs = Object.entries({ ...metadataOf(config), ...more });
  const converted = [...tensors].flatMap((tensor) => convert(config, tensor));
  let offset = 0;
  const table = converted.flatMap(({ name, shape, data: { byteLength } }) => {
    const dims = [...shape].reverse(); // the fastest axis first
    const entry = [text(name), u32(dims.length), ...dims.map(u64), u32(TYPE.f32Tensor), u64(offset)];
    offset += byteLength + padding(byteLength).length;
    return entry;
  });
  const counts = [u32(VERSION), u64(converted.length), u64(pairs.length)];
  const metadata = pairs.flatMap(([key, value]) => [text(key), ...typed(value)]);
  const head = concat([utf8('GGUF'), ...counts, ...metadata, ...table]);
  return [head, padding(head.length), ...converted.flatMap(({ data }) => [bytesOf(data), padding(data.byteLength)])];
}
