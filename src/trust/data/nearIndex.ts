/**
 * MinHash with banding (Broder, 1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3). The least of a text's shingles
 * under a random order is that of another text with a probability of their Jaccard similarity; a signature keeps the least under each of 126
 * orders. In 21 bands of 6, texts that agree in a whole band are candidates: 99.8% of pairs of similarity 0.8, 28% of 0.5, 1.5% of 0.3.
 * Candidates are compared, so that what is said to be similar is.
 */
import { jaccard } from './shingles.ts';

const [BANDS, ROWS] = [21, 6];
/** Orders of a signature. */
export const PERMUTATIONS = BANDS * ROWS;

/** Similarity from which two texts are near-duplicates. */
export const NEAR = 0.8;

/** Texts that are remembered at most: some 300 MB. Those of 500 MB of prose are about a million. */
export const MOST_REMEMBERED = 2 ** 20;
/** Shingles that are kept at most, for exact comparison: 64 MB, those of 100 MB of text. */
const MOST_SHINGLES = 2 ** 24;

/** Texts of one band that are looked at, and slots in which place is looked for: form letters may agree in a band by thousands. */
const [MOST_LOOKED_AT, MOST_PROBED] = [32, 256];

/** Signatures tell similarity to 0.036 (one standard error): candidates this far below are left without exact comparison. */
const FAR_BELOW = 0.16;

/** The remembered text that is most similar. */
export interface NearMatch {
  /** Of the text, in the order in which they were added. */
  readonly index: number;
  readonly similarity: number;
}

/** Odd factors and offsets of the orders x -> factor x + offset, modulo 2^32. */
const [FACTORS, OFFSETS] = orders();

function orders(): [Int32Array, Int32Array] {
  const [factors, offsets] = [new Int32Array(PERMUTATIONS), new Int32Array(PERMUTATIONS)];
  let state = 0x2545f491;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
  for (let i = 0; i < PERMUTATIONS; i++) {
    factors[i] = next() | 1;
    offsets[i] = next();
  }
  return [factors, offsets];
}

/** The lowest byte of the least shingle under each order: two that differ agree in it once in 256 times. */
export function signatureOf(shingles: Uint32Array): Uint8Array {
  const signature = new Uint8Array(PERMUTATIONS);
  for (let i = 0; i < PERMUTATIONS; i++) {
    const [factor, offset] = [FACTORS[i], OFFSETS[i]];
    let least = 0x7fffffff;
    for (let s = 0; s < shingles.length; s++) {
      const value = (Math.imul(factor, shingles[s]) + offset) | 0;
      if (value < least) least = value;
    }
    signature[i] = least ^ (least >>> 8);
  }
  return signature;
}

/** What share of two signatures agrees: an estimate of the texts' similarity. */
function agreement(a: Uint8Array, atA: number, b: Uint8Array): number {
  let same = 0;
  for (let i = 0; i < PERMUTATIONS; i++) if (a[atA + i] === b[i]) same++;
  return same / PERMUTATIONS;
}

/** Texts that can be asked for one that is similar. What it takes grows with them, up to a bound. */
export class NearIndex {
  /** Texts that were added. */
  count = 0;
  /** Texts that came when no more could be remembered. */
  forgotten = 0;
  private signatures = new Uint8Array(PERMUTATIONS * 64);
  private slots = new Int32Array(4096); // index + 1 of a text in the band's place or behind it, 0 where there is none
  private taken = 0;
  private shingles = new Uint32Array(4096);
  private starts = new Uint32Array(64); // of a text's shingles; those of texts that do not fit are none
  private used = 0;

  constructor(private readonly most = MOST_REMEMBERED) {}

  /** The remembered text most similar to one of these shingles, if any is to `NEAR` or more. */
  find(shingles: Uint32Array, signature: Uint8Array): NearMatch | undefined {
    let best: NearMatch | undefined;
    const compared = new Set<number>();
    for (let band = 0; band < BANDS; band++) {
      let looked = 0;
      for (let slot = this.slotOf(signature, 0, band); this.slots[slot] !== 0; slot = this.next(slot)) {
        const index = this.slots[slot] - 1;
        if (compared.has(index) || !this.agrees(index, signature, band)) continue;
        if (++looked > MOST_LOOKED_AT) break;
        compared.add(index);
        const similarity = this.similarity(index, shingles, signature);
        if (similarity >= NEAR && !(best && best.similarity >= similarity)) best = { index, similarity };
      }
    }
    return best;
  }

  /** Remembers a text. @returns its index, or -1 when no more are remembered */
  add(shingles: Uint32Array, signature: Uint8Array): number {
    if (this.count >= this.most) {
      this.forgotten++;
      return -1;
    }
    const index = this.count++;
    this.signatures = grown(this.signatures, this.count * PERMUTATIONS);
    this.signatures.set(signature, index * PERMUTATIONS);
    this.starts = grown(this.starts, this.count + 1);
    const fits = this.used + shingles.length <= MOST_SHINGLES;
    if (fits) {
      this.shingles = grown(this.shingles, this.used + shingles.length);
      this.shingles.set(shingles, this.used);
      this.used += shingles.length;
    }
    this.starts[this.count] = this.used;
    if (3 * (this.taken + BANDS) > 2 * this.slots.length) this.rehash();
    this.enter(index);
    return index;
  }

  private enter(index: number): void {
    for (let band = 0; band < BANDS; band++) {
      let slot = this.slotOf(this.signatures, index * PERMUTATIONS, band);
      for (let probed = 0; this.slots[slot] !== 0 && probed < MOST_PROBED; probed++) slot = this.next(slot);
      if (this.slots[slot] !== 0) continue; // it is found by other bands
      this.slots[slot] = index + 1;
      this.taken++;
    }
  }

  private rehash(): void {
    this.slots = new Int32Array(2 * this.slots.length);
    this.taken = 0;
    for (let index = 0; index < this.count - 1; index++) this.enter(index);
  }

  private similarity(index: number, shingles: Uint32Array, signature: Uint8Array): number {
    const estimate = agreement(this.signatures, index * PERMUTATIONS, signature);
    const own = this.shingles.subarray(this.starts[index], this.starts[index + 1]);
    return own.length === 0 || estimate < NEAR - FAR_BELOW ? estimate : jaccard(own, shingles);
  }

  private agrees(index: number, signature: Uint8Array, band: number): boolean {
    const at = index * PERMUTATIONS;
    for (let i = band * ROWS; i < (band + 1) * ROWS; i++) if (this.signatures[at + i] !== signature[i]) return false;
    return true;
  }

  private slotOf(signature: Uint8Array, at: number, band: number): number {
    let hash = Math.imul(band + 1, 0x9e3779b1);
    for (let i = at + band * ROWS; i < at + (band + 1) * ROWS; i++) hash = Math.imul(hash ^ signature[i], 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    return (hash ^ (hash >>> 13)) & (this.slots.length - 1);
  }

  private next(slot: number): number {
    return (slot + 1) & (this.slots.length - 1);
  }
}

/** The array itself, or one that has twice the place and more, with its numbers. */
export function grown<T extends Uint8Array | Uint32Array>(array: T, length: number): T {
  if (length <= array.length) return array;
  const larger = new (array.constructor as new (length: number) => T)(Math.max(length, 2 * array.length));
  larger.set(array);
  return larger;
}
