import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/errors.ts';
import { spanReport } from '../../../src/tasks/metrics/spans.ts';
import { mix } from '../../../src/text/windows/permutation.ts';

const tags = (line: string): string[] => line.split(' ').filter(Boolean);
/** Whether spans as `a` marks them are those that `b` marks, with all their types and ends. */
const same = (a: string, b: string): boolean => {
  const { overall } = spanReport([tags(a)], [tags(b)]);
  return overall.correct === overall.support && overall.correct === overall.predicted;
};

describe('where conlleval sees a span begin and end', () => {
  it.each([
    ['I- after O begins one', 'O I-P', 'O B-P'],
    ['I- at the start begins one', 'I-P I-P O', 'B-P I-P O'],
    ['I- of another type begins one', 'B-P I-L I-P', 'B-P B-L B-P'],
    ['a sentence of IOB1', 'I-P I-P B-P O I-P', 'B-P I-P B-P O B-P'],
    ['a type with a hyphen', 'I-a-b I-a-b', 'B-a-b I-a-b'],
  ])('%s', (_, a, b) => {
    expect(same(a, b)).toBe(true);
  });

  it.each([
    ['B- after B- begins another', 'B-P B-P', 'B-P I-P'],
    ['B- after I- begins another', 'B-P I-P B-P', 'B-P I-P I-P'],
    ['O ends one', 'B-P O I-P', 'B-P I-P I-P'],
    ['types count', 'B-P', 'B-L'],
  ])('%s', (_, a, b) => {
    expect(same(a, b)).toBe(false);
  });
});

describe('spanReport', () => {
  it('counts a chunk as correct when both ends and the type are', () => {
    const truth = [tags('B-P I-P O B-L O'), tags('B-P I-P'), tags('O O')];
    const predicted = [tags('B-P I-P O B-P O'), tags('B-P O'), tags('O B-L')];
    const report = spanReport(truth, predicted);
    expect(report).toMatchObject({ sentences: 3, tokens: 9, tokenAccuracy: 6 / 9 });
    expect(report.overall).toEqual({
      type: 'all',
      correct: 1,
      predicted: 4,
      support: 3,
      precision: 1 / 4,
      recall: 1 / 3,
      f1: 2 / 7,
    });
    expect(report.perType.map(({ type, correct, predicted, support }) => [type, correct, predicted, support])).toEqual([
      ['L', 0, 1, 1],
      ['P', 1, 3, 2],
    ]);
  });

  it('counts IOB1 and BIO spellings of the same chunks as equal, though not the tags', () => {
    const report = spanReport([tags('B-P I-P O B-L')], [tags('I-P I-P O I-L')]);
    expect(report.overall.f1).toBe(1);
    expect(report.tokenAccuracy).toBe(2 / 4);
  });

  it('ends chunks with their sentence', () => {
    expect(spanReport([['B-P'], ['I-P']], [['B-P'], ['I-P']]).overall).toMatchObject({ support: 2, correct: 2 });
  });

  it('says 0, not NaN, where there is nothing to find', () => {
    expect(spanReport([['O']], [['O']])).toMatchObject({
      tokenAccuracy: 1,
      overall: { f1: 0, precision: 0, recall: 0 },
    });
  });

  it('refuses no words, and throws on different lengths', () => {
    expect(() => spanReport([], [])).toThrow(UserError);
    expect(() => spanReport([['O']], [['O', 'O']])).toThrow(/as many/);
    expect(() => spanReport([['O']], [['O'], ['O']])).toThrow(/as many/);
  });

  it('agrees with conlleval 2004-01-26 on illegal random tags', () => {
    // What the Perl script printed for these 30 sentences: correct, guessed, in truth.
    const TAGS = ['O', 'B-A', 'I-A', 'B-C', 'I-C', 'I-A', 'B-A', 'O', 'I-x-y'];
    const truth = Array.from({ length: 30 }, (_, s) =>
      Array.from({ length: 1 + (mix(s, 1) % 9) }, (_, i) => TAGS[mix(s, 10 + i) % TAGS.length]),
    );
    const predicted = truth.map((row, s) =>
      row.map((tag, i) => (mix(s, 100 + i) % 3 ? tag : TAGS[mix(s, 200 + i) % TAGS.length])),
    );
    const report = spanReport(truth, predicted);
    const counts = [report.overall, ...report.perType].map((x) => [x.type, x.correct, x.predicted, x.support]);
    expect(report.tokens).toBe(147);
    expect(report.tokenAccuracy).toBeCloseTo(101 / 147, 12);
    expect(counts).toEqual([
      ['all', 59, 102, 102],
      ['A', 34, 56, 58],
      ['C', 19, 34, 33],
      ['x-y', 6, 12, 11],
    ]);
  });
});
