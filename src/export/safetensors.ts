/** Safetensors, written and read. Bytes lie little-endian, as on every machine that Dawn runs on. */
import { createHash } from 'node:crypto';
import { UserError } from '../errors.ts';
import { quote, short } from '../quote.ts';
import { fromF16, toF16 } from '../tensor/operands/float16.ts';
import { bytesOf } from './bytes.ts';
import { damaged, LENGTH_BYTES, METADATA_KEY, parseHeader, type TensorEntry } from './safetensorsHeader.ts';

/** A tensor to be written: dense, row-major. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** How numbers are written. */
export type FloatType = 'f32' | 'f16';

export interface LoadedTensor {
  readonly shape: readonly number[];
  /** As it was in the file: F32, F16 or BF16. */
  readonly dtype: string;
  /** As float32; for F32 a view of the file's bytes where their alignment allows it. */
  readonly data: Float32Array;
}

export interface LoadedFile {
  /** What errors call it. */
  readonly fileName: string;
  readonly tensors: ReadonlyMap<string, LoadedTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * A safetensors file as a list of pieces to be written one after another: the header, then a view of each tensor, so that
 * nothing is copied. As the reference implementation does, tensors stand in the order of their names and the header is
 * padded with spaces so that the data starts at a multiple of 8. Metadata says `format: pt` unless told otherwise: Hugging
 * Face's loaders refuse files without a format, and `pt` is what the layouts of our weights follow.
 * @throws Error when a name comes twice or is `__metadata__`, or a shape does not fit its data
 */
export function encodeSafetensors(
  tensors: Iterable<NamedTensor>,
  metadata: Record<string, string> = {},
  type: FloatType = 'f32',
): Uint8Array[] {
  const sorted = byName(tensors);
  const width = type === 'f32' ? 4 : 2;
  const header: [string, object][] = [[METADATA_KEY, { format: 'pt', ...metadata }]];
  let begin = 0;
  sorted.forEach(({ name, shape, data }, i) => {
    if (name === METADATA_KEY || name === sorted[i + 1]?.name) throw new Error(`safetensors: ${name} comes twice`);
    if (shape.reduce((product, axis) => product * axis, 1) !== data.length) {
      throw new Error(`safetensors: ${name} of shape (${shape.join(', ')}) has ${data.length} numbers`);
    }
    header.push([name, { dtype: type.toUpperCase(), shape, data_offsets: [begin, begin + width * data.length] }]);
    begin += width * data.length;
  });
  const inType = (data: Float32Array) => bytesOf(type === 'f32' ? data : Uint16Array.from(data, toF16));
  return [encodeHeader(header), ...sorted.map(({ data }) => inType(data))];
}

const byName = (tensors: Iterable<NamedTensor>): NamedTensor[] =>
  [...tensors].sort((a, b) => (a.name < b.name ? -1 : 1));

/** Metadata: the SHA-256 by which damage to weights is seen, in hex. */
const SEAL = 'dawnlm_sha256';

/**
 * The same with a SHA-256 of tensors and metadata in the metadata. There, and not in run.json: a file is replaced as a whole, and
 * so no kill can leave weights beside the hash of others. Whoever saves the tensors anew drops it with the rest of the metadata.
 */
export function sealSafetensors(tensors: readonly NamedTensor[], metadata: Record<string, string> = {}): Uint8Array[] {
  const data = byName(tensors).map((tensor) => bytesOf(tensor.data));
  return encodeSafetensors(tensors, { ...metadata, [SEAL]: sealOf(metadata, data) });
}

/** Over the metadata, sorted, without `format` and the seal itself, as JSON; then all bytes of tensors as they lie in the file. */
function sealOf(metadata: Readonly<Record<string, string>>, data: Iterable<Uint8Array>): string {
  const { format, [SEAL]: seal, ...sealed } = metadata;
  const hash = createHash('sha256').update(JSON.stringify(Object.entries(sealed).sort()));
  for (const bytes of data) hash.update(bytes);
  return hash.digest('hex');
}

function encodeHeader(entries: readonly [string, object][]): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const length = Math.ceil(json.length / LENGTH_BYTES) * LENGTH_BYTES;
  const bytes = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, LENGTH_BYTES);
  return bytes;
}

/**
 * All tensors of a file that is held in memory. Nothing in it is trusted: a file that is truncated, corrupted, of another kind or,
 * where it is sealed, changed by a single bit is refused, and memory is taken only for tensors whose bytes are there.
 * @throws UserError that names `fileName`, what is wrong and what to do
 */
export function decodeSafetensors(bytes: Uint8Array, fileName: string): LoadedFile {
  const { entries, metadata, dataStart } = parseHeader(bytes, fileName);
  const data = bytes.subarray(dataStart);
  if (Object.hasOwn(metadata, SEAL) && metadata[SEAL] !== sealOf(metadata, [data])) {
    throw damaged(fileName, 'its bytes are not those that were written (their SHA-256 is another)');
  }
  const tensors = new Map(entries.map((entry) => [entry.name, loadTensor(entry, data)]));
  return { fileName, tensors, metadata };
}

/** The numbers of a tensor that a model needs. @throws UserError when the file lacks it, or has it in another shape */
export function tensorOf({ tensors, fileName }: LoadedFile, name: string, shape: readonly number[]): Float32Array {
  const tensor = tensors.get(name);
  const belongs = 'it belongs to a model of another config';
  if (!tensor) throw new UserError(`${fileName} has no tensor ${quote(name)}: ${belongs}.`);
  if (tensor.shape.join() === shape.join()) return tensor.data;
  const sizes = `(${short(tensor.shape.join(', '))}), and (${shape.join(', ')}) is needed`;
  throw new UserError(`${fileName}: ${quote(name)} is ${sizes}; ${belongs}.`);
}

function loadTensor({ dtype, shape, begin, end }: TensorEntry, data: Uint8Array): LoadedTensor {
  const bytes = data.subarray(begin, end);
  if (dtype === 'F32') return { shape, dtype, data: viewAs(Float32Array, bytes) };
  const bits = viewAs(Uint16Array, bytes);
  if (dtype === 'F16') return { shape, dtype, data: Float32Array.from(bits, fromF16) };
  // bfloat16 is the upper half of a float32
  return { shape, dtype, data: new Float32Array(Uint32Array.from(bits, (half) => half << 16).buffer) };
}

/**
 * The bytes as an array of wider elements; copied only where they do not lie at a multiple of the element's size (and not by
 * `slice`, which gives a view where the bytes are a Node Buffer).
 */
function viewAs<T>(
  array: { new (buffer: ArrayBufferLike, byteOffset: number, length: number): T; BYTES_PER_ELEMENT: number },
  bytes: Uint8Array,
): T {
  const aligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new array(aligned.buffer, aligned.byteOffset, aligned.byteLength / array.BYTES_PER_ELEMENT);
}
