/** Sentences for a tagger: cut into stretches that fit its context, and gathered into padded batches of few lengths. */

import type { Tokenizer } from '../tokenizers/types.ts';
import { IGNORE } from '../windows/windows.ts';
import { encodeWords } from './align.ts';
import { encodeKnown, paddedLength } from './labelledBatches.ts';

/** Words of one sentence that fit the context together. */
export interface Stretch {
  /** Index of the sentence. */
  readonly sentence: number;
  /** Index in the sentence of the first word. */
  readonly firstWord: number;
  /** The pieces of the words: at most the context. */
  readonly ids: readonly number[];
  /** For each word, the index into `ids` of its last piece. */
  readonly last: readonly number[];
}

/**
 * Sentences as stretches, in order: together those of a sentence hold each of its words once. Sentences without words have none.
 * Characters that a character tokenizer never saw are left out; a word of such ones alone is read as token 0.
 */
export function stretchesOf(
  tokenizer: Tokenizer,
  sentences: readonly (readonly string[])[],
  context: number,
): Stretch[] {
  const lenient = {
    encode: (text: string): number[] => {
      const ids = encodeKnown(tokenizer, text);
      return ids.length > 0 ? ids : [0];
    },
  };
  return sentences.flatMap((words, sentence) => {
    const stretches: Stretch[] = [];
    for (let firstWord = 0; firstWord < words.length; ) {
      const { ids, last } = encodeWords(lenient, words.slice(firstWord, firstWord + context), context);
      stretches.push({ sentence, firstWord, ids, last });
      firstWord += last.length;
    }
    return stretches;
  });
}

/** A batch as the model takes it: B rows of T pieces, padded behind with zeros; rows of no stretch hold one piece, 0. */
export interface TaggedBatch {
  /** T */
  readonly length: number;
  /** (B, T) */
  readonly ids: Uint32Array<ArrayBuffer>;
  /** (B): pieces in each row. */
  readonly lengths: Uint32Array<ArrayBuffer>;
  /** (B, T): the class at each word's last piece, IGNORE everywhere else. */
  readonly targets: Uint32Array<ArrayBuffer>;
}

/** @param classes of each sentence's words; left out where they are to be found: then all targets are IGNORE */
export function padStretches(
  stretches: readonly Stretch[],
  { batchSize: B, context }: { batchSize: number; context: number },
  classes?: readonly (readonly number[])[],
): TaggedBatch {
  const length = paddedLength(Math.max(...stretches.map(({ ids }) => ids.length)), context);
  const ids = new Uint32Array(B * length);
  const lengths = new Uint32Array(B).fill(1);
  const targets = new Uint32Array(B * length).fill(IGNORE);
  for (const [b, stretch] of stretches.entries()) {
    ids.set(stretch.ids, b * length);
    lengths[b] = stretch.ids.length;
    for (const [w, piece] of stretch.last.entries()) {
      targets[b * length + piece] = classes?.[stretch.sentence][stretch.firstWord + w] ?? IGNORE;
    }
  }
  return { length, ids, lengths, targets };
}
