/** N-grams once more, as plainly as can be: what the trie and its smoothing are judged by. */
import { mix } from '../../../src/text/windows/permutation.ts';

export const key = (tokens: ArrayLike<number>): string => Array.from(tokens).join(' ');

/** Tokens that look random, early ones of the vocabulary oftener. */
export const hashedTokens = (length: number, symbols: number): Uint16Array =>
  Uint16Array.from({ length }, (_, i) => Math.floor(symbols * (mix(i, 11) / 2 ** 32) ** 2));

export interface PlainCounts {
  readonly count: Map<string, number>;
  /** What stands before each. */
  readonly preceding: Map<string, Set<string>>;
}

export function countPlainly(tokens: ArrayLike<number>, order: number): PlainCounts {
  const [all, count, preceding] = [Array.from(tokens), new Map<string, number>(), new Map<string, Set<string>>()];
  for (let start = 0; start < all.length; start++) {
    for (let n = 1; n <= order && start + n <= all.length; n++) {
      const ngram = key(all.slice(start, start + n));
      count.set(ngram, (count.get(ngram) ?? 0) + 1);
      preceding.set(ngram, (preceding.get(ngram) ?? new Set()).add(start > 0 ? `${all[start - 1]}` : 'beginning'));
    }
  }
  return { count, preceding };
}

/** P(token | context) by the recursion that the paper gives. */
export function plainKneserNey({ count, preceding }: PlainCounts, vocabSize: number) {
  const pseudo = (ngram: string, longest: boolean): number =>
    (longest ? count.get(ngram) : preceding.get(ngram)?.size) ?? 0;

  const discountsOf = (length: number, longest: boolean): number[] => {
    const values = [...count.keys()]
      .filter((one) => one.split(' ').length === length)
      .map((one) => pseudo(one, longest));
    const [n1, n2, n3, n4] = [1, 2, 3, 4].map((r) => values.filter((value) => value === r).length);
    const Y = n1 / (n1 + 2 * n2);
    const D = [1 - (2 * Y * n2) / n1, 2 - (3 * Y * n3) / n2, 3 - (4 * Y * n4) / n3];
    return D[0] > 0 && D[0] <= 1 && D[1] > 0 && D[1] <= 2 && D[2] > 0 && D[2] <= 3 ? D : [0.5, 1, 1.5];
  };

  const discounts = new Map<string, number[]>();
  return function probability(context: number[], token: number, longest = true): number {
    const shorter = context.length === 0 ? 1 / vocabSize : probability(context.slice(1), token, false);
    const values = Array.from({ length: vocabSize }, (_, next) => pseudo(key([...context, next]), longest));
    const total = values.reduce((sum, value) => sum + value, 0);
    if (total === 0) return shorter;
    const level = `${context.length} ${longest}`;
    if (!discounts.has(level)) discounts.set(level, discountsOf(context.length + 1, longest));
    const taken = (value: number): number => (value === 0 ? 0 : discounts.get(level)![Math.min(value, 3) - 1]);
    const left = values.reduce((sum, value) => sum + taken(value), 0) / total;
    return (values[token] - taken(values[token])) / total + left * shorter;
  };
}
