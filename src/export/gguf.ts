/**
 * A model as a GGUF file, the format of llama.cpp: header, metadata, a table of the tensors, their data.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (version 3). What the fields and tensors of an architecture
 * are called, and how they lie: gguf-py/gguf/constants.py and convert_hf_to_gguf.py of https://github.com/ggml-org/llama.cpp.
 */
import type { ModelConfig } from '../model/config.ts';
import { toF16 } from '../tensor/operands/float16.ts';
import { bytesOf, concat, utf8 } from './bytes.ts';
import { knownStyle } from './knownStyle.ts';
import type { NamedTensor } from './safetensors.ts';

/** A value of the metadata: numbers say their type. */
export type GgufValue =
  | string
  | boolean
  | readonly string[]
  | { u32: number }
  | { f32: number }
  | { i32s: readonly number[] };

/** How matrices are written: what general.file_type and ggml call them. Vectors and positions stay f32, as llama.cpp has them. */
const WEIGHTS = {
  f32: { fileType: 0, code: 0 },
  f16: { fileType: 1, code: 1 },
  q8_0: { fileType: 7, code: 8 },
} as const;
export type GgufType = keyof typeof WEIGHTS;

/** Codes of the value types that are written here. */
const TYPE = { u32: 4, i32: 5, f32: 6, boolean: 7, text: 8, list: 9 };
const VERSION = 3;
/** The data of each tensor begins at a multiple of this. */
const ALIGNMENT = 32;

const u32 = (value: number): Uint8Array => bytesOf(Uint32Array.of(value));
const u64 = (value: number): Uint8Array => bytesOf(BigUint64Array.of(BigInt(value)));
const text = (value: string): Uint8Array => concat([u64(utf8(value).length), utf8(value)]);
const padding = (sizeBytes: number): Uint8Array => new Uint8Array((ALIGNMENT - (sizeBytes % ALIGNMENT)) % ALIGNMENT);

function typed(value: GgufValue): Uint8Array[] {
  if (typeof value === 'string') return [u32(TYPE.text), text(value)];
  if (typeof value === 'boolean') return [u32(TYPE.boolean), Uint8Array.of(Number(value))];
  if ('u32' in value) return [u32(TYPE.u32), u32(value.u32)];
  if ('f32' in value) return [u32(TYPE.f32), bytesOf(Float32Array.of(value.f32))];
  if ('i32s' in value) {
    const { i32s } = value;
    return [u32(TYPE.list), u32(TYPE.i32), u64(i32s.length), bytesOf(Int32Array.from(i32s))];
  }
  return [u32(TYPE.list), u32(TYPE.text), u64(value.length), ...value.map(text)];
}

/** What only one of the architectures has. */
const OWN_METADATA: Readonly<Record<string, (config: ModelConfig) => Record<string, GgufValue>>> = {
  gpt2: ({ normEps }) => ({ 'attention.layer_norm_epsilon': { f32: normEps } }),
  llama: ({ vocabSize, nKvHead, nEmbd, nHead, ropeBase, normEps }) => ({
    ...{ vocab_size: { u32: vocabSize }, 'attention.head_count_kv': { u32: nKvHead } },
    ...{ 'rope.dimension_count': { u32: nEmbd / nHead }, 'rope.freq_base': { f32: ropeBase } },
    'attention.layer_norm_rms_epsilon': { f32: normEps },
  }),
};

/** @throws UserError for an architecture that is not known here */
function metadataOf(config: ModelConfig): Record<string, GgufValue> {
  const { style, nLayer, nHead, nEmbd, nHidden, blockSize } = config;
  const own = knownStyle(OWN_METADATA, config, 'gguf')(config);
  const shared: Record<string, GgufValue> = {
    ...{ context_length: { u32: blockSize }, embedding_length: { u32: nEmbd }, block_count: { u32: nLayer } },
    ...{ feed_forward_length: { u32: nHidden }, 'attention.head_count': { u32: nHead } },
  };
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

/** Numbers that share a scale in Q8_0. */
const BLOCK = 32;

/**
 * A tensor's bytes. Rows that do not divide into blocks are written as f16, which every program takes in their place; so are those
 * of one block, with which llama.cpp (of November 2026) computes something else.
 */
function encodeTensor({ name, shape, data }: NamedTensor, type: GgufType): { code: number; bytes: Uint8Array } {
  const own = shape.length < 2 || name.startsWith('position_embd') ? 'f32' : type;
  if (own === 'f32') return { code: WEIGHTS.f32.code, bytes: bytesOf(data) };
  if (own === 'q8_0' && shape[1] % BLOCK === 0 && shape[1] > BLOCK)
    return { code: WEIGHTS.q8_0.code, bytes: quantized(data) };
  return { code: WEIGHTS.f16.code, bytes: bytesOf(Uint16Array.from(data, toF16)) };
}

/** Q8_0: of each block the scale, the largest magnitude over 127, as f16, then 32 whole numbers. */
function quantized(data: Float32Array): Uint8Array {
  const bytes = new Uint8Array((data.length / BLOCK) * (BLOCK + 2));
  const view = new DataView(bytes.buffer);
  for (let i = 0, at = 0; i < data.length; i += BLOCK, at += BLOCK + 2) {
    const block = data.subarray(i, i + BLOCK);
    const scale = block.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
    view.setUint16(at, toF16(scale), true);
    block.forEach((value, j) => {
      view.setInt8(at + 2 + j, scale === 0 ? 0 : Math.round(value / scale));
    });
  }
  return bytes;
}

/**
 * The file as pieces to be written one after another; `tensors` are a model's parameters by their Hugging Face names, f32.
 * `more` is further metadata: llama.cpp asks for a tokenizer (tokenizer.ggml.*).
 * @throws Error when a tensor is none of a model's, UserError for a style of model that llama.cpp has otherwise or not
 */
export function encodeGguf(
  config: ModelConfig,
  tensors: Iterable<NamedTensor>,
  more: Readonly<Record<string, GgufValue>> = {},
  type: GgufType = 'f32',
): Uint8Array[] {
  const fileType = { 'general.file_type': { u32: WEIGHTS[type].fileType } };
  const pairs = Object.entries({ ...metadataOf(config), ...fileType, ...more });
  const converted = [...tensors].flatMap((tensor) => convert(config, tensor));
  const written = converted.map((tensor) => encodeTensor(tensor, type));
  let offset = 0;
  const table = converted.flatMap(({ name, shape }, i) => {
    const dims = [...shape].reverse(); // the fastest axis first
    const entry = [text(name), u32(dims.length), ...dims.map(u64), u32(written[i].code), u64(offset)];
    const { length } = written[i].bytes;
    offset += length + padding(length).length;
    return entry;
  });
  const counts = [u32(VERSION), u64(converted.length), u64(pairs.length)];
  const metadata = pairs.flatMap(([key, value]) => [text(key), ...typed(value)]);
  const head = concat([utf8('GGUF'), ...counts, ...metadata, ...table]);
  return [head, padding(head.length), ...written.flatMap(({ bytes }) => [bytes, padding(bytes.length)])];
}
