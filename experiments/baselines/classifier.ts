/** What the baselines take and give. */
import { UserError } from '../../src/errors.ts';
import type { LabelledText } from '../../src/text/labels/labelled.ts';

/** A fitted classifier. */
export interface TextClassifier {
  readonly classes: readonly string[];
  /** The probability of each of `classes`; 0 for those that no training example was of. */
  probabilities(text: string): Float64Array;
}

/**
 * The labels of the examples as indices into `classes`. Throws UserError without examples and on a label that is not among
 * the classes.
 */
export function labelIndices(examples: readonly LabelledText[], classes: readonly string[]): Int32Array {
  if (examples.length === 0) throw new UserError('there are no labelled examples to learn from; give at least one');
  const index = new Map(classes.map((label, c) => [label, c]));
  return Int32Array.from(examples, ({ label }) => {
    const found = index.get(label);
    if (found !== undefined) return found;
    throw new UserError(`the label ${JSON.stringify(label)} is not among the classes ${classes.join(', ')}`);
  });
}
