import TinyQueue from 'tinyqueue';
import { UsageError } from '../../errors.ts';
import { safePieces } from '../windows/stream.ts';
import { BpeTokenizer, SHORT_WORD } from './bpe.ts';
import { ALPHABET, spellText, utf8Decoder, wellFormed } from './bytes.ts';
import { wordCut, words } from './pretokenize.ts';
import type { BpeKind } from './types.ts';

/** Largest vocabulary that is trained here: ids stay within 16 bits, and a pair of them within an exact product. */
export const MAX_BPE_VOCABULARY = 65536;

/** How often each word of the text occurs. */
export async function countWords(kind: BpeKind, chunks: AsyncIterable<string>): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const text of safePieces(chunks, wordCut)) {
    for (const word of words(kind, wellFormed(text))) {
      const count = counts.get(word);
      counts.set(count === undefined ? detach(word) : word, (count ?? 0) + 1);
    }
  }
  return counts;
}

/** A copy that does not keep the chunk that the word was cut from. */
function detach(word: string): string {
  return word.length <= SHORT_WORD ? word : utf8Decoder().decode(new TextEncoder().encode(word));
}

/** Byte-level BPE with GPT-2's split, `vocabSize` tokens with the 256 bytes (fewer when no pair occurs twice any more). */
export async function trainBpe(chunks: AsyncIterable<string>, vocabSize: number): Promise<BpeTokenizer> {
  if (!(Number.isInteger(vocabSize) && vocabSize > 256 && vocabSize <= MAX_BPE_VOCABULARY)) {
    throw new UsageError(
      `a bpe tokenizer's vocabulary must be a whole number from 257 (256 bytes and a merge) to ${MAX_BPE_VOCABULARY}, ` +
        `got ${vocabSize}; try --tokenizer bpe:1024`,
    );
  }
  return new BpeTokenizer('bpe', learnTokens(await countWords('bpe', chunks), vocabSize - 256));
}

interface Word {
  symbols: number[];
  readonly count: number;
}

interface Candidate {
  readonly pair: number;
  readonly count: number;
}

const pairOf = (left: number, right: number): number => left * MAX_BPE_VOCABULARY + right;

/**
 * Up to `tokenCount` spelled tokens of two bytes or more, in the order in which they were made. Each step merges the pair
 * of neighbours that occurs most often (overlaps counted, as minbpe counts them), of equals the one with the lowest left
 * and then the lowest right id; it ends early when no pair occurs twice. A pair that spells a known token becomes it.
 */
export function learnTokens(wordCounts: ReadonlyMap<string, number>, tokenCount: number): string[] {
  const spelled = [...ALPHABET];
  const idOf = new Map(spelled.map((token, id) => [token, id]));
  const pairs = new PairCounts(wordCounts, idOf);
  while (spelled.length < 256 + tokenCount) {
    const pair = pairs.mostFrequent();
    if (pair === undefined) break;
    const left = Math.floor(pair / MAX_BPE_VOCABULARY);
    const right = pair % MAX_BPE_VOCABULARY;
    const token = spelled[left] + spelled[right];
    const id = idOf.get(token) ?? spelled.push(token) - 1;
    idOf.set(token, id);
    pairs.merge(left, right, id);
  }
  return spelled.slice(256);
}

/**
 * The words as symbols, with how often each pair of neighbours occurs and in which words it may. A merge touches only
 * these words. Queue entries may be too high, never too low, and are put right when they come up.
 */
class PairCounts {
  readonly #words: Word[] = [];
  readonly #counts = new Map<number, number>();
  readonly #wordsWith = new Map<number, number[]>();
  readonly #queue = new TinyQueue<Candidate>([], (a, b) => b.count - a.count || a.pair - b.pair);

  constructor(wordCounts: ReadonlyMap<string, number>, idOf: ReadonlyMap<string, number>) {
    for (const [text, count] of wordCounts) {
      const symbols = Array.from(spellText(text), (byte) => idOf.get(byte)!);
      this.#words.push({ symbols, count });
      this.#tally(symbols, count);
      for (let i = 1; i < symbols.length; i++)
        this.#remember(pairOf(symbols[i - 1], symbols[i]), this.#words.length - 1);
    }
    for (const [pair, count] of this.#counts) this.#queue.push({ pair, count });
  }

  /** The pair to merge next, or undefined when none occurs twice. */
  mostFrequent(): number | undefined {
    for (let top = this.#queue.pop(); top !== undefined; top = this.#queue.pop()) {
      const count = this.#counts.get(top.pair) ?? 0;
      if (count < 2) continue;
      if (count === top.count) return top.pair;
      this.#queue.push({ pair: top.pair, count });
    }
    return undefined;
  }

  merge(left: number, right: number, id: number): void {
    const touched = new Set<number>();
    for (const index of this.#wordsWith.get(pairOf(left, right)) ?? []) {
      const word = this.#words[index];
      const merged = mergePair(word.symbols, left, right, id);
      if (merged.length === word.symbols.length) continue;
      this.#tally(word.symbols, -word.count);
      this.#tally(merged, word.count);
      word.symbols = merged;
      for (const pair of pairsWith(merged, id)) {
        this.#remember(pair, index);
        touched.add(pair);
      }
    }
    this.#wordsWith.delete(pairOf(left, right));
    for (const pair of touched) this.#queue.push({ pair, count: this.#counts.get(pair)! });
  }

  #tally(symbols: readonly number[], count: number): void {
    for (let i = 1; i < symbols.length; i++) {
      const pair = pairOf(symbols[i - 1], symbols[i]);
      const sum = (this.#counts.get(pair) ?? 0) + count;
      if (sum === 0) this.#counts.delete(pair);
      else this.#counts.set(pair, sum);
    }
  }

  #remember(pair: number, word: number): void {
    const known = this.#wordsWith.get(pair);
    if (!known) this.#wordsWith.set(pair, [word]);
    else if (known[known.length - 1] !== word) known.push(word);
  }
}

function mergePair(symbols: readonly number[], left: number, right: number, id: number): number[] {
  const merged: number[] = [];
  for (let i = 0; i < symbols.length; i++) {
    const found = symbols[i] === left && symbols[i + 1] === right;
    merged.push(found ? id : symbols[i]);
    if (found) i++;
  }
  return merged;
}

function pairsWith(symbols: readonly number[], id: number): number[] {
  const pairs: number[] = [];
  for (let i = 1; i < symbols.length; i++) {
    if (symbols[i - 1] === id || symbols[i] === id) pairs.push(pairOf(symbols[i - 1], symbols[i]));
  }
  return pairs;
}
