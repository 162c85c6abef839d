import { describe, expect, it } from 'vitest';
import { readConll, spansOf, toBio, writeConll } from '../../../src/text/labels/conll.ts';

const read = (content: string, column?: number) => readConll(content, { column, name: 'x.conll' });
const tagsOf = (content: string) => read(content).sentences.map(({ tags }) => tags.join(' '));

describe('a CoNLL file', () => {
  it('may have four columns, -DOCSTART- lines, tabs, blank lines of spaces, a BOM and line ends of Windows', () => {
    const content =
      '\uFEFF-DOCSTART- -X- -X- O\r\n\r\nEU NNP B-NP B-ORG\r\nrejects\tVBZ\tB-VP\tO\r\n  \r\n\r\nParis NNP B-NP B-LOC';
    const { sentences, scheme, repairedLines } = read(content);
    expect(sentences).toEqual([
      { words: ['EU', 'rejects'], tags: ['B-ORG', 'O'] },
      { words: ['Paris'], tags: ['B-LOC'] },
    ]);
    expect([scheme, repairedLines]).toEqual(['BIO', []]);
    expect(read(content, 2).sentences[0].tags).toEqual(['B-NP', 'B-VP']);
  });

  it('survives being written and read', () => {
    const sentences = [
      { words: ['A', 'b'], tags: ['B-X', 'I-X'] },
      { words: ['.'], tags: ['O'] },
    ];
    expect(read(writeConll(sentences)).sentences).toEqual(sentences);
  });

  it('of IOB1 is told by its tags and turned into BIO', () => {
    const content = 'a I-PER\nb I-PER\nc B-PER\nd O\ne I-LOC\nf I-ORG\n\ng I-PER\n';
    expect(read(content).scheme).toBe('IOB1');
    expect(read(content).repairedLines).toEqual([]);
    expect(tagsOf(content)).toEqual(['B-PER I-PER B-PER O B-LOC B-ORG', 'B-PER']);
  });

  it('of BIO with an I- that continues nothing is repaired as conlleval reads it, and the lines are told', () => {
    const content = 'a B-PER\nb O\nc I-PER\n\nd B-LOC\ne I-ORG\n';
    const { scheme, repairedLines } = read(content);
    expect([scheme, repairedLines]).toEqual(['BIO', [3, 6]]);
    expect(tagsOf(content)).toEqual(['B-PER O B-PER', 'B-LOC B-ORG']);
  });

  it.each([
    ['too few columns', 'a B-PER\nb\n', /x\.conll, line 2: 1 columns, but the lines before have 2/],
    ['too many columns', 'a O\n\nb c O\n', /x\.conll, line 3: 3 columns/],
    ['one column', 'a\nb\n', /x\.conll, line 1: one column only/],
    ['a tag of BIOES', 'a S-PER\n', /x\.conll, line 1: "S-PER" is no tag of BIO or IOB1/],
    ['a tag without type', 'a B-\n', /"B-" is no tag/],
    ['a word for a tag', 'a O\nb noun\n', /line 2: "noun" is no tag/],
    ['nothing', '\n-DOCSTART- O\n\n', /x\.conll holds no sentences/],
  ])('with %s is refused', (_, content, sentence) => expect(() => read(content)).toThrow(sentence));

  it('has no column beyond its last', () => expect(() => read('a O\n', 5)).toThrow(/no column 5; .* 0 to 1/));
});

it('spans are found as conlleval finds them', () => {
  expect(spansOf(['B-A', 'I-A', 'B-A', 'O', 'I-B', 'I-A', 'B-B'])).toEqual([
    { type: 'A', start: 0, end: 2 },
    { type: 'A', start: 2, end: 3 },
    { type: 'B', start: 4, end: 5 },
    { type: 'A', start: 5, end: 6 },
    { type: 'B', start: 6, end: 7 },
  ]);
  expect(spansOf(['O', 'O'])).toEqual([]);
  expect(toBio(['I-A', 'I-A', 'I-B'])).toEqual(['B-A', 'I-A', 'B-B']);
});
