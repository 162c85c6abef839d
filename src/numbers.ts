/**
 * Lists of numbers however long. `Math.max(...list)` and `push(...list)` hand each element over as an argument, and beyond some
 * 120,000 of them the stack overflows: lists whose length is a user's are never spread into a call.
 */

/** The largest of the values; -Infinity of none. */
export const largest = (values: readonly number[]): number =>
  values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);

/** The smallest of the values; Infinity of none. */
export const smallest = (values: readonly number[]): number =>
  values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
