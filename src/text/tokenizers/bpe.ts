import TinyQueue from 'tinyqueue';
import { ALPHABET, spellText, unspell, wellFormed } from './bytes.ts';
import { wordCut, words } from './pretokenize.ts';
import { TokenTable } from './tokenTable.ts';
import type { BpeKind, TokenizerFile } from './types.ts';

/** Encoded words kept at a time; natural text has few words that it repeats often. */
const CACHED_WORDS = 1 << 16;
/** V8 keeps the whole chunk alive for a substring of 13 units or more, so that only shorter words are cheap keys. */
export const SHORT_WORD = 12;
const POSITIONS = 2 ** 32;

/**
 * Byte-level byte-pair encoding (Sennrich et al. 2016, as in GPT-2 and tiktoken): a word's bytes are merged, the pair
 * that spells the lowest-ranked token first, the leftmost of equals. A token is its bytes, so that any two neighbours
 * that spell it may merge. Ids 0 to 255 are the bytes, then come the tokens in rank order.
 */
export class BpeTokenizer extends TokenTable {
  readonly kind: BpeKind;
  readonly #tokens: readonly string[];
  readonly #mergeOnly: readonly number[];
  readonly #ranks: ReadonlyMap<string, number>;
  /** Rank to ids: one id, or for a merge-only token the ids of its parts. */
  readonly #idsOfRank: readonly number[][];
  readonly #cache = new Map<string, number[]>();

  /** `tokens`: spelled, distinct, of two bytes or more, in rank order; `mergeOnly`: indices into it without an id. */
  constructor(kind: BpeKind, tokens: readonly string[], mergeOnly: readonly number[] = []) {
    const spelled = [...ALPHABET, ...tokens];
    const hidden = new Set(mergeOnly.map((index) => index + 256));
    super(spelled.filter((_, rank) => !hidden.has(rank)).map((token) => unspell(token)!));
    this.kind = kind;
    this.#tokens = tokens;
    this.#mergeOnly = mergeOnly;
    this.#ranks = new Map(spelled.map((token, rank) => [token, rank]));
    this.#idsOfRank = this.#numberRanks(spelled, hidden);
  }

  encode(text: string): number[] {
    const ids: number[] = [];
    for (const word of words(this.kind, wellFormed(text))) for (const id of this.#encodeWord(word)) ids.push(id);
    return ids;
  }

  safeCut(text: string): number {
    return wordCut(text);
  }

  toJSON(): TokenizerFile {
    return { kind: this.kind, version: 1, tokens: [...this.#tokens], mergeOnly: [...this.#mergeOnly] };
  }

  #encodeWord(word: string): number[] {
    const cached = this.#cache.get(word);
    if (cached) return cached;
    const ids = mergeWord(spellText(word), this.#ranks).flatMap((rank) => this.#idsOfRank[rank]);
    if (word.length > SHORT_WORD) return ids;
    if (this.#cache.size >= CACHED_WORDS) this.#cache.clear();
    this.#cache.set(word, ids);
    return ids;
  }

  #numberRanks(spelled: readonly string[], hidden: ReadonlySet<number>): number[][] {
    let next = 0;
    const ids: number[][] = [];
    for (const [rank, token] of spelled.entries()) {
      ids.push(hidden.has(rank) ? parts(token, rank, this.#ranks).flatMap((part) => ids[part]) : [next++]);
    }
    return ids;
  }
}

/** Ranks, all below `rank`, that spell `token`: the two halves whose later one came first, else the single bytes. */
function parts(token: string, rank: number, ranks: ReadonlyMap<string, number>): number[] {
  let best: number[] = [];
  let latest = rank;
  for (let cut = 1; cut < token.length; cut++) {
    const left = ranks.get(token.slice(0, cut)) ?? rank;
    const right = ranks.get(token.slice(cut)) ?? rank;
    if (Math.max(left, right) >= latest) continue;
    latest = Math.max(left, right);
    best = [left, right];
  }
  return best.length > 0 ? best : [...token].map((byte) => ranks.get(byte)!);
}

/**
 * The ranks of the tokens that a spelled word merges into; `ranks` holds the single bytes too, and a pair merges that spells a
 * token. `made` collects the rank of every merge on the way.
 */
export function mergeWord(word: string, ranks: ReadonlyMap<string, number>, made?: Set<number>): number[] {
  const parts = mergePairs(word, (start, _, end) => ranks.get(word.slice(start, end)), made);
  return parts.map((part) => ranks.get(part)!);
}

/**
 * The parts that a word merges into, the pair of the lowest rank first and the leftmost of equals, in O(n log n) however long the
 * word is. `rankOf` knows the rank of the pair that reaches from `start` over `middle` to `end`, if these two merge at all.
 *
 * Symbols are named by where they start. The queue holds rank * 2^32 + start, so that the lowest rank comes first and the
 * leftmost of equals; an entry whose pair has changed meanwhile is recognised by its rank and skipped.
 */
export function mergePairs(
  word: string,
  rankOf: (start: number, middle: number, end: number) => number | undefined,
  made?: Set<number>,
): string[] {
  const length = word.length;
  const end = Int32Array.from({ length }, (_, start) => start + 1);
  const previous = Int32Array.from({ length }, (_, start) => start - 1);
  const pairRank = new Int32Array(length);
  const queue = new TinyQueue<number>();
  const consider = (start: number): void => {
    const middle = end[start];
    const rank = middle < length ? (rankOf(start, middle, end[middle]) ?? -1) : -1;
    pairRank[start] = rank;
    if (rank >= 0) queue.push(rank * POSITIONS + start);
  };
  for (let start = 0; start < length; start++) consider(start);
  for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) {
    const rank = Math.floor(entry / POSITIONS);
    const start = entry % POSITIONS;
    if (pairRank[start] !== rank) continue;
    made?.add(rank);
    pairRank[end[start]] = -1;
    end[start] = end[end[start]];
    if (end[start] < length) previous[end[start]] = start;
    consider(start);
    if (start > 0) consider(previous[start]);
  }
  const merged: string[] = [];
  for (let start = 0; start < length; start = end[start]) merged.push(word.slice(start, end[start]));
  return merged;
}
