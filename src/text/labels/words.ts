/** Running text to words and sentences, as the labelled files of named-entity recognition have them, each with its place. */

/** A word and where it stands: UTF-16 offsets, so that `text.slice(start, end)` is the word. */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const LETTER = '[\\p{L}\\p{N}]';
const LETTERS = '[\\p{L}\\p{N}\\p{M}]';

/** The kinds of words, the first that fits taken: in the custom of the Penn Treebank, but that "don't" stays whole. */
const KINDS = [
  `['’]s(?!${LETTER})`, //                                               a possessive: Anna 's
  `(?<!${LETTER})(?:Mrs?|Ms|Dr|Prof|Rev|Gen|Sen|Gov|St)\\.(?=\\s+\\p{Lu})`, // a title before a name
  `(?<!${LETTER})(?:\\p{Lu}\\.){2,}`, //                                 U.S.
  `(?<!${LETTER})(?!I\\.)\\p{Lu}\\.(?=\\s+\\p{Lu})`, //                  an initial: J. Smith
  '\\p{N}+(?:[.,:]\\p{N}+)+', //                                         1,000.50
  `${LETTER}${LETTERS}*(?:[-'’](?!s(?!${LETTER}))${LETTERS}+)*`, //      well-known, O'Brien
  '([-.!?*=_~#])\\1+', //                                                ... or --
  '\\p{RI}{2}', //                                                          a flag
  '\\S\\p{M}*(?:[\\p{Emoji_Modifier}]|\\u200d\\S\\p{M}*)*', //           any other character, with what belongs to it
];
const WORD = new RegExp(KINDS.join('|'), 'gu');

/** The words of a text: letters and numbers together, punctuation apart. Every character but white space is in one of them. */
export function splitWords(text: string): Word[] {
  return Array.from(text.matchAll(WORD), ({ 0: word, index }) => ({
    text: word,
    start: index,
    end: index + word.length,
  }));
}

const STOP = /^(?:[.!?]+|…|[。！？])$/u;
const CLOSING = /^["'”’»)\]]$/u;
const LOWER = /^\p{Ll}/u;

/**
 * Words of `text` as sentences: one ends behind a full stop, question or exclamation mark (and the quotes that close on it)
 * where no small letter follows, and at an empty line.
 */
export function splitSentences(text: string, words: readonly Word[] = splitWords(text)): Word[][] {
  const sentences: Word[][] = [];
  let stopped = false;
  for (const [i, word] of words.entries()) {
    const before = words[i - 1];
    const gap = before ? text.slice(before.end, word.start) : '';
    const closes = gap === '' && CLOSING.test(word.text);
    const begins = !before || /\n\s*\n/.test(gap) || (stopped && !closes && gap !== '' && !LOWER.test(word.text));
    if (begins) sentences.push([]);
    sentences.at(-1)!.push(word);
    stopped = STOP.test(word.text) || (stopped && closes);
  }
  return sentences;
}
