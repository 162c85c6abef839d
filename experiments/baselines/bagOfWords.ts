import type { LabelledText } from '../../src/text/labels/labelled.ts';
import { labelIndices, type TextClassifier } from './classifier.ts';
import { fitPath, logProbabilities } from './logisticRegression.ts';
import { choosePenalty, PENALTIES } from './penalty.ts';
import { Tfidf, termCounts } from './tfidf.ts';

/**
 * Words and word pairs, weighted by TF-IDF, under a multinomial logistic regression whose L2 penalty is chosen by
 * cross-validation on the training examples: the strong classical baseline. Same examples, same bits.
 */
export class BagOfWords implements TextClassifier {
  readonly classes: readonly string[];
  /** The penalty that was chosen, for the sum of the losses: 1 / C of other libraries. */
  readonly penalty: number;
  readonly #features: Tfidf;
  /** Those of `classes` that the examples hold, the columns of the weights. */
  readonly #seen: readonly number[];
  readonly #weights: Float64Array;

  /** Throws UserError without examples and on a label that is not among `classes`. */
  constructor(examples: readonly LabelledText[], classes: readonly string[]) {
    this.classes = classes;
    const indices = labelIndices(examples, classes);
    this.#seen = [...new Set(indices)].sort((a, b) => a - b);
    const labels = indices.map((label) => this.#seen.indexOf(label));
    const texts = examples.map(({ text }) => termCounts(text));
    this.penalty = choosePenalty(texts, labels, this.#seen.length);
    this.#features = new Tfidf(texts);
    const sizes = { featureCount: this.featureCount, classCount: this.#seen.length };
    const path = PENALTIES.slice(0, PENALTIES.indexOf(this.penalty) + 1);
    this.#weights = fitPath(this.#features.rows(texts), labels, sizes, path).at(-1)!;
  }

  /** How many words and pairs it looks at. */
  get featureCount(): number {
    return this.#features.featureCount;
  }

  probabilities(text: string): Float64Array {
    const row = this.#features.rows([termCounts(text)]);
    const logs = logProbabilities(row, 0, this.#weights, new Float64Array(this.#seen.length));
    const probabilities = new Float64Array(this.classes.length);
    for (const [column, label] of this.#seen.entries()) probabilities[label] = Math.exp(logs[column]);
    return probabilities;
  }
}
