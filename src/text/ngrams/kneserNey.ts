import type { Tokens } from '../windows/dataset.ts';
import type { NgramCounts, NgramLevel } from './ngrams.ts';

/** What is taken from counts of 1, of 2 and of 3 or more. */
type Discounts = readonly [one: number, two: number, more: number];

/** What stands where a text is too small or too regular to tell: KenLM's. */
const FALLBACK: Discounts = [0.5, 1, 1.5];

/** The n-grams of one length as counts to be discounted: how often they occur, or of how many tokens they are preceded. */
interface Smoothed {
  readonly counts: Uint32Array;
  readonly discounts: Discounts;
  /** By context: the sum of its n-grams' counts, 0 of one that nothing follows. */
  readonly total: Float64Array;
  /** By context: what the discounts leave for the shorter one, as a share. */
  readonly left: Float64Array;
}

/**
 * Interpolated modified Kneser-Ney smoothing (Chen and Goodman, 1998, section 3): each count is discounted by one of three amounts,
 * estimated from the counts of counts of its level, and what is taken goes to the distribution after a context of one token less, down to
 * the uniform one, so that every token of the vocabulary has a probability above 0 and their sum is 1. After a context of n - 1 tokens it
 * is the model of n-grams: at that level counts are how often n-grams occur, below it of how many different tokens they are preceded.
 */
export class KneserNey {
  /** [n]: n-grams of n + 1 tokens as the longest of a model, by how often they occur. */
  private readonly longest: readonly Smoothed[];
  /** [n]: the same under longer ones, by how many tokens precede them. */
  private readonly under: readonly Smoothed[];

  constructor(readonly counts: NgramCounts) {
    const { levels, order } = counts;
    const contexts = levels.slice(0, order);
    this.longest = contexts.map((level, n) => smooth(level, levels[n + 1].count));
    this.under = contexts.slice(0, -1).map((level, n) => smooth(level, levels[n + 1].continuation));
  }

  /** The probability of `token` after a context, of which the last order - 1 tokens count. */
  probability(context: ArrayLike<number>, token: number): number {
    return this.probabilityAfter(context, Math.max(0, context.length - this.counts.order + 1), context.length, token);
  }

  /** The same after the tokens from `start` to before `end`, at most order - 1. */
  probabilityAfter(tokens: ArrayLike<number>, start: number, end: number, token: number): number {
    const { counts } = this;
    let probability = 1 / counts.vocabSize;
    this.walk(tokens, start, end, (n, node, { counts: values, discounts, total, left }) => {
      const child = counts.next(n, node, token);
      const kept = child < 0 ? 0 : values[child] - discountOf(discounts, values[child]);
      probability = kept / total[node] + left[node] * probability;
    });
    return probability;
  }

  /** The probabilities of all tokens after a context.   -> (vocabSize) */
  distribution(context: ArrayLike<number>): Float64Array {
    const { levels, order, vocabSize } = this.counts;
    const probabilities = new Float64Array(vocabSize).fill(1 / vocabSize);
    const start = Math.max(0, context.length - order + 1);
    this.walk(context, start, context.length, (n, node, { counts: values, discounts, total, left }) => {
      for (let token = 0; token < vocabSize; token++) probabilities[token] *= left[node];
      const { first } = levels[n];
      for (let child = first[node]; child < first[node + 1]; child++) {
        probabilities[levels[n + 1].last[child]] +=
          (values[child] - discountOf(discounts, values[child])) / total[node];
      }
    });
    return probabilities;
  }

  /** Draws the token after a context. @param random a number from 0 to below 1 */
  sample(context: ArrayLike<number>, random: number): number {
    const probabilities = this.distribution(context);
    let rest = random;
    const token = probabilities.findIndex((probability) => (rest -= probability) < 0);
    return token < 0 ? probabilities.length - 1 : token; // what rounding left over
  }

  /**
   * Mean of -ln P over all tokens but the first, each after those before it (of n-grams of `order`, that of the counts unless given), in
   * nats a token. @throws RangeError for fewer than two tokens
   */
  crossEntropy(tokens: Tokens, order: number = this.counts.order): number {
    if (tokens.length < 2) throw new RangeError('a text of two tokens or more is needed: the first is given');
    let sum = 0;
    for (let i = 1; i < tokens.length; i++) {
      sum -= Math.log(this.probabilityAfter(tokens, Math.max(0, i - order + 1), i, tokens[i]));
    }
    return sum / (tokens.length - 1);
  }

  /** Calls `visit` with the contexts that were seen, from the empty one to the whole. */
  private walk(
    tokens: ArrayLike<number>,
    start: number,
    end: number,
    visit: (n: number, node: number, level: Smoothed) => void,
  ): void {
    for (let n = 0; n <= end - start; n++) {
      const level = n === end - start ? this.longest[n] : this.under[n];
      const node = this.counts.find(tokens, end - n, end);
      if (node < 0 || level.total[node] === 0) return; // then no longer one was seen either
      visit(n, node, level);
    }
  }
}

/** @param counts of the n-grams that go on from those of `contexts` */
function smooth({ size, first }: NgramLevel, counts: Uint32Array): Smoothed {
  const discounts = discountsOf(counts);
  const [total, left] = [new Float64Array(size), new Float64Array(size)];
  for (let node = 0; node < size; node++) {
    for (let child = first[node]; child < first[node + 1]; child++) {
      total[node] += counts[child];
      left[node] += discountOf(discounts, counts[child]);
    }
    left[node] /= Math.max(1, total[node]);
  }
  return { counts, discounts, total, left };
}

const discountOf = (discounts: Discounts, count: number): number => discounts[Math.min(count, 3) - 1];

/** From how many n-grams have a count of 1, 2, 3 and 4 (Chen and Goodman, equation 17). */
function discountsOf(counts: Uint32Array): Discounts {
  const of = [0, 0, 0, 0, 0];
  for (const count of counts) if (count < of.length) of[count]++;
  const y = of[1] / (of[1] + 2 * of[2]);
  const discounts = [1, 2, 3].map((count) => count - ((count + 1) * y * of[count + 1]) / of[count]);
  const fit = discounts.every((discount, i) => discount > 0 && discount <= i + 1);
  return fit ? (discounts as unknown as Discounts) : FALLBACK;
}
