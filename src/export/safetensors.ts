/** Safetensors, written and read. Bytes lie little-endian, as on every machine that Dawn runs on. */
import { createHash, type Hash } from 'node:crypto';
import { UserError } from '../errors.ts';
import { quote, short } from '../quote.ts';
import { toF16, widenBF16, widenF16 } from '../tensor/operands/float16.ts';
import { sizeOf } from '../tensor/shape.ts';
import { bytesOf } from './bytes.ts';
import {
  BEGINNING,
  damaged,
  type Header,
  headerEnd,
  LENGTH_BYTES,
  METADATA_KEY,
  parseHeader,
  requireReadable,
  type TensorEntry,
} from './safetensorsHeader.ts';

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
  for (const { name, shape, data } of sorted) {
    if (sizeOf(shape) === data.length) continue;
    throw new Error(`safetensors: ${name} of shape (${shape.join(', ')}) has ${data.length} numbers`);
  }
  const inType = (data: Float32Array) => bytesOf(type === 'f32' ? data : Uint16Array.from(data, toF16));
  return [headerOf(sorted, metadata, type), ...sorted.map(({ data }) => inType(data))];
}

type TensorShape = Pick<NamedTensor, 'name' | 'shape'>;

const byName = <T extends TensorShape>(tensors: Iterable<T>): T[] =>
  [...tensors].sort((a, b) => (a.name < b.name ? -1 : 1));

/** The header before tensors in the order of their names. */
function headerOf(sorted: readonly TensorShape[], metadata: Record<string, string>, type: FloatType): Uint8Array {
  const width = type === 'f32' ? 4 : 2;
  const header: [string, object][] = [[METADATA_KEY, { format: 'pt', ...metadata }]];
  let begin = 0;
  sorted.forEach(({ name, shape }, i) => {
    if (name === METADATA_KEY || name === sorted[i + 1]?.name) throw new Error(`safetensors: ${name} comes twice`);
    const end = begin + width * sizeOf(shape);
    header.push([name, { dtype: type.toUpperCase(), shape, data_offsets: [begin, end] }]);
    begin = end;
  });
  return encodeHeader(header);
}

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

/**
 * The same of tensors that are made one at a time, as often as asked: once for the hash, once to be written.
 * @returns the pieces, to be written one after another, and the hash
 */
export function sealStream(
  tensors: readonly TensorShape[],
  make: (name: string) => Float32Array,
  metadata: Record<string, string> = {},
): { seal: string; pieces: Iterable<Uint8Array> } {
  const sorted = byName(tensors);
  const hash = beginSeal(metadata);
  for (const { name } of sorted) hash.update(bytesOf(make(name)));
  const seal = hash.digest('hex');
  function* pieces(): Generator<Uint8Array> {
    yield headerOf(sorted, { ...metadata, [SEAL]: seal }, 'f32');
    for (const { name } of sorted) yield bytesOf(make(name));
  }
  return { seal, pieces: pieces() };
}

/** Over the metadata, sorted, without `format` and the seal itself, as JSON; then all bytes of tensors as they lie in the file. */
function sealOf(metadata: Readonly<Record<string, string>>, data: Iterable<Uint8Array>): string {
  const hash = beginSeal(metadata);
  for (const bytes of data) hash.update(bytes);
  return hash.digest('hex');
}

function beginSeal(metadata: Readonly<Record<string, string>>): Hash {
  const { format, [SEAL]: seal, ...sealed } = metadata;
  return createHash('sha256').update(JSON.stringify(Object.entries(sealed).sort()));
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
    throw broken(fileName);
  }
  const tensors = new Map(entries.map((entry) => [entry.name, loadTensor(entry, data, fileName)]));
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

/** Bytes of which parts can be read, such as a file's. */
export interface ByteSource {
  readonly sizeBytes: number;
  /** @throws UserError when they cannot be read */
  read(begin: number, end: number): Uint8Array;
}

/** Bytes that are read at once where only their sum counts. */
const CHUNK_BYTES = 2 ** 26;

/** A file whose tensors are read when they are asked for: only its header is held in memory. */
export class TensorFile {
  readonly entries: ReadonlyMap<string, TensorEntry>;

  private constructor(
    readonly fileName: string,
    private readonly source: ByteSource,
    private readonly header: Header,
  ) {
    this.entries = new Map(header.entries.map((entry) => [entry.name, entry]));
  }

  /** @throws UserError when its header is not one that fits its bytes */
  static open(source: ByteSource, fileName: string): TensorFile {
    const { sizeBytes } = source;
    const end = headerEnd(source.read(0, Math.min(BEGINNING, sizeBytes)), fileName, sizeBytes);
    return new TensorFile(fileName, source, parseHeader(source.read(0, end), fileName, sizeBytes));
  }

  get metadata(): Header['metadata'] {
    return this.header.metadata;
  }

  /** The bytes of a tensor as they are in the file, or some of them. */
  bytes({ begin, end }: TensorEntry, most = end - begin, from = 0): Uint8Array {
    const start = this.header.dataStart + begin + from;
    return this.source.read(start, Math.min(start + most, this.header.dataStart + end));
  }

  /** Its first numbers, all of them unless told. @throws UserError where they are of a dtype that is not read */
  numbers(entry: TensorEntry, count = sizeOf(entry.shape)): Float32Array {
    requireReadable(entry, this.fileName);
    return widened(entry.dtype, this.bytes(entry, count * (entry.dtype === 'F32' ? 4 : 2)));
  }

  /**
   * The same as `decodeSafetensors` gives, but that the numbers of a tensor are read whenever they are asked for.
   * @throws UserError where the file is sealed, and changed by a single bit
   */
  loaded(): LoadedFile {
    const { fileName, metadata, entries } = this;
    if (Object.hasOwn(metadata, SEAL) && metadata[SEAL] !== sealOf(metadata, this.chunks())) throw broken(fileName);
    for (const entry of entries.values()) requireReadable(entry, fileName);
    const tensors = new Map([...entries].map(([name, entry]) => [name, this.lazy(entry)]));
    return { fileName, tensors, metadata };
  }

  private lazy(entry: TensorEntry): LoadedTensor {
    const read = () => this.numbers(entry);
    return {
      ...{ shape: entry.shape, dtype: entry.dtype },
      get data() {
        return read();
      },
    };
  }

  /** All bytes of tensors, in their order. */
  private *chunks(): Generator<Uint8Array> {
    const { sizeBytes } = this.source;
    for (let at = this.header.dataStart; at < sizeBytes; at += CHUNK_BYTES) {
      yield this.source.read(at, Math.min(at + CHUNK_BYTES, sizeBytes));
    }
  }
}

const broken = (fileName: string): Error =>
  damaged(fileName, 'its bytes are not those that were written (their SHA-256 is another)');

function loadTensor(entry: TensorEntry, data: Uint8Array, fileName: string): LoadedTensor {
  requireReadable(entry, fileName);
  const { shape, dtype, begin, end } = entry;
  return { shape, dtype, data: widened(dtype, data.subarray(begin, end)) };
}

function widened(dtype: string, bytes: Uint8Array): Float32Array {
  if (dtype === 'F32') return viewAs(Float32Array, bytes);
  const halves = viewAs(Uint16Array, bytes);
  return dtype === 'F16' ? widenF16(halves) : widenBF16(halves);
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
