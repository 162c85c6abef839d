import type { TaggedSentence } from '../../text/conll.ts';

const OUTSIDE = 'O';

/**
 * Tags each word as it was tagged most often in training, and words that were not there as no name; a tag that cannot follow the
 * one before begins a span. What any tagger has to beat.
 */
export class WordTags {
  private readonly tags: ReadonlyMap<string, string>;

  constructor(sentences: readonly TaggedSentence[]) {
    const counts = new Map<string, Map<string, number>>();
    for (const { words, tags } of sentences) {
      for (const [i, word] of words.entries()) {
        const seen = counts.get(word) ?? new Map<string, number>();
        counts.set(word, seen.set(tags[i], (seen.get(tags[i]) ?? 0) + 1));
      }
    }
    this.tags = new Map([...counts].map(([word, seen]) => [word, commonest(seen)]));
  }

  /** A legal sequence in BIO. */
  tag(words: readonly string[]): string[] {
    let before = OUTSIDE;
    return words.map((word) => {
      const tag = this.tags.get(word) ?? OUTSIDE;
      before = tag.startsWith('I-') && before.slice(2) !== tag.slice(2) ? `B-${tag.slice(2)}` : tag;
      return before;
    });
  }
}

/** Of equally common tags the first by name. */
const commonest = (counts: ReadonlyMap<string, number>): string =>
  [...counts].reduce((best, one) => (one[1] > best[1] || (one[1] === best[1] && one[0] < best[0]) ? one : best))[0];
