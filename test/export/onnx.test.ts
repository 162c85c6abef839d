import { describe, expect, it } from 'vitest';
import { encodeOnnx } from '../../src/export/onnx.ts';
import { FLOAT, OnnxGraph } from '../../src/export/onnxGraph.ts';
import { GPT2, LLAMA, weightsOf } from './exported.ts';

type Fields = Map<number, (bigint | Uint8Array)[]>;

/** The fields of a message by their numbers, in order: varints as numbers, everything else as bytes. */
function decode(bytes: Uint8Array): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): bigint => {
    let [value, shift] = [0n, 0n];
    for (; ; shift += 7n) {
      const byte = BigInt(bytes[at++]);
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) return value;
    }
  };
  const take = (length: number) => bytes.subarray(at, (at += length));
  while (at < bytes.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    const value = wire === 0 ? varint() : take(wire === 5 ? 4 : Number(varint()));
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  expect(at).toBe(bytes.length);
  return fields;
}

const parts = (fields: Fields, field: number) => (fields.get(field) ?? []) as Uint8Array[];
const texts = (fields: Fields, field: number) => parts(fields, field).map((bytes) => Buffer.from(bytes).toString());
const numbers = (fields: Fields, field: number) =>
  (fields.get(field) ?? []).map((value) => Number(BigInt.asIntN(64, value as bigint)));

/** Name, type and shape of a graph's input or output. */
function describedValue(bytes: Uint8Array) {
  const fields = decode(bytes);
  const tensor = decode(parts(decode(parts(fields, 2)[0]), 1)[0]);
  const dims = parts(decode(parts(tensor, 2)[0]), 1).map(
    (dim) => texts(decode(dim), 2)[0] ?? numbers(decode(dim), 1)[0],
  );
  return { name: texts(fields, 1)[0], type: numbers(tensor, 1)[0], dims };
}

function read(file: Uint8Array) {
  const model = decode(file);
  expect(numbers(model, 1)).toEqual([9]); // IR version
  expect(numbers(decode(parts(model, 8)[0]), 2)).toEqual([20]); // opset
  const graph = decode(parts(model, 7)[0]);
  const nodes = parts(graph, 1)
    .map(decode)
    .map((node) => ({
      inputs: texts(node, 1),
      outputs: texts(node, 2),
      type: texts(node, 4)[0],
      attributes: parts(node, 5).map(decode),
    }));
  const constants = parts(graph, 5)
    .map(decode)
    .map((one) => ({ name: texts(one, 8)[0], dims: numbers(one, 1), type: numbers(one, 2)[0], raw: parts(one, 9)[0] }));
  return {
    name: texts(graph, 2)[0],
    nodes,
    constants,
    inputs: parts(graph, 11).map(describedValue),
    outputs: parts(graph, 12).map(describedValue),
  };
}

describe.each([GPT2, { ...GPT2, bias: true, tieEmbeddings: false }, LLAMA])('a graph of the $style style', (config) => {
  const weights = weightsOf(config);
  const { nodes, constants, inputs, outputs } = read(encodeOnnx(config, weights));

  it('takes ids and gives logits', () => {
    expect(inputs).toEqual([
      { name: 'input_ids', type: 7, dims: ['batch', 'time'] },
      { name: 'attention_mask', type: 7, dims: ['batch', 'total'] },
    ]);
    expect(outputs).toEqual([{ name: 'logits', type: 1, dims: ['batch', 'time', 11] }]);
  });

  it('knows what a node reads before it, and reads all that it knows', () => {
    const known = new Set([...inputs.map(({ name }) => name), ...constants.map(({ name }) => name)]);
    const read = new Set(outputs.map(({ name }) => name));
    for (const { inputs, outputs, type } of nodes) {
      for (const name of inputs) expect(known, `${type} reads ${name}`).toContain(name);
      for (const name of inputs) read.add(name);
      for (const name of outputs) {
        expect(known).not.toContain(name);
        known.add(name);
      }
    }
    expect([...known].filter((name) => !read.has(name))).toEqual([]);
  });

  it('holds every weight as it is, and constants whose bytes fit their shapes', () => {
    const held = new Set(constants.map(({ dims, raw }) => `${dims} ${Buffer.from(raw).toString('base64')}`));
    for (const { shape, data } of weights) {
      expect(held).toContain(`${shape} ${Buffer.from(data.buffer).toString('base64')}`);
    }
    for (const { dims, type, raw } of constants) {
      expect(raw.length).toBe((type === 7 ? 8 : 4) * dims.reduce((product, axis) => product * axis, 1));
    }
  });
});

