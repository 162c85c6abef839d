import { expect, it } from 'vitest';
import { WordTags } from '../../../src/train/baselines/wordTags.ts';

const tagger = new WordTags([
  { words: ['New', 'York', 'is', 'New'], tags: ['B-LOC', 'I-LOC', 'O', 'O'] },
  { words: ['New', 'York', 'Times'], tags: ['B-ORG', 'I-ORG', 'I-ORG'] },
  { words: ['New', 'York'], tags: ['B-LOC', 'I-LOC'] },
]);

it('tags words as they were tagged most often, and unknown ones as no name', () => {
  expect(tagger.tag(['in', 'New', 'York'])).toEqual(['O', 'B-LOC', 'I-LOC']);
});

it('begins a span where none could go on', () => {
  expect(tagger.tag(['York', 'Times', 'Times'])).toEqual(['B-LOC', 'B-ORG', 'I-ORG']);
  expect(tagger.tag(['is', 'York', 'York'])).toEqual(['O', 'B-LOC', 'I-LOC']);
});

it('has learned nothing from nothing', () => {
  expect(new WordTags([]).tag(['New', 'York'])).toEqual(['O', 'O']);
});
