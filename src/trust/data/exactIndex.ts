/** Texts by a hash of 64 bits: whether one came before, and where. */
import { grown } from './nearIndex.ts';

/** Texts that are remembered at most: some 150 MB. */
const MOST_REMEMBERED = 2 ** 22;

/** Two hashes of 32 bits: of 4 million texts two that differ share both once in two million times. */
function hashOf(text: string): [number, number] {
  let [a, b] = [0x811c9dc5, 0x2545f491];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 16777619);
    b = Math.imul(b ^ unit, 0x5bd1e995) ^ (b >>> 15);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b);
  b = Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  return [(a ^ (a >>> 13)) >>> 0, (b ^ (b >>> 16)) >>> 0];
}

/** Texts by their hashes. What it takes grows with them, up to a bound. */
export class ExactIndex {
  /** Different texts that were remembered. */
  count = 0;
  /** Texts that came when no more could be. */
  forgotten = 0;
  private slots = new Uint32Array(1024); // index + 1, 0 where there is none; at most two thirds are taken
  private hashes = new Uint32Array(256); // two each

  constructor(private readonly most = MOST_REMEMBERED) {}

  /** The index of an equal text that was added, or -1. */
  find(text: string): number {
    return this.slots[this.slotOf(hashOf(text))] - 1;
  }

  /** The index of an equal text that was added before; else -1, and it is added with the index `count` if there is place. */
  add(text: string): number {
    const hash = hashOf(text);
    const slot = this.slotOf(hash);
    if (this.slots[slot] !== 0) return this.slots[slot] - 1;
    if (this.count >= this.most) {
      this.forgotten++;
      return -1;
    }
    this.hashes = grown(this.hashes, 2 * this.count + 2);
    this.hashes.set(hash, 2 * this.count);
    this.slots[slot] = ++this.count;
    if (3 * this.count > 2 * this.slots.length) this.rehash();
    return -1;
  }

  private rehash(): void {
    this.slots = new Uint32Array(2 * this.slots.length);
    for (let index = 0; index < this.count; index++) {
      this.slots[this.slotOf([this.hashes[2 * index], this.hashes[2 * index + 1]])] = index + 1;
    }
  }

  private slotOf([a, b]: readonly [number, number]): number {
    const mask = this.slots.length - 1;
    let slot = a & mask;
    while (this.slots[slot] !== 0) {
      const at = 2 * (this.slots[slot] - 1);
      if (this.hashes[at] === a && this.hashes[at + 1] === b) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }
}
