const ROUNDS = 6;

/** Murmur3's 32-bit finalizer over two words: every bit of both moves every bit of the result. */
export function mix(a: number, b: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b + 0x7f4a7c15, 0x85ebca77);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * The image of `index` under the permutation of 0 ... size - 1 that `key` picks, in constant time and space.
 *
 * A Feistel network of hashed halves permutes the smallest square power of two that holds `size`; an image outside is
 * permuted again until it falls inside (cycle walking), which keeps it one to one (Black and Rogaway 2002, "Ciphers with
 * arbitrary finite domains"). The domain is less than 4 * size, so that fewer than four walks are expected.
 * `size` at most 2^32.
 */
export function permute(index: number, size: number, key: number): number {
  const halfBits = Math.max(1, Math.ceil(Math.log2(size) / 2));
  let image = index;
  do image = feistel(image, halfBits, key);
  while (image >= size);
  return image;
}

function feistel(index: number, halfBits: number, key: number): number {
  const half = 2 ** halfBits;
  let left = Math.floor(index / half);
  let right = index % half;
  for (let round = 0; round < ROUNDS; round++) {
    [left, right] = [right, (left ^ mix(key + round, right)) & (half - 1)];
  }
  return left * half + right;
}
