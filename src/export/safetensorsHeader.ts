/**
 * The header of a safetensors file, read as if an enemy had written it: every number is checked against the bytes that
 * are really there before it is used, so that a header cannot make us read outside of the file or allocate for its claims.
 *
 * The format (https://github.com/huggingface/safetensors): u64 little-endian N; N bytes of JSON that map each tensor's
 * name to {dtype, shape, data_offsets: [begin, end]} and `__metadata__` to strings; then the data, which the tensors
 * cover without holes or overlaps.
 */
import { z } from 'zod';
import { UserError } from '../errors.ts';
import { quote, short } from '../quote.ts';
import { check, damaged as damagedFile, parseJson } from '../schema.ts';

export const LENGTH_BYTES = 8;
export const METADATA_KEY = '__metadata__';

/** The reference implementation's limit. */
const MAX_HEADER_BYTES = 100_000_000;

/** The dtypes that can be read; tensors of others, such as masks of a model that is imported, are passed over. */
const READABLE: readonly string[] = ['F32', 'F16', 'BF16'];

/** Bytes an element of each dtype. */
const DTYPE_BYTES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    1: ['BOOL', 'U8', 'I8', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0'],
    2: ['F16', 'BF16', 'I16', 'U16'],
    4: ['F32', 'I32', 'U32'],
    8: ['F64', 'I64', 'U64'],
  }).flatMap(([bytes, names]) => names.map((name): [string, number] => [name, Number(bytes)])),
);

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

/** What to say of a file that is not as it was written. */
export const damaged = (fileName: string, why: string): Error => damagedFile(fileName, WHAT_NOW)(why);

/** The bytes, as Latin-1, that other files begin with. */
const FOREIGN: Readonly<Record<string, string>> = {
  'PK\x03\x04': "a zip archive, as PyTorch's .pt and .bin files are",
  '\x80': 'a Python pickle, which could run code when read',
  GGUF: "a GGUF file, llama.cpp's format",
  '\x89HDF': 'an HDF5 file, as Keras writes',
  '\x93NUMPY': 'a NumPy array',
  '\x1f\x8b': 'a gzip archive',
  'version https://git-lfs': 'a Git LFS pointer that stands for the file; fetch the file itself with `git lfs pull`',
  '<': 'an HTML or XML page, perhaps the error page of a failed download',
  '{': 'JSON text',
};

/** What to say of no safetensors file: what it is, where its first bytes tell. Some headers begin as pickles do. */
function notSafetensors(fileName: string, bytes: Uint8Array, why: string): UserError {
  const head = String.fromCharCode(...bytes.subarray(0, BEGINNING));
  const magic = Object.keys(FOREIGN).find((one) => head.startsWith(one));
  const is = magic !== undefined ? FOREIGN[magic] : /^[\t\n\r\x20-\x7e]+$/.test(head) ? 'plain text' : undefined;
  return new UserError(`${fileName} is not a safetensors file: ${is ? `it is ${is}` : why}. ${WHAT_NOW}`);
}

/** Reads and checks the header of a file of so many bytes, of which those that hold it are there. @throws UserError that says what is wrong with it */
export function parseHeader(bytes: Uint8Array, fileName: string, sizeBytes = bytes.length): Header {
  const dataStart = headerEnd(bytes, fileName, sizeBytes);
  // keys are own properties, `__proto__` too: neither JSON.parse nor the rest of an object assigns
  const { [METADATA_KEY]: about = {}, ...tensors } = headerOf(bytes.subarray(LENGTH_BYTES, dataStart), fileName);
  const metadata = check(Metadata, about, (problem) => damaged(fileName, `its metadata: ${problem}`));
  const entries = Object.entries(tensors).map(([name, value]) => readEntry(name, value, fileName));
  checkCover(entries, sizeBytes - dataStart, fileName);
  return { entries, metadata, dataStart };
}

/** Where the header of a file of so many bytes ends, by its first bytes: `BEGINNING` will do. @throws UserError for no safetensors file */
export function headerEnd(bytes: Uint8Array, fileName: string, sizeBytes: number): number {
  if (sizeBytes === 0) throw damaged(fileName, 'it is empty');
  if (sizeBytes <= LENGTH_BYTES) throw notSafetensors(fileName, bytes, `it has only ${sizeBytes} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const claims = `its header claims to be ${length.toLocaleString('en')} bytes long`;
  if (length > MAX_HEADER_BYTES) throw notSafetensors(fileName, bytes, `${claims}, more than any is`);
  if (length < 2 || bytes[LENGTH_BYTES] !== 0x7b) {
    throw notSafetensors(fileName, bytes, 'no JSON follows its first eight bytes');
  }
  const present = sizeBytes - LENGTH_BYTES;
  if (length > present) throw damaged(fileName, `${claims}, but the file ends after ${present.toLocaleString('en')}`);
  return LENGTH_BYTES + Number(length);
}

/** So many bytes of a file say what it is. */
export const BEGINNING = 64;

/** The header's JSON: an object, for it begins with a brace. */
function headerOf(bytes: Uint8Array, fileName: string): Record<string, unknown> {
  const refuse = (problem: string): Error => damaged(fileName, `its header is not valid JSON: ${problem}`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refuse('it is not UTF-8');
  }
  return parseJson(text, refuse) as Record<string, unknown>;
}

const Metadata = z.record(z.string(), z.string());
const size = z.int().min(0);
const Entry = z.object({ dtype: z.string(), shape: z.array(size), data_offsets: z.tuple([size, size]) });

function readEntry(name: string, value: unknown, fileName: string): TensorEntry {
  const tensor = `tensor ${quote(name)}`;
  const { dtype, shape, data_offsets } = check(Entry, value, (problem) => damaged(fileName, `${tensor}: ${problem}`));
  const elementBytes = DTYPE_BYTES.get(dtype);
  if (!elementBytes) throw unreadable(fileName, tensor, dtype);
  const [begin, end] = data_offsets;
  const sizeBytes = safeProduct([...shape, elementBytes]);
  if (end - begin !== sizeBytes) {
    const expected = sizeBytes === undefined ? 'more bytes than can be counted' : `${sizeBytes} bytes`;
    throw damaged(
      fileName,
      `${tensor}, ${dtype} (${short(shape.join(', '))}), takes ${expected} but has ${end - begin}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

const unreadable = (fileName: string, tensor: string, dtype: string): UserError =>
  new UserError(
    `${fileName} cannot be used: ${tensor} is of dtype ${quote(dtype)}, but only ${READABLE.join(', ')} ` +
      'can be read; convert the model to float32 first.',
  );

/** @throws UserError for a tensor whose numbers cannot be read */
export function requireReadable({ name, dtype }: TensorEntry, fileName: string): void {
  if (!READABLE.includes(dtype)) throw unreadable(fileName, `tensor ${quote(name)}`, dtype);
}

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
    if (begin < covered) throw damaged(fileName, `tensor ${quote(name)} overlaps another one`);
    if (begin > covered) throw damaged(fileName, `there is a hole before tensor ${quote(name)}`);
    covered = end;
  }
  if (covered > dataBytes) {
    const counts = `${dataBytes.toLocaleString('en')} of ${covered.toLocaleString('en')} bytes of tensors`;
    throw damaged(fileName, `it is cut off, only ${counts} are there`);
  }
  if (covered < dataBytes) throw damaged(fileName, `${dataBytes - covered} bytes follow its last tensor`);
}
