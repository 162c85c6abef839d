import { describe, expect, it } from 'vitest';
import { BagOfWords } from '../../../experiments/baselines/bagOfWords.ts';
import { fitPath, logisticObjective, logProbabilities } from '../../../experiments/baselines/logisticRegression.ts';
import { choosePenalty, stratifiedFolds } from '../../../experiments/baselines/penalty.ts';
import { type SparseRows, Tfidf, termCounts } from '../../../experiments/baselines/tfidf.ts';
import { UserError } from '../../../src/errors.ts';
import { argmax } from '../../../src/tasks/metrics/classification.ts';
import { mix } from '../../../src/text/windows/permutation.ts';

const TOPICS = {
  sea: ['whale', 'ship', 'harpoon', 'wave'],
  land: ['horse', 'road', 'wheat', 'hill'],
  sky: ['cloud', 'star', 'wind'],
};
const CLASSES = Object.keys(TOPICS).sort();

/** Texts of words of their topic among words of none. */
function toy(count: number, seed = 0) {
  return Array.from({ length: count }, (_, i) => {
    const [label, words] = Object.entries(TOPICS)[i % 3];
    const pick = (k: number): string => words[mix(seed + i, k) % words.length];
    return { text: `The ${pick(0)} and then a ${pick(1)}, or the ${pick(2)}.`, label };
  });
}
const classOf = (model: BagOfWords, text: string): string => CLASSES[argmax(model.probabilities(text))];

const ROWS: SparseRows = {
  start: Int32Array.of(0, 2, 3, 3, 5),
  column: Int32Array.of(0, 2, 1, 0, 1),
  value: Float64Array.of(0.6, 0.8, 1, 0.3, -0.7),
};
const LABELS = Int32Array.of(0, 1, 2, 1);

describe('termCounts', () => {
  it('counts words and neighbouring pairs, letter case and signs aside', () => {
    expect(Object.fromEntries(termCounts('The whale: the Whale don’t'))).toEqual({
      the: 2,
      whale: 2,
      'don’t': 1,
      'the whale': 2,
      'whale the': 1,
      'whale don’t': 1,
    });
    expect(termCounts('!? ').size).toBe(0);
  });

  it('counts the pieces of a notation, where letter case and signs mean something', () => {
    const counts = termCounts('CClc', (text) => text.match(/Cl|./g)!);
    expect(Object.fromEntries(counts)).toEqual({ C: 1, Cl: 1, c: 1, 'C Cl': 1, 'Cl c': 1 });
  });
});

describe('Tfidf', () => {
  it('weighs by hand', () => {
    const texts = ['x x', 'x y'].map((text) => termCounts(text));
    const { start, column, value } = new Tfidf(texts).rows(texts);
    // Columns by frequency: x (2 texts), then "x x", y, "x y" (1 text). idf: 1, and 1 + ln(3/2).
    const rare = 1 + Math.log(3 / 2);
    const first = [1 + Math.log(2), rare];
    const length = Math.hypot(...first);
    expect([...start]).toEqual([0, 2, 5]);
    expect([...column]).toEqual([0, 1, 0, 2, 3]);
    expect(value[0]).toBeCloseTo(first[0] / length, 14);
    expect(value[1]).toBeCloseTo(first[1] / length, 14);
    expect(Math.hypot(...value.slice(2))).toBeCloseTo(1, 14);
  });

  it('makes words never seen a zero vector', () => {
    const { start } = new Tfidf([termCounts('a b')]).rows([termCounts('zzz'), termCounts('')]);
    expect([...start]).toEqual([0, 0, 0]);
  });
});

describe('logistic regression', () => {
  it('has the gradient that finite differences have', () => {
    const objective = logisticObjective(ROWS, LABELS, 3, 0.37);
    const weights = Float64Array.from({ length: 12 }, (_, i) => mix(3, i) / 2 ** 31 - 1);
    const gradient = new Float64Array(12).fill(Number.NaN);
    objective(weights, gradient);
    const h = 1e-5;
    for (let i = 0; i < weights.length; i++) {
      const at = (step: number): number =>
        objective(
          weights.map((w, j) => (i === j ? w + step : w)),
          new Float64Array(12),
        );
      expect(Math.abs((at(h) - at(-h)) / (2 * h) - gradient[i])).toBeLessThan(1e-9);
    }
  });

  it('at weights of 0 has the loss of guessing', () => {
    expect(logisticObjective(ROWS, LABELS, 3, 1)(new Float64Array(12), new Float64Array(12))).toBeCloseTo(
      Math.log(3),
      14,
    );
  });

  it('ends where the gradient vanishes, under every penalty of a path', () => {
    const penalties = [1, 0.1, 0.03, 0.01, 0.001];
    const path = fitPath(ROWS, LABELS, { featureCount: 3, classCount: 3 }, penalties);
    for (const [i, weights] of path.entries()) {
      const gradient = new Float64Array(12);
      logisticObjective(ROWS, LABELS, 3, penalties[i])(weights, gradient);
      expect(Math.hypot(...gradient)).toBeLessThan(1e-2);
    }
    expect(Math.hypot(...path[4])).toBeGreaterThan(5 * Math.hypot(...path[0]));
  });

  it('learns the frequencies of the classes where the rows say nothing, penalty or not', () => {
    const empty: SparseRows = { start: new Int32Array(5), column: new Int32Array(0), value: new Float64Array(0) };
    const sizes = { featureCount: 0, classCount: 2 };
    for (const weights of fitPath(empty, Int32Array.of(0, 0, 0, 1), sizes, [100, 0.1])) {
      expect(Math.exp(logProbabilities(empty, 0, weights, new Float64Array(2))[0])).toBeCloseTo(0.75, 3);
    }
  });

  it('survives large weights', () => {
    const logs = logProbabilities(ROWS, 1, Float64Array.of(0, 0, 5000, -5000, 0, 0, 0, 0), new Float64Array(2));
    expect([...logs]).toEqual([0, -10000]);
  });
});

