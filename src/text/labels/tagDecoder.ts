/** From scores of tags word by word to one legal tag sequence. */
import { UserError } from '../../errors.ts';

/** In BIO an entity goes on (I-X) only behind its beginning (B-X) or itself; `previous` is undefined at the start. */
export function isLegalTransition(previous: string | undefined, next: string): boolean {
  if (!next.startsWith('I')) return true;
  return previous !== undefined && /^[BI]/.test(previous) && previous.slice(1) === next.slice(1);
}

/** What a path costs that begins illegally: more than any legal one, even one through tags of probability 0. */
const UNREACHABLE = -1e200;
/** Stands for log 0, so that sums of it over a sentence still order the paths. */
const IMPOSSIBLE = -1e100;

/** For each tag of one word: the score of the best path that ends in it, and the tag before it on that path. */
interface Step {
  readonly best: readonly number[];
  readonly from: readonly number[];
}

/**
 * The most probable BIO sequence without an illegal transition, by dynamic programming (Viterbi 1967) over words t and tags:
 *     best[t][k] = score[t][k] + max over the tags j that may precede k of best[t - 1][j].
 */
export class TagDecoder {
  readonly tags: readonly string[];
  readonly #start: readonly number[];
  /** For each tag, those that may stand before it: itself at least. */
  readonly #before: readonly (readonly number[])[];

  /** `tags`: the classes of the tagging head, in their order. Throws UserError when a sentence could begin with none. */
  constructor(tags: readonly string[]) {
    this.tags = tags;
    this.#start = tags.map((tag) => (isLegalTransition(undefined, tag) ? 0 : UNREACHABLE));
    this.#before = tags.map((next) => tags.flatMap((tag, j) => (isLegalTransition(tag, next) ? [j] : [])));
    if (this.#start.includes(0)) return;
    throw new UserError(
      'none of the tags may begin a sentence (all are I-...); convert the training file to BIO first',
    );
  }

  /**
   * The best sequence for `scores`, (words, tags) row by row: log-probabilities, or logits, from which they differ by the
   * same number for all tags of a word. Of equals, the one whose tags come first in `tags`, compared from the last word back.
   * Throws Error on a score that is NaN or +Infinity and on a length that is no multiple of the number of tags.
   */
  decode(scores: ArrayLike<number>): string[] {
    const K = this.tags.length;
    if (scores.length % K !== 0) throw new Error(`decode: ${scores.length} scores are no rows of ${K} tags`);
    const steps: Step[] = [];
    for (let row = 0; row < scores.length; row += K) steps.push(this.#step(steps.at(-1), scores, row));
    return this.#trace(steps);
  }

  #step(before: Step | undefined, scores: ArrayLike<number>, row: number): Step {
    const from = this.#before.map((candidates) => (before ? highest(before.best, candidates) : -1));
    const best = from.map((j, k) => (before ? before.best[j] : this.#start[k]) + finite(scores[row + k]));
    return { best, from };
  }

  #trace(steps: readonly Step[]): string[] {
    const last = steps.at(-1);
    if (!last) return [];
    let tag = highest(last.best, [...this.tags.keys()]);
    const path: string[] = [];
    for (const { from } of steps.toReversed()) {
      path.push(this.tags[tag]);
      tag = from[tag];
    }
    return path.reverse();
  }
}

/** The candidate of the highest value, the first of equals. */
const highest = (values: readonly number[], candidates: readonly number[]): number =>
  candidates.reduce((best, index) => (values[index] > values[best] ? index : best));

function finite(score: number): number {
  if (score <= Number.MAX_VALUE) return Math.max(score, IMPOSSIBLE);
  throw new Error(`decode: a score is ${score}; the model has diverged`);
}