describe.each([GPT2, LLAMA])('a graph of the $style style in 8 bits', (config) => {
  const weights = weightsOf(config);
  const { nodes, constants } = read(encodeOnnx(config, weights, { quantized: true }));

  it('holds matrices as whole numbers from 1 to 255, each once, that are within half a step of what they stand for', () => {
    const matrices = constants.filter(({ type, dims }) => type === 2 && dims.length === 2);
    const floats = constants.filter(({ type }) => type === 1);
    expect(matrices).toHaveLength(weights.filter(({ shape }) => shape.length === 2).length);
    for (const { dims, raw } of matrices) {
      const ours = weights.find(({ shape, data }) => `${shape}` === `${dims}` && near(data, raw));
      expect(ours, `a matrix (${dims})`).toBeDefined();
      expect(Math.min(...raw)).toBeGreaterThan(0);
    }
    expect(floats.filter(({ dims }) => dims.length === 2)).toEqual([]);
  });

  it('multiplies them as whole numbers', () => {
    const types = nodes.map(({ type }) => type);
    const count = (type: string) => types.filter((one) => one === type).length;
    const products = config.style === 'gpt2' ? 2 * 4 + 1 : 2 * 7 + 1;
    expect([count('MatMulInteger'), count('DynamicQuantizeLinear')]).toEqual([products, products]);
    expect(count('MatMul')).toBe(2 * 2); // of attention
  });
});

/** Whether bytes go up and down as numbers do: they are of one matrix, whatever its scales. */
const near = (data: Float32Array, bytes: Uint8Array): boolean =>
  data.every((value, i) => Math.sign(value) * (bytes[i] - 128) >= 0 && (Math.abs(value) < 0.2 || bytes[i] !== 128));

const typesOf = (config: typeof GPT2) => {
  const types = read(encodeOnnx(config, weightsOf(config))).nodes.map(({ type }) => type);
  return (type: string) => types.filter((one) => one === type).length;
};

it("has the layers' operators", () => {
  const gpt2 = typesOf(GPT2);
  expect(['LayerNormalization', 'Softmax', 'Gelu', 'MatMul'].map(gpt2)).toEqual([5, 2, 2, 2 * 6 + 1]);
  const llama = typesOf(LLAMA);
  expect(['ReduceMean', 'Softmax', 'Sigmoid', 'MatMul', 'Concat'].map(llama)).toEqual([5, 2, 2, 2 * 9 + 1, 4]);
});

it('writes each kind of attribute, and negative numbers', () => {
  const graph = new OnnxGraph();
  const y = graph.add('Op', ['x'], { axis: -1, epsilon: { float: 0 }, approximate: 'tanh', perm: [1, 300] });
  const value = { type: FLOAT, shape: [1] } as const;
  const [node] = read(graph.encode('one', [{ name: 'x', ...value }], [{ name: y, ...value }])).nodes;
  const [axis, epsilon, approximate, perm] = node.attributes;
  expect([texts(axis, 1), numbers(axis, 3), numbers(axis, 20)]).toEqual([['axis'], [-1], [2]]);
  expect([parts(epsilon, 2)[0].length, numbers(epsilon, 20)]).toEqual([4, [1]]);
  expect([texts(approximate, 4), numbers(approximate, 20)]).toEqual([['tanh'], [3]]);
  expect([numbers(perm, 8), numbers(perm, 20)]).toEqual([[1, 300], [7]]);
});

it('names a parameter that is missing', () => {
  const some = weightsOf(LLAMA).filter(({ name }) => !name.includes('1.mlp.up_proj'));
  expect(() => encodeOnnx(LLAMA, some)).toThrow(
    "ONNX: the model's tensor model.layers.1.mlp.up_proj.weight is missing",
  );
});
