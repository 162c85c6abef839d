import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/errors.ts';
import { encodeWords } from '../../../src/text/labels/align.ts';
import { type Tokenizer, trainTokenizer } from '../../../src/text/tokenizers/tokenizer.ts';
import { inChunks, randomText, SPECS } from '../tokenizers/samples.ts';

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
      const { ids, last } = encodeWords(tokenizer, words);
      expect(pieceText(ids)).toBe(words.map((word) => ` ${word}`).join(''));
      expect(words.map((_, w) => pieceText(ids.slice(w > 0 ? last[w - 1] + 1 : 0, last[w] + 1)))).toEqual(
        words.map((word) => ` ${word}`),
      );
      expect(last.at(-1)).toBe(ids.length - 1);
    }
  });

  it('gives the pieces of running text where no word holds spaces', () => {
    for (const words of SENTENCES.filter((words) => words.every((word) => /^\S+$/u.test(word)))) {
      expect(encodeWords(tokenizer, words).ids).toEqual(tokenizer.encode(` ${words.join(' ')}`));
    }
  });

  it('keeps the words that fit whole', () => {
    const words = ['hello', 'a', '', 'Zeta', '白鲸记。', 'the', '...'];
    const whole = encodeWords(tokenizer, words);
    for (let context = whole.last[0] + 1; context <= whole.ids.length + 1; context++) {
      const cut = encodeWords(tokenizer, words, context);
      expect(cut.last).toEqual(whole.last.filter((piece) => piece < context));
      expect(cut.ids).toEqual(whole.ids.slice(0, cut.last.at(-1)! + 1));
    }
  });

  it('cuts a first word that is too long, so that windows come to an end', () => {
    const long = '鯨'.repeat(40);
    for (const context of [1, 2, 3, 7]) {
      let left = [long, 'a', long];
      let windows = 0;
      while (left.length > 0) {
        const { ids, last } = encodeWords(tokenizer, left, context);
        expect(ids.length).toBeLessThanOrEqual(context);
        expect(ids.length).toBeGreaterThan(0);
        left = left.slice(last.length);
        windows++;
      }
      expect(windows).toBeLessThanOrEqual(3);
    }
  });

  it('reads a lone surrogate as U+FFFD, in its place', () => {
    expect(pieceText(encodeWords(tokenizer, ['a\ud83d', '\udc0b', 'a']).ids)).toBe(' a\ufffd \ufffd a');
  });

  it('takes no words', () => {
    expect(encodeWords(tokenizer, [])).toEqual({ ids: [], last: [] });
    expect(() => encodeWords(tokenizer, ['a'], 0)).toThrow(/context of 0/);
  });
});

it('reads a word in one piece as one, the byte tokenizer as its bytes behind the space', async () => {
  const [bytes, gpt] = [trained[0][1], trained[3][1]];
  expect(encodeWords(bytes, ['hi', 'é'])).toMatchObject({ last: [2, 5] });
  expect(encodeWords(gpt, ['the', 'the'])).toMatchObject({ last: [0, 1] });
  await expect(async () => encodeWords(trained[1][1], ['ѫ'])).rejects.toThrow(UserError);
});
