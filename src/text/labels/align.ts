/** Words to word pieces: a tagger has labels for words, but its model reads pieces. */
import type { Tokenizer } from '../tokenizers/types.ts';

/**
 * Words as pieces. Each word is encoded with a space before it, the first one too, so that a word has the same pieces
 * wherever it stands, every word (an empty one: its space) has at least one, and none reaches over a word's end.
 */
export interface EncodedWords {
  readonly ids: readonly number[];
  /** Of each word that fits, the index into `ids` of its last piece: there a causal model has read the whole word. */
  readonly last: readonly number[];
}

/**
 * The pieces of the first words that fit `context` pieces whole. When not even the first one does, it alone is kept, cut to
 * `context`, so that whoever goes on with the words that were left out always comes to an end. A lone surrogate is read as
 * U+FFFD. Throws UserError when the tokenizer cannot write a character (`char` only).
 */
export function encodeWords(
  tokenizer: Pick<Tokenizer, 'encode'>,
  words: readonly string[],
  context = Number.POSITIVE_INFINITY,
): EncodedWords {
  if (!(context >= 1)) throw new Error(`encodeWords: a context of ${context} pieces holds no word`);
  const ids: number[] = [];
  const last: number[] = [];
  for (const [w, word] of words.entries()) {
    const pieces = tokenizer.encode(` ${word}`);
    if (w > 0 && ids.length + pieces.length > context) break;
    for (const id of pieces.slice(0, context)) ids.push(id);
    last.push(ids.length - 1);
  }
  return { ids, last };
}
