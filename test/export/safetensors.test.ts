import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import {
  decodeSafetensors,
  encodeSafetensors,
  sealSafetensors,
  sealStream,
  TensorFile,
} from '../../src/export/safetensors.ts';
import { threefry, toUnit } from '../../src/tensor/random.ts';

/** Written by the reference implementation (Python's safetensors 0.8.0, `save` with metadata `{'format': 'pt'}`). */
const REFERENCE = Buffer.from(
  '0AAAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJwdCJ9LCJhIjp7ImR0eXBlIjoiRjMyIiwic2hhcGUiOlsxXSwiZGF0YV9vZmZzZXRz' +
    'IjpbMCw0XX0sImIiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzEsM10sImRhdGFfb2Zmc2V0cyI6WzQsMTZdfSwiw7xfX3Byb3RvX18iOnsiZHR5' +
    'cGUiOiJGMzIiLCJzaGFwZSI6WzAsNF0sImRhdGFfb2Zmc2V0cyI6WzE2LDE2XX19AADgQAAAwD8AAADAAABQQA==',
  'base64',
);

/** The same for `{'half': float16 [1, -0.5, 65504, 6e-8, inf], 'full': float32 [0.1]}`. */
const REFERENCE_HALF = Buffer.from(
  'eAAAAAAAAAB7ImZ1bGwiOnsiZHR5cGUiOiJGMzIiLCJzaGFwZSI6WzFdLCJkYXRhX29mZnNldHMiOlswLDRdfSwiaGFsZiI6eyJkdHlwZSI6IkYx' +
    'NiIsInNoYXBlIjpbNV0sImRhdGFfb2Zmc2V0cyI6WzQsMTRdfX0gICAgICDNzMw9ADwAuP97AQAAfA==',
  'base64',
);

const TENSORS = [
  { name: 'b', shape: [1, 3], data: Float32Array.of(1.5, -2, 3.25) },
  { name: 'a', shape: [1], data: Float32Array.of(7) },
  { name: 'ü__proto__', shape: [0, 4], data: new Float32Array() },
];

const write = (header: unknown, dataBytes = 0): Uint8Array => {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
};

const f32 = (begin: number, end: number, shape: unknown = [(end - begin) / 4]) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

const read = (bytes: Uint8Array) => decodeSafetensors(bytes, 'model.safetensors');

it('writes the bytes that the reference implementation writes', () => {
  expect(Buffer.concat(encodeSafetensors(TENSORS)).toString('latin1')).toBe(REFERENCE.toString('latin1'));
});

it('reads what the reference implementation writes', () => {
  const { tensors, metadata } = read(REFERENCE);
  expect(metadata).toEqual({ format: 'pt' });
  for (const { name, shape, data } of TENSORS) expect(tensors.get(name)).toEqual({ shape, dtype: 'F32', data });
  const half = read(REFERENCE_HALF).tensors;
  expect(half.get('half')?.data).toEqual(Float32Array.of(1, -0.5, 65504, 2 ** -24, Number.POSITIVE_INFINITY));
  expect(half.get('full')?.data).toEqual(Float32Array.of(0.1));
});

it('reads bfloat16 and data that is not aligned', () => {
  const bytes = write({ x: { dtype: 'BF16', shape: [3], data_offsets: [0, 6] } }, 6);
  bytes.set([0x80, 0x3f, 0x49, 0x40, 0xc0, 0xff], bytes.length - 6);
  const [one, pi, nan] = read(bytes).tensors.get('x')!.data;
  expect([one, pi]).toEqual([1, 3.140625]);
  expect(nan).toBeNaN();
  const shifted = new Uint8Array(REFERENCE.length + 1);
  shifted.set(REFERENCE, 1);
  expect(read(shifted.subarray(1)).tensors.get('b')?.data).toEqual(TENSORS[0].data);
});

it('gives every element to an independent reader', () => {
  const tensors = [3, 1, 40].map((rows) => ({
    name: `h.${rows}.weight`,
    shape: [rows, 5],
    data: Float32Array.from({ length: rows * 5 }, (_, i) => toUnit(threefry(rows, 1, i, 0)[0])),
  }));
  const file = Buffer.concat(encodeSafetensors(tensors, { step: '7' }));
  const dataStart = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, dataStart).toString('utf8'));
  expect(dataStart % 8).toBe(0);
  expect(header.__metadata__).toEqual({ format: 'pt', step: '7' });
  for (const { name, shape, data } of tensors) {
    expect(header[name].shape).toEqual(shape);
    const start = dataStart + header[name].data_offsets[0];
    data.forEach((value, i) => {
      expect(file.readFloatLE(start + 4 * i)).toBe(value);
    });
  }
});

