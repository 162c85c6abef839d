/** Words to word pieces and back: a tagger has labels for words, but its model reads pieces. */
import type { Tokenizer } from './types.ts';

/**
 * Words as pieces. Each word is encoded with a space before it, the first one too, so that a word has the same pieces
 * wherever it stands, every word (an empty one: its space) has at least one, and none reaches over a word's end.
 */
export interface EncodedWords {
  readonly ids: readonly number[];
  /** How many of the words fit; the arrays below are that long. */
  readonly wordCount: number;
  /** Index into `ids` of the first piece that holds some of the word itself, not only of the space before it. */
  readonly first: readonly number[];
  /** Index of its last piece: at this position a causal model has read the whole word. */
  readonly last: readonly number[];
  /** Where each word starts and ends in `words.join(' ')`, in UTF-16 units. */
  readonly start: readonly number[];
  readonly end: readonly number[];
}

/**
 * The pieces of the first words that fit `context` pieces whole. When not even the first one does, it alone is kept, cut to
 * `context`, so that whoever goes on with the words that were left out always comes to an end. A lone surrogate is read as
 * U+FFFD. Throws UserError when the tokenizer cannot write a character (`char` only).
 */
export function encodeWords(
  tokenizer: Pick<Tokenizer, 'encode' | 'tokenBytes'>,
  words: readonly string[],
  context = Number.POSITIVE_INFINITY,
): EncodedWords {
  if (!(context >= 1)) throw new Error(`encodeWords: a context of ${context} pieces holds no word`);
  const ids: number[] = [];
  const [first, last, start, end] = [[], [], [], []] as number[][];
  for (const [w, word] of words.entries()) {
    const pieces = tokenizer.encode(` ${word}`);
    if (w > 0 && ids.length + pieces.length > context) break;
    const kept = Math.min(pieces.length, context);
    first.push(ids.length + Math.min(piecesOfSpace(tokenizer, pieces), kept - 1));
    for (const id of pieces.slice(0, kept)) ids.push(id);
    last.push(ids.length - 1);
    start.push(w > 0 ? end[w - 1] + 1 : 0);
    end.push(start[w] + word.length);
  }
  return { ids, wordCount: last.length, first, last, start, end };
}

/** 1 when the space before the word is a piece of its own, else 0. */
const piecesOfSpace = (tokenizer: Pick<Tokenizer, 'tokenBytes'>, pieces: readonly number[]): number =>
  tokenizer.tokenBytes(pieces[0]).length === 1 ? 1 : 0;
