/** Sentences for a tagger: cut into segments that fit its context, and gathered into padded batches of few lengths. */

import { largest } from '../../numbers.ts';
import type { Tokenizer } from '../tokenizers/types.ts';
import { IGNORE } from '../windows/windows.ts';
import { encodeWords } from './align.ts';
import { encodeKnown, paddedLength } from './labelledBatches.ts';

/** Words of one sentence that fit the context together. */
export interface Segment {
  /** Index of the sentence. */
  readonly sentence: number;
  /** Index in the sentence of the first word. */
  readonly firstWord: number;
  /** The tokens of the words: at most the context. */
  readonly ids: readonly number[];
  /** For each word, the index into `ids` of its last token. */
  readonly last: readonly number[];
}

/**
 * Sentences as segments, in order: together those of a sentence hold each of its words once. Sentences without words have none.
 * Characters that a character tokenizer never saw are left out; a word of such ones alone is read as token 0.
 */
export function segmentsOf(
  tokenizer: Tokenizer,
  sentences: readonly (readonly string[])[],
  context: number,
): Segment[] {
  const lenient = {
    encode: (text: string): number[] => {
      const ids = encodeKnown(tokenizer, text);
      return ids.length > 0 ? ids : [0];
    },
  };
  return sentences.flatMap((words, sentence) => {
    const segments: Segment[] = [];
    for (let firstWord = 0; firstWord < words.length; ) {
      const { ids, last } = encodeWords(lenient, words.slice(firstWord, firstWord + context), context);
      segments.push({ sentence, firstWord, ids, last });
      firstWord += last.length;
    }
    return segments;
  });
}

/** A batch as the model takes it: B rows of T tokens, padded behind with zeros; rows of no segment hold one token, 0. */
export interface TaggedBatch {
  /** T */
  readonly length: number;
  /** (B, T) */
  readonly ids: Uint32Array<ArrayBuffer>;
  /** (B): tokens in each row. */
  readonly lengths: Uint32Array<ArrayBuffer>;
  /** (B, T): the class at each word's last token, IGNORE everywhere else. */
  readonly targets: Uint32Array<ArrayBuffer>;
}

/** @param classes of each sentence's words; left out where they are to be found: then all targets are IGNORE */
export function padSegments(
  segments: readonly Segment[],
  { batchSize: B, context }: { batchSize: number; context: number },
  classes?: readonly (readonly number[])[],
): TaggedBatch {
  const length = paddedLength(largest(segments.map(({ ids }) => ids.length)), context);
  const ids = new Uint32Array(B * length);
  const lengths = new Uint32Array(B).fill(1);
  const targets = new Uint32Array(B * length).fill(IGNORE);
  for (const [b, segment] of segments.entries()) {
    ids.set(segment.ids, b * length);
    lengths[b] = segment.ids.length;
    for (const [w, token] of segment.last.entries()) {
      targets[b * length + token] = classes?.[segment.sentence][segment.firstWord + w] ?? IGNORE;
    }
  }
  return { length, ids, lengths, targets };
}
