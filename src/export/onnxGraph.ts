/**
 * ONNX files: a graph of operators with its constants, as protocol buffers, which are tags, lengths and bytes.
 * Field numbers are those of onnx/onnx.proto3 (https://github.com/onnx/onnx), operators those of opset 20; the wire format is
 * https://protobuf.dev/programming-guides/encoding.
 */
import { bytesOf, concat, utf8 } from './bytes.ts';

/** TensorProto.DataType */
export const FLOAT = 1;
const UINT8 = 2;
export const INT64 = 7;

const OPSET = 20;
const IR_VERSION = 9;
/** AttributeProto.AttributeType */
const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 };

/** An unsigned number in groups of seven bits, the lowest first; negative ones as 64 bits of their two's complement. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    const more = rest > 0x7fn;
    bytes.push(Number(rest & 0x7fn) | (more ? 0x80 : 0));
    if (!more) return Uint8Array.from(bytes);
  }
}

const integer = (field: number, value: number): Uint8Array => concat([varint(field << 3), varint(value)]);
const float = (field: number, value: number): Uint8Array =>
  concat([varint((field << 3) | 5), bytesOf(Float32Array.of(value))]);

/** A field of bytes: a string, a message or raw numbers. */
function bytes(field: number, value: string | Uint8Array): Uint8Array {
  const content = typeof value === 'string' ? utf8(value) : value;
  return concat([varint((field << 3) | 2), varint(content.length), content]);
}

const message = (...fields: (Uint8Array | Uint8Array[])[]): Uint8Array => concat(fields.flat());

type AttributeValue = number | { float: number } | string | readonly number[];

/** An attribute; plain numbers are whole ones. */
function attribute(name: string, value: AttributeValue): Uint8Array {
  const typed = (type: number, ...fields: Uint8Array[]) => message(bytes(1, name), fields, integer(20, type));
  if (typeof value === 'string') return typed(ATTRIBUTE.string, bytes(4, value));
  if (typeof value === 'number') return typed(ATTRIBUTE.int, integer(3, value));
  if ('float' in value) return typed(ATTRIBUTE.float, float(2, value.float));
  return typed(ATTRIBUTE.ints, ...value.map((n) => integer(8, n)));
}

/** An input or output of a graph. */
export interface GraphValue {
  name: string;
  type: typeof FLOAT | typeof INT64;
  /** Sizes, or names of those that are known when the graph runs. */
  shape: readonly (number | string)[];
}

function valueInfo({ name, type, shape }: GraphValue): Uint8Array {
  const dims = message(shape.map((n) => bytes(1, typeof n === 'number' ? integer(1, n) : bytes(2, n))));
  return message(bytes(1, name), bytes(2, bytes(1, message(integer(1, type), bytes(2, dims)))));
}

/** Collects operators and constants, which are known by the names that the methods return. */
export class OnnxGraph {
  private readonly nodes: Uint8Array[] = [];
  private readonly constants: Uint8Array[] = [];
  private count = 0;

  /** Adds an operator and returns the name of its output. */
  add(operator: string, inputs: readonly string[], attributes: Readonly<Record<string, AttributeValue>> = {}): string {
    return this.addMany(1, operator, inputs, attributes)[0];
  }

  /** Adds an operator and returns the names of its outputs. */
  addMany(
    outputs: number,
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string[] {
    const names = Array.from({ length: outputs }, () => `x${this.count++}`);
    this.nodes.push(
      message(
        ...[inputs.map((name) => bytes(1, name)), names.map((name) => bytes(2, name)), bytes(4, operator)],
        Object.entries(attributes).map(([name, value]) => bytes(5, attribute(name, value))),
      ),
    );
    return names;
  }

  /** Adds numbers of a shape and returns their name. */
  constant(shape: readonly number[], data: Float32Array | BigInt64Array | Uint8Array): string {
    const name = `c${this.count++}`;
    const type = data instanceof Float32Array ? FLOAT : data instanceof Uint8Array ? UINT8 : INT64;
    const dims = shape.map((n) => integer(1, n));
    this.constants.push(message(dims, integer(2, type), bytes(8, name), bytes(9, bytesOf(data))));
    return name;
  }

  /** Gives a result a name that others know. */
  name(result: string, name: string): void {
    this.nodes.push(message(bytes(1, result), bytes(2, name), bytes(4, 'Identity')));
  }

  /** A list of whole numbers. */
  integers(...values: readonly number[]): string {
    return this.constant([values.length], BigInt64Array.from(values, BigInt));
  }

  /** The file's bytes. `name` is the graph's. */
  encode(name: string, inputs: readonly GraphValue[], outputs: readonly GraphValue[]): Uint8Array {
    const graph = message(
      ...[this.nodes.map((node) => bytes(1, node)), bytes(2, name), this.constants.map((one) => bytes(5, one))],
      ...[inputs.map((input) => bytes(11, valueInfo(input))), outputs.map((output) => bytes(12, valueInfo(output)))],
    );
    const opset = message(bytes(1, ''), integer(2, OPSET));
    return message(integer(1, IR_VERSION), bytes(7, graph), bytes(8, opset));
  }
}
