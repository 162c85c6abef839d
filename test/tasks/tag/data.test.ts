import { expect, it } from 'vitest';
import { splitTagFile, tagsOf, unseenTypes } from '../../../src/tasks/tag/data.ts';

const sentence = (i: number): string => `Anna${i} I-PER\nleft O\n\n`;
const FILE = Array.from({ length: 20 }, (_, i) => sentence(i)).join('');
const read = (content: string) => splitTagFile(content, { path: 'names.conll' });

it('splits a file without leaks, and says so on the card', () => {
  const { card, parts } = read(FILE + sentence(3) + sentence(4));
  expect([parts.train, parts.validation, parts.test].map(({ length }) => length)).toEqual([16, 2, 2]);
  expect(card.duplicates).toEqual({ within: 2, across: 0, conflicting: 0 });
  expect(card.note).toMatch(/^Tags in IOB1;/);
  expect(card.parts.train).toEqual({ examples: 16, labels: { PER: 16 }, words: 32 });
  const words = [...parts.train, ...parts.validation, ...parts.test].map((one) => one.words[0]);
  expect(new Set(words).size).toBe(20);
  expect(read(FILE)).toEqual(read(FILE));
});

it('says on the card where words were found and what tags became', () => {
  const numbered = Array.from({ length: 20 }, (_, i) => `1\tAnna${i}\tS-PER\n2\tleft :)\tO\n\n`).join('');
  const { card, parts } = read(`${numbered}1\tAnna1\tS-PER\n2\tleft :(\tO\n`);
  expect(card.note).toMatch(/^Tags in BIOES; the first column numbers the words, .*--words-column/);
  expect(card.duplicates.within).toBe(0);
  expect(
    parts.train.every(
      ({ words: [name, left], tags }) => /^Anna/.test(name) && / :[()]$/.test(left) && tags[0] === 'B-PER',
    ),
  ).toBe(true);
});

it.each([
  ['a broken line', `${FILE}Bob\n`, /names\.conll, line 61: 1 columns, but the lines before have 2/],
  ['a tag of no scheme', `${FILE}Bob X-PER\n`, /line 61: "X-PER" is no tag of BIO, IOB1/],
  ['one tag only', FILE.replaceAll('I-PER', 'O'), /training part of names\.conll has one tag only \("O"\)/],
  ['too few sentences', sentence(1) + sentence(2) + sentence(2), /holds 2 different sentences, but 3 or more/],
  ['nothing', ' \n', /holds no sentences/],
])('%s is an error in one sentence', (_, content, message) => {
  expect(() => read(content)).toThrow(message);
});

it('knows the tags of training, and tells which types it will miss', () => {
  const train = [{ words: ['a', 'b'], tags: ['B-PER', 'I-PER'] }];
  const test = [{ words: ['a', 'b'], tags: ['B-LOC', 'B-ORG'] }];
  expect(tagsOf(train)).toEqual(['O', 'B-PER', 'I-PER']);
  expect(unseenTypes(tagsOf(train), { validation: train, test })).toEqual([
    'LOC, ORG stand in the test part but not in what was trained on: all of them will be missed',
  ]);
});