it('does not copy the tensors to write them', () => {
  const pieces = encodeSafetensors(TENSORS);
  expect(pieces[2].buffer).toBe(TENSORS[0].data.buffer);
});

it('keeps names that objects treat specially', () => {
  const names = ['__proto__', 'constructor', 'toString', '0'];
  const pieces = encodeSafetensors(names.map((name, i) => ({ name, shape: [1], data: Float32Array.of(i) })));
  const { tensors } = read(Buffer.concat(pieces));
  names.forEach((name, i) => {
    expect(tensors.get(name)?.data[0]).toBe(i);
  });
  expect(() => read(write('{"x": {"__proto__": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}}}', 4))).toThrow(
    'tensor "x": dtype must be a text; it is missing',
  );
  expect(() => read(write({ x: { ...f32(0, 4), dtype: 'constructor' } }, 4))).toThrow('dtype "constructor"');
  expect(({} as Record<string, unknown>).dtype).toBeUndefined();
});

it('refuses to write what could not be read back', () => {
  const [b, a] = TENSORS;
  expect(() => encodeSafetensors([a, b, a])).toThrow('a comes twice');
  expect(() => encodeSafetensors([{ ...a, name: '__metadata__' }])).toThrow('comes twice');
  expect(() => encodeSafetensors([{ ...a, shape: [2, 2] }])).toThrow('a of shape (2, 2) has 1 numbers');
});

describe('a sealed file', () => {
  const file = Buffer.concat(sealSafetensors(TENSORS, { state: '{"step":7}' }));
  const dataStart = 8 + Number(file.readBigUInt64LE(0));

  it('is read, and its seal is what anybody can compute', () => {
    const { metadata, tensors } = read(file);
    expect(tensors.get('b')?.data).toEqual(TENSORS[0].data);
    const sealed = Buffer.concat([Buffer.from('[["state","{\\"step\\":7}"]]'), file.subarray(dataStart)]);
    expect(metadata).toEqual({
      ...{ format: 'pt', state: '{"step":7}' },
      dawnlm_sha256: createHash('sha256').update(sealed).digest('hex'),
    });
  });

  it('is refused whichever bit of its weights, its metadata or its seal is another', () => {
    const places = [...file.subarray(dataStart).keys()].map((at) => dataStart + at);
    for (const at of [file.indexOf('7}'), file.indexOf('_sha256') + 12, ...places]) {
      const bytes = Uint8Array.from(file);
      bytes[at] ^= 1;
      expect(() => read(bytes), String(at)).toThrow(/^model\.safetensors is damaged: its bytes are not those that/);
    }
  });

  it('that another program saves again has no seal, or the same one', () => {
    const { tensors, metadata } = read(file);
    const again = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
    for (const kept of [{}, metadata]) expect(read(Buffer.concat(encodeSafetensors(again, kept))).tensors.size).toBe(3);
  });
});

