/**
 * The model of a job as an ONNX file, written by hand: protocol buffers are tags, lengths and bytes.
 * Field numbers are those of onnx.proto3 (https://github.com/onnx/onnx), operators those of opset 20.
 * Dims: B batch, T time, C width, H heads, D head width, V vocabulary.
 */

const FLOAT = 1;
const INT64 = 7;
const OPSET = 20;
const IR_VERSION = 9;

const utf8 = new TextEncoder();

/** An unsigned number in groups of seven bits, the lowest first. */
function varint(value) {
  const bytes = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    const more = rest > 0x7fn;
    bytes.push(Number(rest & 0x7fn) | (more ? 0x80 : 0));
    if (!more) return Buffer.from(bytes);
  }
}

const whole = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const float = (field, value) => Buffer.concat([varint((field << 3) | 5), Buffer.from(Float32Array.of(value).buffer)]);

/** A field of bytes: a string, a message or raw numbers. */
function bytes(field, value) {
  const content = typeof value === 'string' ? utf8.encode(value) : value;
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
}

const message = (...fields) => Buffer.concat(fields.flat());

function tensor(name, dims, data) {
  const type = data instanceof Float32Array ? FLOAT : INT64;
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message(
    dims.map((n) => whole(1, n)),
    whole(2, type),
    bytes(8, name),
    bytes(9, raw),
  );
}

/** AttributeProto: field and type code by the kind of value. */
function attribute(name, value) {
  if (Array.isArray(value))
    return message(
      bytes(1, name),
      value.map((n) => whole(8, n)),
      whole(20, 7),
    );
  if (typeof value === 'string') return message(bytes(1, name), bytes(4, value), whole(20, 3));
  if (Number.isInteger(value)) return message(bytes(1, name), whole(3, value), whole(20, 2));
  return message(bytes(1, name), float(2, value), whole(20, 1));
}

function valueInfo(name, type, dims) {
  const shape = message(dims.map((n) => bytes(1, whole(1, n))));
  return message(bytes(1, name), bytes(2, bytes(1, message(whole(1, type), bytes(2, shape)))));
}

/** Collects nodes and constants; each method that adds a node returns the name of its (first) output. */
class Graph {
  nodes = [];
  constants = [];
  count = 0;

  add(type, inputs, attributes = {}, outputs = 1) {
    const names = Array.from({ length: outputs }, () => `x${this.count++}`);
    this.nodes.push(
      message(
        inputs.map((name) => bytes(1, name)),
        names.map((name) => bytes(2, name)),
        bytes(4, type),
        Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
      ),
    );
    return outputs === 1 ? names[0] : names;
  }

  constant(dims, data) {
    const name = `c${this.count++}`;
    this.constants.push(tensor(name, dims, data));
    return name;
  }

  ints = (...values) => this.constant([values.length], BigInt64Array.from(values, BigInt));

  /** The file: input and output are [name, type, dims]. */
  file(inputs, output) {
    const graph = message(
      this.nodes.map((node) => bytes(1, node)),
      bytes(2, 'peer'),
      this.constants.map((constant) => bytes(5, constant)),
      inputs.map((input) => bytes(11, valueInfo(...input))),
      bytes(12, valueInfo(...output)),
    );
    return message(whole(1, IR_VERSION), bytes(7, graph), bytes(8, message(bytes(1, ''), whole(2, OPSET))));
  }
}

/** ids (B, T) int64 -> logits (B, T, V) as `weights` (see readWeights) have it. */
export function modelFile(weights, { nLayer, nHead, nEmbd: C, batchSize: B, blockSize: T, vocabSize: V }) {
  const graph = new Graph();
  const w = Object.fromEntries(
    weights.map(({ name, shape, data }) => [
      name.replace(/^transformer\.|\.weight$/g, ''),
      graph.constant([...shape], data),
    ]),
  );
  const norm = (x, name) => graph.add('LayerNormalization', [x, w[name]], { axis: -1, epsilon: 1e-5 });
  const linear = (x, name) => graph.add('MatMul', [x, w[name]]);
  const D = C / nHead;
  const scale = graph.constant([], Float32Array.of(1 / Math.sqrt(D)));
  const mask = graph.constant(
    [T, T],
    Float32Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? -1e30 : 0)),
  );
  const [heads, merged, thirds] = [graph.ints(B, T, nHead, D), graph.ints(B, T, C), graph.ints(C, C, C)];
  const attend = (qkv) => {
    const parts = graph.add('Split', [qkv, thirds], { axis: 2 }, 3); // (B, T, C) each
    const [q, k, v] = parts.map((part, i) =>
      graph.add('Transpose', [graph.add('Reshape', [part, heads])], { perm: i === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3] }),
    ); // (B, H, T, D), keys (B, H, D, T)
    const scores = graph.add('Mul', [graph.add('MatMul', [q, k]), scale]); // (B, H, T, T)
    const shares = graph.add('Softmax', [graph.add('Add', [scores, mask])], { axis: -1 });
    const y = graph.add('Transpose', [graph.add('MatMul', [shares, v])], { perm: [0, 2, 1, 3] }); // (B, T, H, D)
    return graph.add('Reshape', [y, merged]); // (B, T, C)
  };
  let x = graph.add('Add', [graph.add('Gather', [w.wte, 'ids']), w.wpe]); // (B, T, C)
  for (let layer = 0; layer < nLayer; layer++) {
    const h = `h.${layer}`;
    const attended = linear(attend(linear(norm(x, `${h}.ln_1`), `${h}.attn.c_attn`)), `${h}.attn.c_proj`);
    x = graph.add('Add', [x, attended]);
    const up = graph.add('Gelu', [linear(norm(x, `${h}.ln_2`), `${h}.mlp.c_fc`)], { approximate: 'tanh' }); // (B, T, 4 C)
    x = graph.add('Add', [x, linear(up, `${h}.mlp.c_proj`)]);
  }
  const logits = graph.add('MatMul', [norm(x, 'ln_f'), graph.add('Transpose', [w.wte], { perm: [1, 0] })]);
  return graph.file([['ids', INT64, [B, T]]], [logits, FLOAT, [B, T, V]]);
}

/** a, b (n, n) -> their product. */
export function matmulFile(n) {
  const graph = new Graph();
  const c = graph.add('MatMul', ['a', 'b']);
  return graph.file(
    ['a', 'b'].map((name) => [name, FLOAT, [n, n]]),
    [c, FLOAT, [n, n]],
  );
}
