import { z } from 'zod';
import { UsageError, UserError } from '../../errors.ts';
import { Sha256 } from '../../schema.ts';
import { pairCut } from '../tokenizers/bytes.ts';
import type { Tokenizer } from '../tokenizers/types.ts';
import { CleanCard } from './cleaning.ts';
import { safePieces } from './stream.ts';

/** Token ids: 16 bits each where the vocabulary allows it. */
export type Tokens = Uint16Array | Uint32Array;

export interface Dataset {
  readonly train: Tokens;
  readonly validation: Tokens;
  readonly counts: DatasetCounts;
}

const size = z.int().min(0);

/** What a run says about the text that it was trained on. */
export const DataCard = z.object({
  name: z.string(),
  /** Where the text was had: a package and version, an address, or a file's name. */
  source: z.string(),
  /** Of a user's own text, where it lies as seen from the run's folder: `source` is as it was named, from wherever that was. */
  path: z.string().optional(),
  licence: z.string(),
  /** Of the bytes as they were read. */
  sha256: Sha256,
  tokenizer: z.string(),
  vocabularySize: size,
  /** Of the whole text: its size in UTF-8, and code points. */
  bytes: size,
  characters: size,
  trainTokens: size,
  validationTokens: size,
  /** Of prompts and answers: pairs that were there twice and were left out once, and those that exceed the context. */
  duplicates: size.optional(),
  cut: size.optional(),
  /** Of a text in which canaries were planted: how many digits each has, and how many sentences they are in all. */
  canaries: z.object({ digits: size, sentences: size }).optional(),
  /** Of a text that was freed of something: what went, by rule. All other figures are of what stayed. */
  clean: CleanCard.optional(),
});
export type DataCard = z.infer<typeof DataCard>;

/** Of the whole text in UTF-8 bytes and code points, and of its two parts in tokens. */
export type DatasetCounts = Pick<DataCard, 'bytes' | 'characters' | 'trainTokens' | 'validationTokens'>;

/** The last tenth, as nanoGPT does. */
export const VALIDATION_FRACTION = 0.1;

export interface DatasetOptions {
  /** What errors call the text. */
  readonly name: string;
  /** The training window; each part must hold blockSize + 1 tokens. */
  readonly blockSize: number;
  /** Share of the text, from its end, that is held out; VALIDATION_FRACTION unless given. */
  readonly validationFraction?: number;
}

/**
 * The text as tokens, its last part held out: the first floor((1 - validationFraction) * characters) code points train,
 * the rest validates, each encoded by itself, so that the held-out text is the same for every tokenizer.
 *
 * `chunks` gives a fresh stream of the same text each time; it is read three times (to count, to train, to validate), and
 * only some kilobytes of text are held at a time. Throws UserError when the text is empty or a part is shorter than a
 * window, or holds a character that the tokenizer never saw.
 */
export async function buildDataset(
  chunks: () => AsyncIterable<string>,
  tokenizer: Tokenizer,
  { name, blockSize, validationFraction = VALIDATION_FRACTION }: DatasetOptions,
): Promise<Dataset> {
  if (!(validationFraction > 0 && validationFraction < 1)) {
    throw new UsageError(`validationFraction must lie between 0 and 1, got ${validationFraction}; 0.1 is usual`);
  }
  const { bytes, characters } = await measureText(chunks());
  if (characters === 0)
    throw new UserError(`${name} is empty, but a text to learn from was expected; name another file`);
  const split = trainedOf(characters, validationFraction);
  const train = await encodeStream(section(chunks(), 0, split), tokenizer, split);
  const validation = await encodeStream(section(chunks(), split, characters), tokenizer, characters - split);
  checkLengths(name, train.length, validation.length, blockSize);
  const counts = { bytes, characters, trainTokens: train.length, validationTokens: validation.length };
  return { train, validation, counts };
}

/** How many of a text's code points train. */
export const trainedOf = (characters: number, validationFraction: number): number =>
  Math.floor((1 - validationFraction) * characters);

function checkLengths(name: string, train: number, validation: number, blockSize: number): void {
  const [part, length] = train < validation ? ['training', train] : ['validation', validation];
  if (length > blockSize) return;
  const orLower = length > 1 ? `, or lower the block size to ${length - 1} or less` : '';
  throw new UserError(
    `${name} is too short: its ${part} part has ${length} tokens, but a window takes ${blockSize + 1} ` +
      `(the block size and one to predict); use a longer text${orLower}`,
  );
}

/** Size in UTF-8 bytes and in code points; a lone surrogate counts as the U+FFFD that it becomes. */
export async function measureText(chunks: AsyncIterable<string>): Promise<{ bytes: number; characters: number }> {
  const encoder = new TextEncoder();
  let bytes = 0;
  let characters = 0;
  for await (const text of safePieces(chunks, pairCut)) {
    bytes += encoder.encode(text).length;
    characters += unitsOf(text, Number.POSITIVE_INFINITY).codePoints;
  }
  return { bytes, characters };
}

/** The code points from `start` to before `end`; stops reading there. */
async function* section(chunks: AsyncIterable<string>, start: number, end: number): AsyncGenerator<string> {
  let at = 0;
  for await (const text of safePieces(chunks, pairCut)) {
    const from = unitsOf(text, start - at);
    const to = unitsOf(text, end - at);
    if (to.unit > from.unit) yield text.slice(from.unit, to.unit);
    if (to.unit < text.length) return;
    at += to.codePoints;
  }
}

/** How many UTF-16 units the first `most` code points of `text` take, and how many of them there are. */
export function unitsOf(text: string, most: number): { unit: number; codePoints: number } {
  let unit = 0;
  let codePoints = 0;
  for (; codePoints < most && unit < text.length; codePoints++) unit += text.codePointAt(unit)! >= 0x10000 ? 2 : 1;
  return { unit, codePoints };
}

/**
 * All ids of a text, the same as from encoding it whole, but held in pieces meanwhile. `expected`: the count that is
 * likely, exact for `char`, so that the array need not be grown or cut.
 */
export async function encodeStream(
  chunks: AsyncIterable<string>,
  tokenizer: Tokenizer,
  expected = 1 << 16,
): Promise<Tokens> {
  let tokens = makeTokens(tokenizer.vocabSize, expected);
  let length = 0;
  for await (const text of safePieces(chunks, (piece) => tokenizer.safeCut(piece))) {
    const ids = tokenizer.encode(text);
    if (length + ids.length > tokens.length) {
      const grown = makeTokens(tokenizer.vocabSize, Math.max(2 * tokens.length, length + ids.length));
      grown.set(tokens);
      tokens = grown;
    }
    tokens.set(ids, length);
    length += ids.length;
  }
  return length === tokens.length ? tokens : tokens.slice(0, length);
}

const makeTokens = (vocabSize: number, length: number): Tokens =>
  vocabSize <= 0x10000 ? new Uint16Array(length) : new Uint32Array(length);