it('a file that is read tensor by tensor is the same, and refused for the same', async () => {
  const open = (bytes: Uint8Array) => {
    const source = { sizeBytes: bytes.length, read: (begin: number, end: number) => bytes.slice(begin, end) };
    return TensorFile.open(source, 'model.safetensors').loaded();
  };
  const sealed = Buffer.concat(sealSafetensors(TENSORS, { state: '{}' }));
  for (const bytes of [REFERENCE, REFERENCE_HALF, sealed]) {
    const [whole, parts] = [read(bytes), open(bytes)];
    expect(parts.metadata).toEqual(whole.metadata);
    expect([...parts.tensors.keys()]).toEqual([...whole.tensors.keys()]);
    for (const [name, { shape, dtype, data }] of whole.tensors) {
      expect({ ...parts.tensors.get(name) }).toEqual({ shape, dtype, data });
    }
  }
  const changed = Uint8Array.from(sealed);
  changed[changed.length - 1] ^= 1;
  const masks = write({ x: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, 8);
  for (const bytes of [changed, masks, REFERENCE.subarray(0, -5), REFERENCE.subarray(0, 7), new Uint8Array()]) {
    const sentence = await Promise.resolve()
      .then(() => read(bytes))
      .catch(({ message }) => message);
    expect(() => open(bytes)).toThrow(sentence);
  }
  const { pieces } = sealStream(TENSORS, (name) => TENSORS.find((one) => one.name === name)!.data, { state: '{}' });
  expect(Buffer.concat([...pieces])).toEqual(sealed);
});

const HUGE = Buffer.alloc(64, 0xff);

it.each<[string, Uint8Array, string]>([
  ['an empty file', new Uint8Array(), 'is damaged: it is empty'],
  ['a few bytes', Uint8Array.of(1, 2, 3), 'it has only 3 bytes'],
  ['a header longer than any', HUGE, 'its header claims to be 18,446,744,073,709,551,615 bytes long'],
  ['a header longer than the file', REFERENCE.subarray(0, 100), 'but the file ends after 92'],
  ['data cut off', REFERENCE.subarray(0, -5), 'it is cut off, only 11 of 16 bytes of tensors are there'],
  ['data that nobody owns', Buffer.concat([REFERENCE, Buffer.alloc(3)]), '3 bytes follow its last tensor'],
  ['invalid JSON', write('{"a": '), 'its header is not valid JSON'],
  ['invalid UTF-8', Buffer.concat([write({}).subarray(0, 8), Buffer.from([0x7b, 0xff])]), 'not valid JSON'],
  ['a tensor that is no object', write({ x: 3 }), 'tensor "x": it must be an object; got 3'],
  ['an unknown dtype', write({ x: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, 8), 'only F32, F16, BF16'],
  ['a negative axis', write({ x: f32(0, 4, [-1, -1]) }, 4), 'shape[0] must be a whole number of 0 or more; got -1'],
  ['a fractional axis', write({ x: f32(0, 4, [0.5, 2]) }, 4), 'shape[0] must be a whole number of 0 or more; got 0.5'],
  ['a shape that is text', write({ x: f32(0, 4, '1') }, 4), 'shape must be a list; got "1"'],
  ['a product that overflows', write({ x: f32(0, 0, [2 ** 40, 2 ** 40, 0]) }), 'more bytes than can be counted'],
  ['more numbers than bytes', write({ x: f32(0, 4, [1000]) }, 4), 'takes 4000 bytes but has 4'],
  [
    'offsets that are text',
    write({ x: { ...f32(0, 4), data_offsets: ['0', '4'] } }, 4),
    'data_offsets[0] must be a whole number of 0 or more; got "0"',
  ],
  ['offsets in reverse', write({ x: f32(4, 0, [1]) }, 4), 'takes 4 bytes but has -4'],
  ['offsets past the end', write({ x: f32(0, 4e9) }, 4), 'it is cut off'],
  ['an overlap', write({ x: f32(0, 8), y: f32(4, 12) }, 12), 'tensor "y" overlaps another one'],
  ['a hole', write({ x: f32(0, 4), y: f32(8, 12) }, 12), 'a hole before tensor "y"'],
  ['a hole at the start', write({ x: f32(4, 8) }, 8), 'a hole before tensor "x"'],
  ['metadata that is no object', write({ __metadata__: [] }), 'its metadata: it must be an object; got []'],
  ['metadata that is no text', write({ __metadata__: { a: 1 } }), 'its metadata: a must be a text; got 1'],
  ['a zip', Buffer.from('PK\x03\x04\x14\x00\x08\x08\x08\x00data', 'latin1'), "as PyTorch's .pt and .bin files are"],
  ['a pickle', Buffer.from('\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.', 'latin1'), 'a Python pickle'],
  ['GGUF', Buffer.from('GGUF\x03\x00\x00\x00\x01\x00\x00\x00', 'latin1'), 'a GGUF file'],
  ['a web page', Buffer.from('<!DOCTYPE html><title>Not found</title>'), 'an HTML or XML page'],
  ['a Git LFS pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\n'), 'git lfs pull'],
  ['a text', Buffer.from('Call me Ishmael. Some years ago'), 'it is plain text'],
  ['JSON', Buffer.from('{"model_type": "gpt2"}'), 'it is JSON text'],
  ['zeros', Buffer.alloc(64), 'no JSON follows its first eight bytes'],
])('refuses %s', (_, bytes, reason) => {
  const attempt = () => read(bytes);
  expect(attempt).toThrow(UserError);
  expect(attempt).toThrow(reason);
  expect(attempt).toThrow(/^model\.safetensors .*(Use another copy of the file|convert the model)/);
});

it('meets any damage with a UserError or with tensors that lie inside of the file', () => {
  const files = [REFERENCE, REFERENCE_HALF, write({ __metadata__: { a: 'b' }, x: f32(0, 8), y: f32(8, 8) }, 8)];
  let refused = 0;
  for (let round = 0; round < 4000; round++) {
    const draw = (stream: number, below: number) => Math.floor(toUnit(threefry(round, 0, stream, 0)[0]) * below);
    const bytes = Uint8Array.from(files[draw(0, files.length)]);
    const flips = 1 + draw(1, 3);
    for (let i = 0; i < flips; i++) bytes[draw(10 + i, bytes.length)] ^= 1 << draw(20 + i, 8);
    const cut = draw(2, 4) === 0 ? bytes.subarray(0, draw(3, bytes.length)) : bytes;
    try {
      for (const { shape, data } of read(cut).tensors.values()) {
        expect(shape.reduce((product, axis) => product * axis, 1)).toBe(data.length);
        expect(data.length).toBeLessThan(cut.length);
      }
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(1000);
});
