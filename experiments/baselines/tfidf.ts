/** Texts as sparse vectors of the words and word pairs in them. */

/** Rows of a sparse matrix, one after another: entries start[r] to start[r + 1] of `column` and `value` are row r. */
export interface SparseRows {
  readonly start: Int32Array;
  readonly column: Int32Array;
  readonly value: Float64Array;
}

const WORD = /[\p{L}\p{N}\p{M}]+(?:['’][\p{L}\p{M}]+)*/gu;
/** Beyond so many, only the features of the most texts are kept: the rest is rare, and would cost minutes. */
const MAX_FEATURES = 50_000;

/** How a text is taken apart. */
export type WordsOf = (text: string) => readonly string[];

/** Letters and digits together, letter case aside. */
const wordsOfProse: WordsOf = (text) => text.toLowerCase().match(WORD) ?? [];

/** How often each word and each pair of neighbouring words occurs in `text`. */
export function termCounts(text: string, wordsOf: WordsOf = wordsOfProse): Map<string, number> {
  const words = wordsOf(text);
  const counts = new Map<string, number>();
  for (const [i, word] of words.entries()) {
    counts.set(word, (counts.get(word) ?? 0) + 1);
    if (i === 0) continue;
    const pair = `${words[i - 1]} ${word}`;
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  return counts;
}

/**
 * Term frequency times inverse document frequency (Salton and Buckley 1988, "Term-weighting approaches in automatic text
 * retrieval"): (1 + ln tf) (1 + ln((1 + N) / (1 + df))), each text's vector scaled to length 1. Terms that the training
 * texts did not hold are left out; a text of such terms alone is the zero vector.
 */
export class Tfidf {
  readonly #column = new Map<string, number>();
  readonly #idf: Float64Array;

  /** Learns the terms of the training texts and in how many of them each occurs. */
  constructor(texts: readonly ReadonlyMap<string, number>[]) {
    const frequency = new Map<string, number>();
    for (const counts of texts) for (const term of counts.keys()) frequency.set(term, (frequency.get(term) ?? 0) + 1);
    const kept = [...frequency].sort(([, a], [, b]) => b - a).slice(0, MAX_FEATURES);
    this.#idf = Float64Array.from(kept, ([, df]) => 1 + Math.log((1 + texts.length) / (1 + df)));
    for (const [column, [term]] of kept.entries()) this.#column.set(term, column);
  }

  get featureCount(): number {
    return this.#idf.length;
  }

  rows(texts: readonly ReadonlyMap<string, number>[]): SparseRows {
    const start = new Int32Array(texts.length + 1);
    const [column, value]: [number[], number[]] = [[], []];
    for (const [r, counts] of texts.entries()) {
      for (const [term, weight] of this.#weigh(counts)) {
        column.push(term);
        value.push(weight);
      }
      start[r + 1] = column.length;
    }
    return { start, column: Int32Array.from(column), value: Float64Array.from(value) };
  }

  #weigh(counts: ReadonlyMap<string, number>): [column: number, weight: number][] {
    const weights: [number, number][] = [];
    for (const [term, count] of counts) {
      const column = this.#column.get(term);
      if (column !== undefined) weights.push([column, (1 + Math.log(count)) * this.#idf[column]]);
    }
    const length = Math.sqrt(weights.reduce((sum, [, weight]) => sum + weight ** 2, 0));
    return weights.map(([column, weight]) => [column, weight / length]);
  }
}
