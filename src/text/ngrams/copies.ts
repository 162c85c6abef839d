import type { Tokens } from '../windows/dataset.ts';

/** Multiplier of the rolling hash, modulo 2^32: odd. */
const FACTOR = 0x9e3779b1;

/**
 * Which blocks of `size` tokens, cut from `text` side by side, stand verbatim in `within`, at any place. Where both are the same array,
 * those that stood there before, so that of a passage that is there twice one copy counts.
 *
 * Blocks go to a table by their hashes, and a hash that rolls over every place of `within` looks them up (Karp and Rabin, 1987); what it
 * finds is compared, so that the answer is exact. Linear in both texts; memory for the blocks alone.
 * @returns by block 1 where it was found; what is left over at the end is no block
 */
export function findBlocks(text: Tokens, within: Tokens, size: number): Uint8Array {
  const isSame = text === within;
  const blocks = new Blocks(text, size);
  const found = new Uint8Array(blocks.equalTo.length);
  eachHash(within, size, (hash, start) => {
    const block = blocks.at(hash, within, start);
    if (block >= 0 && (!isSame || start < block * size)) found[block] = 1;
  });
  return found.map((_, block) => {
    const first = blocks.equalTo[block];
    return isSame && first < block ? 1 : found[first];
  });
}

/** The blocks of a text by their hashes; of equal ones the first. */
class Blocks {
  /** By block, the first that is equal to it. */
  readonly equalTo: Uint32Array;
  private readonly slots: Uint32Array; // block + 1, 0 where there is none; at most half are taken

  constructor(
    private readonly text: Tokens,
    private readonly size: number,
  ) {
    const count = Math.floor(text.length / size);
    this.slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * count + 2)));
    this.equalTo = new Uint32Array(count);
    for (let block = 0; block < count; block++) {
      const start = block * size;
      const slot = this.slotOf(hashOf(text.subarray(start, start + size)), text, start);
      if (this.slots[slot] === 0) this.slots[slot] = block + 1;
      this.equalTo[block] = this.slots[slot] - 1;
    }
  }

  /** The first block that is equal to the tokens at `start`; -1 when there is none. */
  at(hash: number, tokens: Tokens, start: number): number {
    return this.slots[this.slotOf(hash, tokens, start)] - 1;
  }

  private slotOf(hash: number, tokens: Tokens, start: number): number {
    const mask = this.slots.length - 1;
    let slot = (Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) >>> 5) & mask;
    while (this.slots[slot] !== 0 && !this.isBlock(this.slots[slot] - 1, tokens, start)) slot = (slot + 1) & mask;
    return slot;
  }

  private isBlock(block: number, tokens: Tokens, start: number): boolean {
    const { text, size } = this;
    for (let i = 0; i < size; i++) if (text[block * size + i] !== tokens[start + i]) return false;
    return true;
  }
}

const roll = (hash: number, token: number): number => (Math.imul(hash, FACTOR) + token + 1) | 0;

function hashOf(tokens: Tokens): number {
  let hash = 0;
  for (const token of tokens) hash = roll(hash, token);
  return hash;
}

/** Calls back with the hash of the `size` tokens at every place that has so many. */
function eachHash(tokens: Tokens, size: number, visit: (hash: number, start: number) => void): void {
  let gone = 1; // the weight of a token that leaves
  for (let i = 0; i < size; i++) gone = Math.imul(gone, FACTOR);
  for (let i = 0, hash = 0; i < tokens.length; i++) {
    hash = roll(hash, tokens[i]);
    if (i >= size) hash = (hash - Math.imul(gone, tokens[i - size] + 1)) | 0;
    if (i >= size - 1) visit(hash, i + 1 - size);
  }
}
