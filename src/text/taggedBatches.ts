/** Sentences for a tagger: cut into stretches that fit its context, and gathered into padded batches of few lengths. */
import { encodeWords } from './align.ts';
import { IGNORE } from './batches.ts';
import { shuffled } from './labelled.ts';
import type { Tokenizer } from './types.ts';

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

/** Sentences as stretches, in order: together those of a sentence hold each of its words once. Sentences without words have none. */
export function stretchesOf(
  tokenizer: Tokenizer,
  sentences: readonly (readonly string[])[],
  context: number,
): Stretch[] {
  return sentences.flatMap((words, sentence) => {
    const stretches: Stretch[] = [];
    for (let firstWord = 0; firstWord < words.length; ) {
      const { ids, last, wordCount } = encodeWords(tokenizer, words.slice(firstWord, firstWord + context), context);
      stretches.push({ sentence, firstWord, ids, last });
      firstWord += wordCount;
    }
    return stretches;
  });
}

/** The shortest length that batches are padded to. */
const SHORTEST = 16;

/** The length that `pieces` are padded to: 16, 24, 32, 48, 64, 96 and so on up to the context, so that few steps are recorded. */
export function paddedLength(pieces: number, context: number): number {
  let length = SHORTEST;
  while (length < pieces) length = Number.isInteger(Math.log2(length)) ? 1.5 * length : (length / 3) * 4;
  return Math.min(length, context);
}

/** Batches whose stretches are sorted by length together. */
const POOL = 8;

/**
 * Batches of at most `batchSize` stretches, like ones together, so that little is padding. With a seed in random order, drawn
 * anew by each `epoch`, and sorted only within pools of 8 batches; without one the short stretches come first.
 */
export function gather(
  stretches: readonly Stretch[],
  { batchSize, order }: { batchSize: number; order?: { seed: number; epoch: number } },
): Stretch[][] {
  const byLength = (a: Stretch, b: Stretch): number => a.ids.length - b.ids.length;
  if (!order) return chunks(stretches.toSorted(byLength), batchSize);
  const key = order.seed * 65_537 + 2 * order.epoch; // each epoch of each seed has keys of its own; `mix` spreads them
  const pools = chunks(shuffled(stretches, key), POOL * batchSize);
  return shuffled(
    pools.flatMap((pool) => chunks(pool.toSorted(byLength), batchSize)),
    key + 1,
  );
}

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));

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
