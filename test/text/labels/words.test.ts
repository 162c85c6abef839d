import { expect, it } from 'vitest';
import { splitSentences, splitWords } from '../../../src/text/labels/words.ts';
import { randomText } from '../tokenizers/samples.ts';

const wordsOf = (text: string): string[] => splitWords(text).map((word) => word.text);

it.each([
  ['', []],
  [' \n\t ', []],
  ['Anna met Bob.', ['Anna', 'met', 'Bob', '.']],
  ["Anna's dog, O'Brien’s too", ['Anna', "'s", 'dog', ',', "O'Brien", '’s', 'too']],
  ["I don't know the dogs' names", ['I', "don't", 'know', 'the', 'dogs', "'", 'names']],
  ['Mr. J. Smith of the U.S. left', ['Mr.', 'J.', 'Smith', 'of', 'the', 'U.S.', 'left']],
  ['So did I. Then', ['So', 'did', 'I', '.', 'Then']],
  ['plan B.', ['plan', 'B', '.']],
  ['1,000.50 at 10:30, 3rd', ['1,000.50', 'at', '10:30', ',', '3rd']],
  ['Baden-Baden--well... (ok)', ['Baden-Baden', '--', 'well', '...', '(', 'ok', ')']],
  ['Zürich e\u0301te\u0301 東京。', ['Zürich', 'e\u0301te\u0301', '東京', '。']],
  ['hi 👩‍🚀👍🏽!', ['hi', '👩‍🚀', '👍🏽', '!']],
])('%j', (text, words) => {
  expect(wordsOf(text)).toEqual(words);
});

it('says where each word stands, and leaves out white space alone', () => {
  const texts = Array.from({ length: 60 }, (_, seed) => randomText(seed, 80));
  for (const text of ['a\u00a0b\r\nc', '\ud800 lone \udc00', "'s 's", ...texts]) {
    const words = splitWords(text);
    let end = 0;
    for (const word of words) {
      expect(text.slice(word.start, word.end)).toBe(word.text);
      expect(text.slice(end, word.start).trim()).toBe('');
      expect(word.text).not.toMatch(/\s/);
      end = word.end;
    }
    expect(text.slice(end).trim()).toBe('');
  }
});

it.each([
  ['Anna left. Bob stayed.', ['Anna left .', 'Bob stayed .']],
  ['"Go!" said Anna. "Now." Bob went', ['" Go ! " said Anna .', '" Now . "', 'Bob went']],
  ['Dr. Smith of St. Ives came. Why?', ['Dr. Smith of St. Ives came .', 'Why ?']],
  ['A heading\n\nand a line\nthat goes on', ['A heading', 'and a line that goes on']],
  ['see example.org now', ['see example . org now']],
  ['', []],
])('sentences of %j', (text, sentences) => {
  expect(splitSentences(text).map((words) => words.map((word) => word.text).join(' '))).toEqual(sentences);
});
