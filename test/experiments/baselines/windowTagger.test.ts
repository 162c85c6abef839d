import { expect, it } from 'vitest';
import { WindowTagger } from '../../../experiments/baselines/windowTagger.ts';

const NAMES = ['Ann', 'Bo', 'Cy', 'Dee', 'Eve', 'Flo'];
const TAGS = ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC'];
const sentences = NAMES.flatMap((name, i) => [
  { words: ['yesterday', name, NAMES[(i + 1) % 6], 'left', '.'], tags: ['O', 'B-PER', 'I-PER', 'O', 'O'] },
  { words: ['they', 'live', 'in', name, '.'], tags: ['O', 'O', 'O', 'B-LOC', 'O'] },
]);

it('finds names that it never saw by what stands around them', () => {
  const tagger = new WindowTagger(sentences, TAGS);
  expect(tagger.tag(['they', 'live', 'in', 'Oslo', '.'])).toEqual(['O', 'O', 'O', 'B-LOC', 'O']);
  expect(tagger.tag(['yesterday', 'Gus', 'Hay', 'left', '.'])).toEqual(['O', 'B-PER', 'I-PER', 'O', 'O']);
});

it('gives legal sequences for anything, and none for nothing', () => {
  const tagger = new WindowTagger(sentences, TAGS);
  expect(tagger.tag([])).toEqual([]);
  for (const words of [['…'], ['Hay', 'Hay', 'Hay'], ['left', '7', 'in']]) {
    const tags = tagger.tag(words);
    tags.forEach((tag, i) => {
      if (tag.startsWith('I-')) expect(tags[i - 1]?.slice(2)).toBe(tag.slice(2));
    });
  }
});
