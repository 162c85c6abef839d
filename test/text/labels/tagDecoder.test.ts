import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/errors.ts';
import { isLegalTransition, TagDecoder } from '../../../src/text/labels/tagDecoder.ts';
import { mix } from '../../../src/text/windows/permutation.ts';

const TAGS = ['O', 'B-P', 'I-P', 'B-L', 'I-L'];
const decoder = new TagDecoder(TAGS);

const randomScores = (seed: number, words: number, tags: number): number[] =>
  Array.from({ length: words * tags }, (_, i) => Math.log((mix(seed, i) + 1) / 2 ** 32));

/** All sequences without an illegal transition, each with its score. */
function everyLegal(tags: readonly string[], scores: readonly number[]): { path: string[]; score: number }[] {
  let paths: { path: string[]; score: number }[] = [{ path: [], score: 0 }];
  for (let row = 0; row < scores.length; row += tags.length) {
    paths = paths.flatMap(({ path, score }) =>
      tags.flatMap((tag, k) =>
        isLegalTransition(path.at(-1), tag) ? [{ path: [...path, tag], score: score + scores[row + k] }] : [],
      ),
    );
  }
  return paths;
}

describe('isLegalTransition', () => {
  it('lets an entity go on only behind itself', () => {
    const legal = (a: string | undefined, b: string) => isLegalTransition(a, b);
    expect([legal('B-P', 'I-P'), legal('I-P', 'I-P')]).toEqual([true, true]);
    expect([legal(undefined, 'I-P'), legal('O', 'I-P'), legal('B-L', 'I-P'), legal('I-L', 'I-P')]).toEqual([
      false,
      false,
      false,
      false,
    ]);
    for (const before of [undefined, ...TAGS]) for (const next of ['O', 'B-P']) expect(legal(before, next)).toBe(true);
  });
});

describe('TagDecoder', () => {
  it('equals the best of all legal sequences', () => {
    for (let seed = 0; seed < 100; seed++) {
      const tags = seed % 3 === 0 ? ['I-P', 'O', 'B-P'] : TAGS;
      const scores = randomScores(seed, 1 + (seed % 6), tags.length);
      const best = everyLegal(tags, scores).reduce((a, b) => (b.score > a.score ? b : a));
      expect(new TagDecoder(tags).decode(scores)).toEqual(best.path);
    }
  });

  it('changes nothing where the best tag of each word makes a legal sequence', () => {
    const wanted = ['B-P', 'I-P', 'O', 'B-L', 'B-L'];
    const scores = wanted.flatMap((tag) => TAGS.map((other) => (other === tag ? -0.1 : -5)));
    expect(decoder.decode(scores)).toEqual(wanted);
  });

  it('gives the same for logits, shifted word by word', () => {
    const scores = randomScores(7, 6, 5);
    expect(decoder.decode(scores.map((score, i) => score + 3 * Math.floor(i / 5)))).toEqual(decoder.decode(scores));
    expect(decoder.decode(Float32Array.from(scores))).toEqual(decoder.decode(scores));
  });

  it('stays legal where probabilities are 0', () => {
    const onlyInside = TAGS.map((tag) => (tag === 'I-P' ? 0 : Number.NEGATIVE_INFINITY));
    expect(decoder.decode(onlyInside)).toEqual(['O']);
    expect(decoder.decode([...onlyInside, ...onlyInside])).toEqual(['B-P', 'I-P']);
  });

  it('takes no words, and refuses NaN, half rows and tags that cannot begin', () => {
    expect(decoder.decode([])).toEqual([]);
    expect(() => decoder.decode([0, 0, Number.NaN, 0, 0])).toThrow(/NaN/);
    expect(() => decoder.decode([0, 0])).toThrow(/rows of 5/);
    expect(() => new TagDecoder(['I-P'])).toThrow(UserError);
  });
});
