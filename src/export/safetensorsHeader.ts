/**
 * The header of a safetensors file, read as if an enemy had written it: every number is checked against the bytes that
 * are really there before it is used, so that a header cannot make us read outside of the file or allocate for its claims.
 *
 * The format (https://github.com/huggingface/safetensors): u64 little-endian N; N bytes of JSON that map each tensor's
 * name to {dtype, shape, data_offsets: [begin, end]} and `__metadata__` to strings; then the data, which the tensors
 * cover without holes or overlaps.
 */
import { UserError } from '../errors.ts';
import { recognizeForeign } from './foreignFile.ts';

export const LENGTH_BYTES = 8;
export const METADATA_KEY = '__metadata__';

/** The reference implementation's limit. */
const MAX_HEADER_BYTES = 100_000_000;

/** Bytes an element, for the dtypes that can be read. */
export const DTYPE_BYTES: ReadonlyMap<string, number> = new Map([
  ['F32', 4],
  ['F16', 2],
  ['BF16', 2],
]);

export interface TensorEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Where its data lies, in bytes from the start of the data. */
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly entries: readonly TensorEntry[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the data starts, in bytes from the start of the file. */
  readonly dataStart: number;
}

const WHAT_NOW = 'Use another copy of the file, or the other checkpoint of its run.';

const damaged = (fileName: string, why: string): UserError =>
  new UserError(`${fileName} is damaged: ${why}. ${WHAT_NOW}`);

function notSafetensors(fileName: string, bytes: Uint8Array, why: string): UserError {
  const kind = recognizeForeign(bytes);
  const is = kind ? `it is ${kind}` : why;
  return new UserError(`${fileName} is not a safetensors file: ${is}. ${WHAT_NOW}`);
}

/** Reads and checks the header of a whole file. @throws UserError that says what is wrong with it */
export function parseHeader(bytes: Uint8Array, fileName: string): Header {
  const headerBytes = headerLength(bytes, fileName);
  const dataStart = LENGTH_BYTES + headerBytes;
  const json = parseJson(bytes.subarray(LENGTH_BYTES, dataStart), bytes, fileName);
  const entries: TensorEntry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === METADATA_KEY) metadata = checkMetadata(value, fileName);
    else entries.push(checkEntry(name, value, fileName));
  }
  checkCover(entries, bytes.length - dataStart, fileName);
  return { entries, metadata, dataStart };
}

function headerLength(bytes: Uint8Array, fileName: string): number {
  if (bytes.length === 0) throw damaged(fileName, 'it is empty');
  if (bytes.length <= LENGTH_BYTES) throw notSafetensors(fileName, bytes, `it has only ${bytes.length} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const claims = `its header claims to be ${length.toLocaleString('en')} bytes long`;
  if (length > MAX_HEADER_BYTES) throw notSafetensors(fileName, bytes, `${claims}, more than any is`);
  if (length < 2 || bytes[LENGTH_BYTES] !== 0x7b) {
    throw notSafetensors(fileName, bytes, 'no JSON follows its first eight bytes');
  }
  const present = bytes.length - LENGTH_BYTES;
  if (length > present) throw damaged(fileName, `${claims}, but the file ends after ${present.toLocaleString('en')}`);
  return Number(length);
}

function parseJson(header: Uint8Array, bytes: Uint8Array, fileName: string): object {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header));
  } catch {
    throw damaged(fileName, 'its header is not valid JSON');
  }
  if (!isRecord(json)) throw notSafetensors(fileName, bytes, 'its header is not a JSON object');
  return json;
}

/** A JSON object. Its keys are own properties, `__proto__` too, for JSON.parse defines and does not assign. */
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function checkMetadata(value: unknown, fileName: string): Record<string, string> {
  if (!isRecord(value)) throw damaged(fileName, 'its metadata is not a JSON object');
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw damaged(fileName, `its metadata has something other than text at ${show(key)}`);
  }
  return value as Record<string, string>;
}

function checkEntry(name: string, value: unknown, fileName: string): TensorEntry {
  const tensor = `tensor ${show(name)}`;
  if (!isRecord(value)) throw damaged(fileName, `${tensor} has no description`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string') throw damaged(fileName, `${tensor} has no dtype`);
  const elementBytes = DTYPE_BYTES.get(dtype);
  if (!elementBytes) throw unreadable(fileName, tensor, dtype);
  if (!Array.isArray(shape) || !shape.every(isCount)) throw damaged(fileName, `${tensor} has no valid shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw damaged(fileName, `${tensor} has no valid data_offsets`);
  }
  const [begin, end] = offsets;
  const sizeBytes = safeProduct([...shape, elementBytes]);
  if (end - begin !== sizeBytes) {
    const expected = sizeBytes === undefined ? 'more bytes than can be counted' : `${sizeBytes} bytes`;
    throw damaged(fileName, `${tensor}, ${dtype} (${shape.join(', ')}), takes ${expected} but has ${end - begin}`);
  }
  return { name, dtype, shape, begin, end };
}

const unreadable = (fileName: string, tensor: string, dtype: string): UserError =>
  new UserError(
    `${fileName} cannot be used: ${tensor} is of dtype ${show(dtype)}, but only ${[...DTYPE_BYTES.keys()].join(', ')} ` +
      'can be read; convert the model to float32 first.',
  );

/** The product, or undefined as soon as it is beyond 2^53 and no longer exact. */
function safeProduct(factors: readonly number[]): number | undefined {
  let product = 1;
  for (const factor of factors) {
    product *= factor;
    if (!Number.isSafeInteger(product)) return undefined;
  }
  return product;
}

/** The tensors must cover the data from its first byte to its last, each byte once. */
function checkCover(entries: TensorEntry[], dataBytes: number, fileName: string): void {
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of entries) {
    if (begin < covered) throw damaged(fileName, `tensor ${show(name)} overlaps another one`);
    if (begin > covered) throw damaged(fileName, `there is a hole before tensor ${show(name)}`);
    covered = end;
  }
  if (covered > dataBytes) {
    const counts = `${dataBytes.toLocaleString('en')} of ${covered.toLocaleString('en')} bytes of tensors`;
    throw damaged(fileName, `it is cut off, only ${counts} are there`);
  }
  if (covered < dataBytes) throw damaged(fileName, `${dataBytes - covered} bytes follow its last tensor`);
}

/** A name from the file, quoted and short, as an error may print it: control characters escaped. */
const show = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
