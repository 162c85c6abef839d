import type { Tokens } from '../windows/dataset.ts';

/** Digits of the sort are below this: their counts stay in the cache. */
const MOST_DIGITS = 2 ** 16;

/**
 * The positions of a text, sorted by the `depth` tokens that begin there; the text's end comes before all tokens. A radix sort from
 * the last token to the first, stable in every pass, with several tokens to a digit where the vocabulary is small: linear in the text.
 */
export function sortPositions(tokens: Tokens, depth: number, vocabSize: number): Uint32Array {
  const { digits, width, base } = digitsOf(tokens, depth, vocabSize);
  let sorted = Uint32Array.from({ length: 0 });
  let spare: Uint32Array<ArrayBuffer> = new Uint32Array(tokens.length);
  for (let offset = depth; offset > 0; ) {
    offset = Math.max(0, offset - width);
    const result = sortPass(digits, base, offset, sorted, spare);
    spare = sorted.length === 0 ? new Uint32Array(offset > 0 ? tokens.length : 0) : sorted;
    sorted = result;
  }
  return sorted;
}

/** For each position the `width` tokens from it on as one number below `base`: tokens from 1, the end of the text 0. */
function digitsOf(tokens: Tokens, depth: number, vocabSize: number) {
  const radix = vocabSize + 1;
  let [width, base] = [1, radix];
  while (width < depth && base * radix <= MOST_DIGITS) [width, base] = [width + 1, base * radix];
  const digits = base <= 0x10000 ? new Uint16Array(tokens.length) : new Uint32Array(tokens.length);
  for (let i = tokens.length - 1, digit = 0; i >= 0; i--) {
    digit = Math.floor(digit / radix) + (tokens[i] + 1) * (base / radix);
    digits[i] = digit;
  }
  return { digits, width, base };
}

/** Sorts positions by the digit that lies `offset` after each, those that are equal in the order of `from` (of none: that of the text). */
function sortPass(
  digits: Tokens,
  base: number,
  offset: number,
  from: Uint32Array,
  to: Uint32Array<ArrayBuffer>,
): Uint32Array<ArrayBuffer> {
  const ends = new Uint32Array(base + 1);
  for (let i = offset; i < digits.length; i++) ends[digits[i] + 1]++;
  ends[1] += Math.min(offset, digits.length); // beyond the end is digit 0
  for (let digit = 0; digit < base; digit++) ends[digit + 1] += ends[digit];
  const inOrder = from.length === 0;
  for (let i = 0; i < digits.length; i++) {
    const position = inOrder ? i : from[i];
    const at = position + offset;
    to[ends[at < digits.length ? digits[at] : 0]++] = position;
  }
  return to;
}
