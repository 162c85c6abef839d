import type { TaggedSentence } from '../../src/text/labels/conll.ts';
import { TagDecoder } from '../../src/text/labels/tagDecoder.ts';
import { BagOfWords } from './bagOfWords.ts';

/**
 * Tags each word by what stands around it: bag of words under logistic regression over the word, two neighbours at each side, how
 * it is written and its ending, and the best legal sequence of all words' probabilities. The classical baseline of taggers.
 */
export class WindowTagger {
  private readonly bag: BagOfWords;
  private readonly decoder: TagDecoder;

  /** Throws UserError without sentences and on a tag that is not among `tags`. */
  constructor(
    sentences: readonly TaggedSentence[],
    private readonly tags: readonly string[],
  ) {
    const examples = sentences.flatMap((sentence) =>
      sentence.words.map((_, i) => ({ text: windowOf(sentence.words, i), label: sentence.tags[i] })),
    );
    this.bag = new BagOfWords(examples, tags);
    this.decoder = new TagDecoder(tags);
  }

  /** A legal sequence in BIO. */
  tag(words: readonly string[]): string[] {
    const scores = new Float32Array(words.length * this.tags.length);
    for (const i of words.keys()) {
      const logs = this.bag.probabilities(windowOf(words, i)).map((p) => Math.max(Math.log(p), LEAST));
      scores.set(logs, i * this.tags.length);
    }
    return this.decoder.decode(scores);
  }
}

/** The log-probability of tags that training did not hold. */
const LEAST = -100;

const WINDOW = [-2, -1, 0, 1, 2];
const ENDING = 3;

/** What stands around a word, as a text of one made-up word for each fact. */
function windowOf(words: readonly string[], i: number): string {
  const around = WINDOW.map((offset) => `at${offset + 2}${plain(words[i + offset])}`);
  return [...around, `shape${shapeOf(words[i])}`, `ending${plain(words[i].slice(-ENDING))}`].join(' ');
}

/** Letters and digits; signs by their code, and what is past an end as "end". */
const plain = (word: string | undefined): string =>
  word === undefined ? 'end' : word.replace(/[^\p{L}\p{N}]/gu, (sign) => `sign${sign.codePointAt(0)}`);

function shapeOf(word: string): string {
  if (/^\p{Lu}+$/u.test(word)) return 'capitals';
  if (/^\p{Lu}/u.test(word)) return 'capital';
  return /\p{N}/u.test(word) ? 'number' : 'small';
}
