import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { encodeWords } from '../../src/text/align.ts';
import { type Tokenizer, trainTokenizer } from '../../src/text/tokenizer.ts';
import { inChunks, randomText, SPECS } from './samples.ts';

const corpus = ` ${randomText(1, 3000)}`;
const trained: [string, Tokenizer][] = [];
for (const spec of SPECS) trained.push([spec, await trainTokenizer(spec, inChunks(corpus))]);

/** Words as a user's file may hold them: of any characters but, mostly, spaces. */
const SENTENCES: string[][] = [
  ['a'],
  [''],
  ['', ''],
  ['hello', '', 'the', '...'],
  ['a', ' ', 'a', '\n', '\n\n', 'a', '\r\n'],
  ['e\u0301', 'n\u0303o', '\u200d', '👩‍🚀', '🇫🇷', '\ufeff', '42', '123456', "don't", "'", '白鲸记。', '\u{10ffff}'],
  ...Array.from({ length: 40 }, (_, seed) => randomText(seed, 30).split(' ')),
];

describe.each(trained)('%s', (_, tokenizer) => {
  const pieceText = (ids: readonly number[]): string => tokenizer.decode(ids);

  it('gives back the words, each from its own pieces', () => {
    for (const words of SENTENCES) {
      const { ids, wordCount, first, last } = encodeWords(tokenizer, words);
      expect(wordCount).toBe(words.length);
      expect(pieceText(ids)).toBe(words.map((word) => ` ${word}`).join(''));
      for (const [w, word] of words.entries()) {
        const begin = w > 0 ? last[w - 1] + 1 : 0;
        expect(pieceText(ids.slice(begin, last[w] + 1))).toBe(` ${word}`);
        expect(first[w]).toBeLessThanOrEqual(last[w]);
        // Before the first piece there is nothing of the word, and it holds some.
        expect(pieceText(ids.slice(begin, first[w]))).toBe(first[w] > begin ? ' ' : '');
        if (/^[^ ]/u.test(word)) expect(tokenizer.tokenBytes(ids[first[w]])).not.toEqual(Uint8Array.of(32));
      }
      expect(last.at(-1)).toBe(ids.length - 1);
    }
  });

  it('gives the pieces of running text where no word holds spaces', () => {
    for (const words of SENTENCES.filter((words) => words.every((word) => /^\S+$/u.test(word)))) {
      expect(encodeWords(tokenizer, words).ids).toEqual(tokenizer.encode(` ${words.join(' ')}`));
    }
  });

  it('says where each word stands in the text', () => {
    for (const words of SENTENCES) {
      const { start, end } = encodeWords(tokenizer, words);
      const text = words.join(' ');
      expect(words.map((_, w) => text.slice(start[w], end[w]))).toEqual(words);
    }
  });

  it('keeps the words that fit whole', () => {
    const words = ['hello', 'a', '', 'Zeta', '白鲸记。', 'the', '...'];
    const whole = encodeWords(tokenizer, words);
    for (let context = whole.last[0] + 1; context <= whole.ids.length + 1; context++) {
      const cut = encodeWords(tokenizer, words, context);
      expect(cut.wordCount).toBe(whole.last.filter((piece) => piece < context).length);
      expect(cut.ids).toEqual(whole.ids.slice(0, whole.last[cut.wordCount - 1] + 1));
      for (const key of ['first', 'last', 'start', 'end'] as const) {
        expect(cut[key]).toEqual(whole[key].slice(0, cut.wordCount));
      }
    }
  });

  it('cuts a first word that is too long, so that windows come to an end', () => {
    const long = '鯨'.repeat(40);
    for (const context of [1, 2, 3, 7]) {
      let left = [long, 'a', long];
      let windows = 0;
      while (left.length > 0) {
        const { ids, wordCount, first, last } = encodeWords(tokenizer, left, context);
        expect(ids.length).toBeLessThanOrEqual(context);
        expect(ids.length).toBeGreaterThan(0);
        expect(first[0]).toBeLessThanOrEqual(last[0]);
        left = left.slice(wordCount);
        windows++;
      }
      expect(windows).toBeLessThanOrEqual(3);
    }
  });

  it('reads a lone surrogate as U+FFFD, in its place', () => {
    const { ids, end } = encodeWords(tokenizer, ['a\ud83d', '\udc0b', 'a']);
    expect(pieceText(ids)).toBe(' a\ufffd \ufffd a');
    expect(end).toEqual([2, 4, 6]);
  });

  it('takes no words', () => {
    expect(encodeWords(tokenizer, [])).toEqual({ ids: [], wordCount: 0, first: [], last: [], start: [], end: [] });
    expect(() => encodeWords(tokenizer, ['a'], 0)).toThrow(/context of 0/);
  });
});

it('reads a word in one piece as one, the byte tokenizer as its bytes behind the space', async () => {
  const [bytes, gpt] = [trained[0][1], trained[3][1]];
  expect(encodeWords(bytes, ['hi', 'é'])).toMatchObject({ first: [1, 4], last: [2, 5], start: [0, 3], end: [2, 4] });
  expect(encodeWords(gpt, ['the', 'the'])).toMatchObject({ first: [0, 1], last: [0, 1] });
  await expect(async () => encodeWords(trained[1][1], ['ѫ'])).rejects.toThrow(UserError);
});
