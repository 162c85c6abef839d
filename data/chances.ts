import { mix } from '../src/text/windows/permutation.ts';

/** Chances that the seed decides, one after the other: whole numbers alone, so that they are the same on every machine. */
export class Chances {
  #count = 0;
  readonly #seed: number;
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A whole number of 0 or more, below `size`. */
  below(size: number): number {
    return mix(this.#count++, this.#seed) % size;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /** A number from `low` to below `high`. */
  between(low: number, high: number): number {
    return low + ((high - low) * this.below(2 ** 24)) / 2 ** 24;
  }
}
