import { describe, expect, it } from 'vitest';
import { readConll, spansOf, toBio, writeConll } from '../../../src/text/labels/conll.ts';

const read = (content: string, column?: number, wordsColumn?: number) =>
  readConll(content, { column, wordsColumn, name: 'x.conll' });
const wordsOf = (content: string, column?: number, wordsColumn?: number) =>
  read(content, column, wordsColumn).sentences.map(({ words }) => words.join('|'));
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
      { words: ['#', 'New Rome', '#tag'], tags: ['O', 'B-LOC', 'O'] },
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
    ['BIOES', 'a B-X\nb I-X\nc E-X\nd S-X\ne O\nf S-Y\n', 'B-X I-X I-X B-X O B-Y'],
    ['BILOU', 'a B-X\nb I-X\nc L-X\nd U-X\ne O\nf U-Y\n', 'B-X I-X I-X B-X O B-Y'],
    ['BMEWO', 'a B-X\nb M-X\nc E-X\nd W-X\ne O\nf W-Y\n', 'B-X I-X I-X B-X O B-Y'],
    ['BMES', 'a B-X\nb M-X\nc E-X\nd S-X\ne O\nf S-Y\n', 'B-X I-X I-X B-X O B-Y'],
    ['IOE', 'a I-X\nb E-X\nc E-X\nd I-X\ne E-X\nf O\ng E-Y\n', 'B-X I-X B-X B-X I-X O B-Y'],
  ])('of %s is turned into BIO without loss', (scheme, content, tags) => {
    expect(tagsOf(content)).toEqual([tags]);
    expect([read(content).scheme, read(content).repairedLines]).toEqual([scheme, []]);
  });

  it('of BIOES whose spans have no beginning is repaired', () => {
    expect(tagsOf('a E-X\nb I-X\nc E-Y\nd S-X\n')).toEqual(['B-X B-X B-Y B-X']);
    expect(read('a E-X\nb I-X\nc E-Y\nd S-X\n').repairedLines).toEqual([1, 2, 3]);
  });

  it('has spaces in its words where tabs separate', () => {
    const content = 'New Rome\tB-LOC\nis\tO\n \t\nin  \t\t O \nOld York\tB-LOC\nat O\n';
    expect(wordsOf(content)).toEqual(['New Rome|is', 'in|Old York|at']);
    const wide = ' '.repeat(200_000);
    expect(wordsOf(`a${wide}b${wide}\tO\nc${wide}O\n`)).toEqual([`a${wide}b|c`]); // in no time
  });

  it('has comments before its sentences, and # as a word', () => {
    const content =
      '# newdoc\n# sent_id = 0\n# text = a O\nAnn\tB-PER\n#\tO\n#1\tO\n\n#\tO\nx\tO\n\n#tag O\n\n# end\n\n';
    expect(wordsOf(content)).toEqual(['Ann|#|#1', '#|x', '#tag']);
    expect(wordsOf('# id = O\n# a b O\na b c O\n')).toEqual(['#|a']);
    expect(wordsOf('# O\n#x O\n')).toEqual(['#|#x']);
    expect(() => read('a O\n# sent_id = 0\nb O\n')).toThrow(/line 2: 4 columns, but the lines before have 2/);
  });

  it('has words in another column where the first one numbers them', () => {
    const content = '1\tAnn\tB-PER\n2\tcame\tO\n\n1-2\tdel\t_\n1\tde\tO\n2\tel\tO\n2.1\tx\t_\n\n1\tHa\tO\n';
    expect(wordsOf(content)).toEqual(['Ann|came', 'de|el', 'Ha']);
    expect(read(content).numbered).toBe(true);
    expect(wordsOf('0 a O\n1 b O\n\n2 c O\n')).toEqual(['a|b', 'c']); // counted through
    expect(wordsOf('1 a O\n2 b O\n', undefined, 0)).toEqual(['1|2']);
    expect(wordsOf('7 a O\n9 b O\n')).toEqual(['7|9']);
    expect(read('7 a O\n9 b O\n').numbered).toBe(false);
    expect(wordsOf('B-X x Ann\nO y came\n', 0, 2)).toEqual(['Ann|came']);
    expect(() => read('1 O\n2 O\n')).toThrow(/line 1: the first column numbers the words, and none holds them/);
    expect(() => read('a O\nb O\n', 0)).toThrow(/words and tags cannot both be in column 0 of x\.conll/);
    expect(() => read('a O\nb O\n', undefined, 2)).toThrow(/line 1: there is no column 2; .* 0 to 1/);
  });

  it.each([
    ['too few columns', 'a B-PER\nb\n', /x\.conll, line 2: 1 columns, but the lines before have 2/],
    ['too many columns', 'a O\n\nb c O\n', /x\.conll, line 3: 3 columns/],
    ['one column', 'a\nb\n', /x\.conll, line 1: one column only/],
    ['a tag of no scheme', 'a X-PER\n', /x\.conll, line 1: "X-PER" is no tag of BIO, IOB1, BIOES/],
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