describe('the penalty', () => {
  it('deals every class out over the folds', () => {
    const labels = Int32Array.from({ length: 25 }, (_, i) => (i < 10 ? 0 : 1));
    const fold = stratifiedFolds(labels, 2, 5);
    for (let f = 0; f < 5; f++) {
      const inside = [...labels].filter((_, i) => fold[i] === f);
      expect([inside.filter((label) => label === 0).length, inside.length]).toEqual([2, 5]);
    }
  });

  it('is strong where labels are noise and weak where words tell', () => {
    const examples = toy(60);
    const texts = examples.map(({ text }) => termCounts(text));
    const told = Int32Array.from(examples, ({ label }) => CLASSES.indexOf(label));
    // Of noise, 80% of one class: every word believed costs hits.
    const noise = Int32Array.from(examples, (_, i) => (mix(i, 77) % 5 === 0 ? 1 : 0));
    expect(choosePenalty(texts, told, 3)).toBeLessThan(choosePenalty(texts, noise, 2));
  });
});

describe('BagOfWords', () => {
  const model = new BagOfWords(toy(60), CLASSES);

  it('separates topics', () => {
    for (const { text, label } of toy(30, 1000)) expect(classOf(model, text)).toBe(label);
    expect(classOf(model, 'WHALE!')).toBe('sea');
  });

  it('learns from word pairs what words alone do not tell', () => {
    const xor = ['a b', 'b a'].flatMap((pair) => Array.from({ length: 10 }, () => ({ text: pair, label: pair[0] })));
    const pairs = new BagOfWords(xor, ['a', 'b']);
    expect(argmax(pairs.probabilities('a b'))).toBe(0);
    expect(argmax(pairs.probabilities('b a'))).toBe(1);
  });

  it('gives distributions, the same bits each time', () => {
    const again = new BagOfWords(toy(60), CLASSES);
    for (const { text } of toy(9, 50)) {
      const p = model.probabilities(text);
      expect(p.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
      expect(again.probabilities(text)).toEqual(p);
    }
    expect(again.penalty).toBe(model.penalty);
  });

  it('says of words never seen how frequent the classes are', () => {
    const skewed = new BagOfWords(
      toy(60).filter(({ label }, i) => label === 'sea' || i < 30),
      CLASSES,
    );
    const p = skewed.probabilities('zzz qqq');
    expect(p).toEqual(skewed.probabilities(''));
    expect(argmax(p)).toBe(CLASSES.indexOf('sea'));
  });

  it('is sure of the only class that it saw, and gives 0 to the others', () => {
    const one = new BagOfWords(
      [
        { text: 'whale', label: 'sea' },
        { text: 'ship', label: 'sea' },
      ],
      CLASSES,
    );
    expect([...one.probabilities('horse')]).toEqual(CLASSES.map((label) => (label === 'sea' ? 1 : 0)));
    const two = new BagOfWords(
      toy(12).filter(({ label }) => label !== 'land'),
      CLASSES,
    );
    expect(two.probabilities('horse')[CLASSES.indexOf('land')]).toBe(0);
  });

  it('takes one example a class, and empty texts', () => {
    expect(classOf(new BagOfWords(toy(3), CLASSES), toy(3)[1].text)).toBe(toy(3)[1].label);
    const p = new BagOfWords(
      [
        { text: '', label: 'sea' },
        { text: '', label: 'sky' },
      ],
      CLASSES,
    ).probabilities('');
    expect(p[1]).toBeCloseTo(0.5, 6);
  });

  it('refuses no examples and labels that are no class', () => {
    expect(() => new BagOfWords([], CLASSES)).toThrow(UserError);
    expect(() => new BagOfWords(toy(3), ['sea', 'sky'])).toThrow(/"land"/);
  });
});
