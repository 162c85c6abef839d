import type { Splits } from '../text/labels/splits.ts';

/** Validation examples at most: more would take longer than the steps between two validations. */
const MOST_VALIDATED = 500;

/**
 * The first `labels` training examples of an order that the seed picks, and no more validation examples than those, as somebody
 * with so few labels would have. Without `labels` all that there are to train on.
 * @param first the first n examples of an order: `subsample`, or `subsampleAny` for examples without a class
 */
export function thinOut<T, P extends Splits<T>>(
  parts: P & Splits<T>,
  labels: number | undefined,
  seed: number,
  first: (examples: readonly T[], n: number, seed: number) => T[],
): P {
  const train = labels === undefined ? parts.train : first(parts.train, labels, seed);
  const validated = Math.max(1, Math.min(MOST_VALIDATED, train.length));
  return { ...parts, train, validation: first(parts.validation, validated, seed) };
}
