import { UserError } from '../../src/errors.ts';
import { argmax } from '../../src/tasks/metrics/classification.ts';
import type { LabelledText } from '../../src/text/labels/labelled.ts';
import { fitPath, logProbabilities } from './logisticRegression.ts';
import { choosePenalty, pathTo } from './penalty.ts';
import { Tfidf, termCounts, type WordsOf } from './tfidf.ts';

/**
 * Words and word pairs, weighted by TF-IDF, under a multinomial logistic regression whose L2 penalty is chosen by
 * cross-validation on the training examples: the strong classical baseline. Same examples, same bits.
 */
export class BagOfWords {
  /** The penalty that was chosen, for the sum of the losses: 1 / C of other libraries. */
  readonly penalty: number;
  readonly #features: Tfidf;
  /** Those of `classes` that the examples hold, the columns of the weights. */
  readonly #seen: readonly number[];
  readonly #weights: Float64Array;

  /** Throws UserError without examples and on a label that is not among `classes`. */
  constructor(
    examples: readonly LabelledText[],
    readonly classes: readonly string[],
    private readonly wordsOf?: WordsOf,
  ) {
    const indices = labelIndices(examples, classes);
    this.#seen = [...new Set(indices)].sort((a, b) => a - b);
    const labels = indices.map((label) => this.#seen.indexOf(label));
    const texts = examples.map(({ text }) => termCounts(text, wordsOf));
    this.penalty = choosePenalty(texts, labels, this.#seen.length);
    this.#features = new Tfidf(texts);
    const sizes = { featureCount: this.#features.featureCount, classCount: this.#seen.length };
    this.#weights = fitPath(this.#features.rows(texts), labels, sizes, pathTo(this.penalty)).at(-1)!;
  }

  /** The probability of each of `classes`; 0 for those that no training example was of. */
  probabilities(text: string): Float64Array {
    const row = this.#features.rows([termCounts(text, this.wordsOf)]);
    const logs = logProbabilities(row, 0, this.#weights, new Float64Array(this.#seen.length));
    const probabilities = new Float64Array(this.classes.length);
    for (const [column, label] of this.#seen.entries()) probabilities[label] = Math.exp(logs[column]);
    return probabilities;
  }

  /** The most probable class. */
  predict(text: string): string {
    return this.classes[argmax(this.probabilities(text))];
  }
}

function labelIndices(examples: readonly LabelledText[], classes: readonly string[]): Int32Array {
  if (examples.length === 0) throw new UserError('there are no labelled examples to learn from; give at least one');
  const index = new Map(classes.map((label, c) => [label, c]));
  return Int32Array.from(examples, ({ label }) => {
    const found = index.get(label);
    if (found !== undefined) return found;
    throw new UserError(`the label ${JSON.stringify(label)} is not among the classes ${classes.join(', ')}`);
  });
}
