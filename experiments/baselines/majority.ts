import type { LabelledText } from '../../src/text/labels/labelled.ts';
import { labelIndices, type TextClassifier } from './classifier.ts';

/** Looks at no text: each class is as probable as it was frequent in training. What any classifier has to beat. */
export class Majority implements TextClassifier {
  readonly classes: readonly string[];
  readonly #frequencies: Float64Array;

  /** Throws UserError without examples and on a label that is not among `classes`. */
  constructor(examples: readonly LabelledText[], classes: readonly string[]) {
    this.classes = classes;
    this.#frequencies = new Float64Array(classes.length);
    for (const label of labelIndices(examples, classes)) this.#frequencies[label] += 1 / examples.length;
  }

  probabilities(): Float64Array {
    return this.#frequencies.slice();
  }
}
