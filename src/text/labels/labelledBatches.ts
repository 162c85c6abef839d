/** Texts for a classifier: encoded, cut to the context, and gathered into padded batches of few lengths. Pure functions. */

import { UserError } from '../../errors.ts';
import { largest } from '../../numbers.ts';
import type { Tokenizer } from '../tokenizers/tokenizer.ts';
import { shuffled } from './labelled.ts';

/** Something as a model takes it. */
export interface TokenSequence {
  /** One token or more, and at most the context. */
  readonly ids: readonly number[];
}

/** A text as a model takes it. */
export interface EncodedText extends TokenSequence {
  /** Whether its end had to be left out. */
  readonly cut: boolean;
}

/**
 * A text's tokens; what exceeds the context is left out at the end. A character tokenizer leaves out characters that it never saw.
 * @throws UserError when nothing is left
 */
export function encodeText(tokenizer: Tokenizer, text: string, context: number): EncodedText {
  const ids = encodeKnown(tokenizer, text);
  if (ids.length > 0) return { ids: ids.slice(0, context), cut: ids.length > context };
  const why = text.trim() === '' ? 'is empty' : `has no character that the model knows ("${text.trim().slice(0, 40)}")`;
  throw new UserError(`a text ${why}; leave it out, or give it words`);
}

/** The tokens of a text; characters that a character tokenizer never saw are left out. */
export const encodeKnown = (tokenizer: Tokenizer, text: string): number[] =>
  encodeIfKnown(tokenizer, text) ?? [...text].flatMap((character) => encodeIfKnown(tokenizer, character) ?? []);

/** Undefined for a text that the tokenizer cannot write. */
function encodeIfKnown(tokenizer: Tokenizer, text: string): number[] | undefined {
  try {
    return tokenizer.encode(text);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** The shortest length that batches are padded to. */
const SHORTEST = 16;

/** The length that so many tokens are padded to: 16, 24, 32, 48, 64, 96 and so on up to the context, so that few steps are recorded. */
export function paddedLength(tokens: number, context: number): number {
  let length = SHORTEST;
  while (length < tokens) length = Number.isInteger(Math.log2(length)) ? 1.5 * length : (length / 3) * 4;
  return Math.min(length, context);
}

/** A batch as the model takes it: B rows of T tokens, padded behind with zeros. Rows of no text hold one token, 0. */
export interface TextBatch {
  /** T */
  readonly length: number;
  /** (B, T) */
  readonly ids: Uint32Array<ArrayBuffer>;
  /** Tokens in each of the B rows. */
  readonly lengths: readonly number[];
}

/** Pads texts to one of few lengths (see `paddedLength`), and the batch to `batchSize` rows. */
export function padTexts(texts: readonly EncodedText[], batchSize: number, context: number): TextBatch {
  const length = paddedLength(largest(texts.map(({ ids }) => ids.length)), context);
  const ids = new Uint32Array(batchSize * length);
  texts.forEach((text, b) => {
    ids.set(text.ids, b * length);
  });
  return { length, ids, lengths: Array.from({ length: batchSize }, (_, b) => texts[b]?.ids.length ?? 1) };
}

/** Indices of texts in batches of at most `batchSize`, like lengths together, so that little is padding. */
export function batchesByLength(texts: readonly TokenSequence[], batchSize: number): number[][] {
  const order = texts.map((_, i) => i).sort((a, b) => texts[a].ids.length - texts[b].ids.length || a - b);
  return chunks(order, batchSize);
}

/** Batches whose texts are sorted by length together, at most: never more than an epoch, or a batch would hold copies of one text. */
const SORTED_BATCHES = 8;

/**
 * Batch after batch of indices to train on, without end: each of exactly `batchSize`. Every epoch has an order of its own, in
 * which the texts of eight batches are sorted by length. Where there are fewer texts than a batch holds, it holds some twice.
 */
export function* trainingBatches(
  texts: readonly TokenSequence[],
  batchSize: number,
  seed: number,
): Generator<number[], never> {
  const indices = texts.map((_, i) => i);
  const epoch = (number: number): number[] => shuffled(indices, mixed(seed, number));
  const size = batchSize * Math.max(1, Math.min(SORTED_BATCHES, Math.floor(texts.length / batchSize)));
  let ahead: number[] = [];
  for (let number = 0, round = 0; ; round++) {
    while (ahead.length < size) ahead = ahead.concat(epoch(number++));
    const pool = ahead.splice(0, size);
    pool.sort((a, b) => texts[a].ids.length - texts[b].ids.length || a - b);
    yield* shuffled(chunks(pool, batchSize), mixed(seed, round));
  }
}

/** A key for each seed and number. */
const mixed = (seed: number, number: number): number => (seed + 1) * 65_537 + number;

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
