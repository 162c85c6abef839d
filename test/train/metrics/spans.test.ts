import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/errors.ts';
import { mix } from '../../../src/text/permutation.ts';
import { chunksOf, spanReport } from '../../../src/train/metrics/spans.ts';

const tags = (line: string): string[] => line.split(' ').filter(Boolean);
const chunks = (line: string): string =>
  chunksOf(tags(line))
    .map(({ type, start, end }) => `${type}${start}:${end}`)
    .join(' ');

describe('chunksOf', () => {
  it.each([
    ['', ''],
    ['O O', ''],
    ['B-P I-P O B-L', 'P0:2 L3:4'],
    ['B-P B-P', 'P0:1 P1:2'],
    ['B-P B-L', 'P0:1 L1:2'],
    ['B-P I-L', 'P0:1 L1:2'],
    ['I-P I-P O I-P', 'P0:2 P3:4'],
    ['I-P I-L I-P', 'P0:1 L1:2 P2:3'],
    ['I-P B-P I-P', 'P0:1 P1:3'],
    ['O I-P', 'P1:2'],
    ['B-P O I-P', 'P0:1 P2:3'],
    ['B I O I', '0:2 3:4'],
    ['B-P I', 'P0:1 1:2'],
    ['B-a-b I-a-b', 'a-b0:2'],
  ])('%j holds %j', (line, expected) => {
    expect(chunks(line)).toBe(expected);
  });

  it.each(['E-P', 'S-P', 'P', 'o', 'O-P', '', 'BP'])('refuses %j', (tag) => {
    expect(() => chunksOf(['O', tag])).toThrow(UserError);
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
