import { describe, expect, it } from 'vitest';
import { countLabels } from '../../../src/text/labels/labelled.ts';
import {
  normalizeText,
  randomSplit,
  removeDuplicates,
  sameText,
  stratifiedSplit,
  subsample,
  subsampleAny,
} from '../../../src/text/labels/splits.ts';

const make = (label: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ text: `${label} number ${i}`, label }));
const examples = [...make('big', 200), ...make('middle', 60), ...make('small', 3), ...make('single', 1)];
const fractions = { validation: 0.1, test: 0.2 };

describe('a stratified split', () => {
  const { train, validation, test } = stratifiedSplit(examples, fractions, 1);

  it('gives every example to one part, classes in proportion', () => {
    const all = [...train, ...validation, ...test].map(({ text }) => text);
    expect(all.sort()).toEqual(examples.map(({ text }) => text).sort());
    expect([...countLabels(test)]).toEqual([
      ['big', 40],
      ['middle', 12],
      ['small', 1],
    ]);
    expect([...countLabels(validation)]).toEqual([
      ['big', 20],
      ['middle', 6],
      ['small', 1],
    ]);
    expect(countLabels(train).get('single')).toBe(1);
  });

  it('depends on the seed alone', () => {
    expect(stratifiedSplit(examples, fractions, 1)).toEqual({ train, validation, test });
    expect(stratifiedSplit(examples, fractions, 2).test).not.toEqual(test);
  });

  it('always leaves something to train on', () => {
    const tight = stratifiedSplit(make('a', 3), { validation: 0.5, test: 0.4 }, 1);
    expect([tight.train.length, tight.validation.length, tight.test.length]).toEqual([1, 1, 1]);
    expect(() => stratifiedSplit(examples, { validation: 0.5, test: 0.5 }, 1)).toThrow(/add up to less than 1/);
  });

  it.each([
    [3, { validation: 0, test: 0.9 }, [2, 0, 1]],
    [4, { validation: 0, test: 0.9 }, [3, 0, 1]],
    [3, { validation: 0.1, test: 0.8 }, [1, 1, 1]],
    [10, { validation: 0.02, test: 0.97 }, [8, 1, 1]],
    [10, { validation: 0.97, test: 0.02 }, [1, 8, 1]],
  ])('of %i examples puts none into two parts, whatever is held out (%o)', (count, shares, [tested, held, learned]) => {
    const split = stratifiedSplit(make('a', count), shares, 1);
    expect([split.test.length, split.validation.length, split.train.length]).toEqual([tested, held, learned]);
    expect(new Set([...split.train, ...split.validation, ...split.test]).size).toBe(count);
  });

  it('takes classes of more examples than a call has room for arguments', () => {
    const split = stratifiedSplit(make('a', 300_000), { validation: 0.1, test: 0.1 }, 1);
    expect([split.train.length, split.validation.length, split.test.length]).toEqual([240_000, 30_000, 30_000]);
  });

  it('works without classes', () => {
    const split = randomSplit([...'abcdefghij'], fractions, 5);
    expect([split.train.length, split.validation.length, split.test.length]).toEqual([7, 1, 2]);
  });
});

describe('a subsample', () => {
  it('is nested, stratified, and picked by the seed', () => {
    const sizes = [1, 3, 8, 16, 100, 264, 1000];
    const samples = sizes.map((n) => subsample(examples, n, 7));
    expect(samples.map(({ length }) => length)).toEqual([1, 3, 8, 16, 100, 264, 264]);
    for (const [i, sample] of samples.slice(1).entries())
      expect(sample.slice(0, samples[i].length)).toEqual(samples[i]);
    expect(subsample(examples, 16, 7)).toEqual(samples[3]);
    expect(subsample(examples, 16, 8)).not.toEqual(samples[3]);
    expect(countLabels(samples[2]).size).toBe(4);
    const share = countLabels(samples[4]).get('big')! / 100;
    expect(Math.abs(share - 200 / 264)).toBeLessThan(0.03);
  });

  it('of less than one is refused', () => expect(() => subsample(examples, 0, 1)).toThrow(/1 or more, got 0/));
  it('without classes is nested too', () => {
    expect(subsampleAny(examples, 20, 1).slice(0, 5)).toEqual(subsampleAny(examples, 5, 1));
  });
});

describe('duplicates', () => {
  const one = (text: string, label = 'a') => ({ text, label });
  const parts = {
    train: [
      one('Hello, world!'),
      one('fresh'),
      one('FRESH'),
      one('odd', 'a'),
      one('odd', 'b'),
      one('tested', 'b'),
      one('torn'),
    ],
    validation: [one('hello  world'), one('seen')],
    test: [one('tested'), one('tested.'), one('torn', 'a'), one('torn', 'b')],
  };
  const { splits, removed } = removeDuplicates(parts);

  it('go from the training part, and where labels conflict altogether', () => {
    expect(splits.test).toEqual([one('tested')]);
    expect(splits.validation).toEqual([one('hello  world'), one('seen')]);
    expect(splits.train).toEqual([one('fresh')]);
    expect(removed).toEqual({ within: 2, across: 3, conflicting: 4 });
  });

  it('are gone after one pass', () => {
    expect(removeDuplicates(splits).removed).toEqual({ within: 0, across: 0, conflicting: 0 });
  });

  it('of a user are told by every sign, however the system writes it', () => {
    const texts = [
      'late :)',
      'late :(',
      'late',
      'Late',
      'late!',
      'late 👍',
      'late 👎',
      'la te',
      'la  te',
      'ﬁne',
      'fine',
    ];
    expect(new Set(texts.map(sameText)).size).toBe(texts.length);
    expect(new Set(['a\r\nb', 'a\nb', ' a\rb\n'].map(sameText)).size).toBe(1);
    expect(sameText('cafe\u0301')).toBe(sameText('café'));
  });

  it('are told by letters and digits', () => {
    expect(normalizeText('  Ａ “b”—C3\n')).toBe('a b c3');
    expect(normalizeText(' :-) ')).toBe(':-)');
  });
});
