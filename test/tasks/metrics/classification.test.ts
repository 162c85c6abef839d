import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/errors.ts';
import {
  abstentionCurve,
  calibrationError,
  classificationReport,
  reliabilityBins,
  wilsonInterval,
} from '../../../src/tasks/metrics/classification.ts';

const CLASSES = ['a', 'b', 'c', 'never'];
/** Truth a a a b b c, said a a b b a a. */
const TRUTH = [0, 0, 0, 1, 1, 2];
const PROBABILITIES = [
  [0.9, 0.1, 0, 0],
  [0.6, 0.2, 0.2, 0],
  [0.3, 0.7, 0, 0],
  [0, 1, 0, 0],
  [0.55, 0.45, 0, 0],
  [0.4, 0.3, 0.3, 0],
];

describe('classificationReport', () => {
  const report = classificationReport(CLASSES, TRUTH, PROBABILITIES);

  it('counts truth by prediction', () => {
    expect(report.confusion).toEqual([
      [2, 1, 0, 0],
      [1, 1, 0, 0],
      [1, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
    expect(report.accuracy).toBe(3 / 6);
  });

  it('scores each class against the others, 0 / 0 as 0', () => {
    const [a, b, c, never] = report.perClass;
    expect(a).toEqual({ label: 'a', precision: 2 / 4, recall: 2 / 3, f1: 4 / 7, support: 3, predicted: 4 });
    expect(b).toEqual({ label: 'b', precision: 1 / 2, recall: 1 / 2, f1: 1 / 2, support: 2, predicted: 2 });
    expect(c).toEqual({ label: 'c', precision: 0, recall: 0, f1: 0, support: 1, predicted: 0 });
    expect(never).toEqual({ label: 'never', precision: 0, recall: 0, f1: 0, support: 0, predicted: 0 });
  });

  it('averages F1 over the classes that occur', () => {
    expect(report.macroF1).toBeCloseTo((4 / 7 + 1 / 2 + 0) / 3, 15);
  });

  it('calibration: right at 0.9, 0.6 and 1, wrong at 0.7, 0.55 and 0.4', () => {
    // Each confidence in a bin of its own but 0.55 (8.25 fifteenths) and 0.6 (9), which share the ninth.
    const filled = report.reliability.filter(({ count }) => count > 0).map(({ high }) => Math.round(high * 15));
    expect(filled).toEqual([6, 9, 11, 14, 15]);
    expect(report.reliability[8]).toMatchObject({ count: 2, accuracy: 0.5 });
    expect(report.reliability[8].confidence).toBeCloseTo(0.575, 12);
    expect(report.calibrationError).toBeCloseTo((0.4 + 2 * 0.075 + 0.7 + 0.1 + 0) / 6, 12);
  });

  it('survives JSON', () => {
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('takes the first of equally probable classes', () => {
    expect(
      classificationReport(
        ['a', 'b'],
        [0, 1],
        [
          [0.5, 0.5],
          [0.5, 0.5],
        ],
      ).accuracy,
    ).toBe(0.5);
  });

  it.each([
    ['no examples', [], [], /no examples/],
    ['an unknown label', [4], [[1, 0, 0, 0]], /example 1 .* never learned/],
    ['a label -1', [-1], [[1, 0, 0, 0]], /never learned/],
    ['NaN', [0], [[Number.NaN, 0, 0, 0]], /example 1 do not add up to 1/],
    ['logits', [0], [[3, 1, 0, -1]], /do not add up to 1/],
    ['too few classes', [0], [[0.5, 0.5]], /over 4 classes/],
  ])('refuses %s', (_, truth, probabilities, message) => {
    expect(() => classificationReport(CLASSES, truth, probabilities)).toThrow(UserError);
    expect(() => classificationReport(CLASSES, truth, probabilities)).toThrow(message);
  });
});

describe('calibration', () => {
  it('is perfect where a confidence of 0.8 is right four times in five', () => {
    const bins = reliabilityBins([0.8, 0.8, 0.8, 0.8, 0.8], [true, true, false, true, true]);
    expect(calibrationError(bins)).toBeCloseTo(0, 12);
  });

  it('puts the edge of a bin into the lower one, as (low, high] says, and 0 into the first', () => {
    const counts = reliabilityBins([0, 0.2, 0.2000001, 1], [true, true, true, true]).map(({ count }) => count);
    expect(counts).toEqual([1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  });
});

describe('abstentionCurve', () => {
  it('answers from the threshold on, and says null when it never does', () => {
    const curve = abstentionCurve([0.95, 0.8, 0.8, 0.5], [true, true, false, false]);
    expect(curve.find(({ threshold }) => threshold === 0)).toMatchObject({ coverage: 1, accuracy: 0.5 });
    expect(curve.find(({ threshold }) => threshold === 0.8)).toMatchObject({ coverage: 0.75, accuracy: 2 / 3 });
    expect(curve.find(({ threshold }) => threshold === 0.95)).toMatchObject({ coverage: 0.25, accuracy: 1 });
    expect(curve.find(({ threshold }) => threshold === 0.99)).toMatchObject({ coverage: 0, accuracy: null });
  });
});

describe('wilsonInterval', () => {
  it.each([
    // z = 1.959964: 8 of 10, and the ends, where it is z^2 / (n + z^2) wide.
    [8, 10, 0.490162, 0.943318],
    [0, 10, 0, 0.277533],
    [10, 10, 0.722467, 1],
    [500, 1000, 0.46907, 0.53093],
  ])('%i of %i', (hits, count, low, high) => {
    const interval = wilsonInterval(hits, count);
    expect(interval[0]).toBeCloseTo(low, 6);
    expect(interval[1]).toBeCloseTo(high, 6);
  });
});
