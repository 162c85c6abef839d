/** How near a picture is to one that a model has learned from. */
import { type Codebook, PATCH_SIZE, PATCHES } from '../patches.ts';

/** The picture that is nearest, by index, and the root of the mean squared difference of their pixels, in 255ths. */
export interface Near {
  readonly index: number;
  readonly distance: number;
}

/** Looks pictures up among those of training. */
export class NearestPictures {
  /** Squared distances between patches: (K, K) */
  readonly #distances: Float32Array;
  readonly #pictures: Uint16Array;
  readonly #size: number;

  constructor(pictures: readonly (readonly number[])[], codebook: Codebook) {
    const K = (this.#size = codebook.size);
    this.#distances = new Float32Array(K * K);
    for (let a = 0; a < K; a++) {
      for (let b = 0; b < a; b++) {
        const [left, right] = [codebook.patch(a), codebook.patch(b)];
        let sum = 0;
        for (let i = 0; i < PATCH_SIZE; i++) sum += (left[i] - right[i]) ** 2;
        this.#distances[a * K + b] = this.#distances[b * K + a] = sum;
      }
    }
    this.#pictures = new Uint16Array(pictures.length * PATCHES);
    for (const [i, picture] of pictures.entries()) this.#pictures.set(picture, i * PATCHES);
  }

  /** @param codes those of a whole picture */
  nearest(codes: readonly number[]): Near {
    const pictures = this.#pictures;
    const rows = codes.map((code) => this.#distances.subarray(code * this.#size, (code + 1) * this.#size));
    let [index, least] = [0, Number.POSITIVE_INFINITY];
    for (let start = 0; start < pictures.length; start += PATCHES) {
      let sum = 0;
      for (let i = 0; i < PATCHES && sum < least; i++) sum += rows[i][pictures[start + i]];
      if (sum < least) [index, least] = [start / PATCHES, sum];
    }
    return { index, distance: Math.sqrt(least / (PATCHES * PATCH_SIZE)) };
  }
}
