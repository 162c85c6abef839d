/**
 * The model of a job as a GGUF file of GPT-2's architecture, for llama.cpp: header, metadata, tensor table, data.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (version 3). Tensors are f32; biases, which llama.cpp
 * asks for, are zeros; matrices are turned to (out, in). The vocabulary is made up: nothing is tokenized.
 */
const TYPES = { u32: 4, f32: 6, text: 8, list: 9 };
const ALIGNMENT = 32;
const utf8 = new TextEncoder();

const u32 = (value) => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const text = (value) => {
  const content = utf8.encode(value);
  return Buffer.concat([u64(content.length), content]);
};

const number = (key, value) => Buffer.concat([text(key), u32(TYPES.u32), u32(value)]);
const real = (key, value) => Buffer.concat([text(key), u32(TYPES.f32), Buffer.from(Float32Array.of(value).buffer)]);
const word = (key, value) => Buffer.concat([text(key), u32(TYPES.text), text(value)]);
const words = (key, values) =>
  Buffer.concat([text(key), u32(TYPES.list), u32(TYPES.text), u64(values.length), ...values.map(text)]);

function metadata({ nLayer, nHead, nEmbd, blockSize, vocabSize }) {
  const tokens = Array.from({ length: vocabSize }, (_, i) => String.fromCodePoint(33 + i));
  return [
    word('general.architecture', 'gpt2'),
    word('general.name', 'peer'),
    number('gpt2.context_length', blockSize),
    number('gpt2.embedding_length', nEmbd),
    number('gpt2.feed_forward_length', 4 * nEmbd),
    number('gpt2.block_count', nLayer),
    number('gpt2.attention.head_count', nHead),
    real('gpt2.attention.layer_norm_epsilon', 1e-5),
    word('tokenizer.ggml.model', 'gpt2'),
    word('tokenizer.ggml.pre', 'gpt-2'),
    words('tokenizer.ggml.tokens', tokens),
    words('tokenizer.ggml.merges', [`${tokens[0]} ${tokens[1]}`]),
  ];
}

/** Names of a block's tensors and of the rest, ours and theirs. */
const NAMES = [
  [/^transformer\.wte\./, 'token_embd.'],
  [/^transformer\.wpe\./, 'position_embd.'],
  [/^transformer\.ln_f\./, 'output_norm.'],
  [/^transformer\.h\.(\d+)\./, 'blk.$1.'],
  [/ln_1\./, 'attn_norm.'],
  [/ln_2\./, 'ffn_norm.'],
  [/attn\.c_attn\./, 'attn_qkv.'],
  [/attn\.c_proj\./, 'attn_output.'],
  [/mlp\.c_fc\./, 'ffn_up.'],
  [/mlp\.c_proj\./, 'ffn_down.'],
];
const rename = (name) => NAMES.reduce((result, [ours, theirs]) => result.replace(ours, theirs), name);

/** (in, out) -> (out, in) */
function transpose({ shape: [rows, columns], data }) {
  const turned = Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
  return { shape: [columns, rows], data: turned };
}

/** The tensors that a weight becomes: itself, and the zeros of a bias where llama.cpp expects one. */
function tensorsOf(weight) {
  const name = rename(weight.name);
  if (/_embd\./.test(name)) return [{ name, shape: weight.shape, data: weight.data }];
  const { shape, data } = weight.shape.length === 2 ? transpose(weight) : weight;
  const bias = { name: name.replace(/weight$/, 'bias'), shape: [shape[0]], data: new Float32Array(shape[0]) };
  return [{ name, shape, data }, bias];
}

const padding = (size) => Buffer.alloc((ALIGNMENT - (size % ALIGNMENT)) % ALIGNMENT);

/** The file's bytes. `weights` as readWeights gives them. */
export function ggufFile(weights, sizes) {
  const pairs = metadata(sizes);
  const tensors = weights.flatMap(tensorsOf);
  let offset = 0;
  const table = tensors.map(({ name, shape, data }) => {
    const dims = [...shape].reverse(); // the fastest axis first
    const row = [text(name), u32(dims.length), ...dims.map(u64), u32(0), u64(offset)]; // 0: f32
    offset += data.byteLength + padding(data.byteLength).length;
    return Buffer.concat(row);
  });
  const head = Buffer.concat([utf8.encode('GGUF'), u32(3), u64(tensors.length), u64(pairs.length), ...pairs, ...table]);
  const body = tensors.flatMap(({ data }) => [
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    padding(data.byteLength),
  ]);
  return Buffer.concat([head, padding(head.length), ...body]);
}
