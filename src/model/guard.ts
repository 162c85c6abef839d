import { argmaxOf } from '../kernels/sampling/argmax.ts';
import { drawFrom, sampleDistribution } from '../kernels/sampling/sampling.ts';
import { threefry } from '../tensor/random.ts';

/** Says which tokens may not come next in which sequence of a batch. */
export interface Guard {
  allows(b: number, id: number): boolean;
  /** Takes the token that has come. */
  push(b: number, id: number): void;
  /** There is none that may come. */
  end(b: number): void;
}

/** What a token is drawn from: a row of the logits (V), the settings, and what `sample` has as `seen`. */
export interface Drawn {
  readonly logits: ArrayLike<number>;
  readonly settings: ArrayLike<number>;
  readonly seen: ArrayLike<number>;
  readonly seed: number;
  readonly choice: number;
  /** Tokens that were drawn before. */
  readonly counter: number;
}

/** What the logit of a forbidden token becomes: as -infinity, which WGSL need not know. */
const FORBIDDEN = -1e30;

/**
 * Draws once more, where the token that was drawn is forbidden: among all that are allowed, with a random number of its own (counter
 * (counter, 1); `sample` has (counter, 0)). As the first draw stands wherever it is allowed, a sample in which nothing was forbidden is, bit for bit,
 * that of a model without a guard; and both draws together are one from the distribution without the forbidden tokens: p(i) + p(forbidden)
 * p(i) / (1 - p(forbidden)) = p(i) / (1 - p(forbidden)).
 * @returns undefined where all are forbidden
 */
export function drawAllowed(drawn: Drawn, allows: (id: number) => boolean): number | undefined {
  const { logits, settings, seen, seed, choice, counter } = drawn;
  const bias = Float64Array.from(logits, (_, id) => (allows(id) ? 0 : FORBIDDEN));
  if (bias[argmaxOf(bias)] === FORBIDDEN) return undefined;
  const [bits] = threefry(seed, choice, counter, 1);
  return drawFrom(sampleDistribution(logits, settings, seen, bias), bits / 2 ** 32);
}
