import { describe, expect, it } from 'vitest';
import { KneserNey } from '../../../src/text/ngrams/kneserNey.ts';
import { NgramCounts } from '../../../src/text/ngrams/ngrams.ts';
import type { Tokens } from '../../../src/text/windows/dataset.ts';
import { TEXT } from '../../helpers/dawnlm.ts';
import { countPlainly, hashedTokens, plainKneserNey } from './plain.ts';

const modelOf = (tokens: Tokens, order: number, vocabSize: number): KneserNey =>
  new KneserNey(new NgramCounts(tokens, order, vocabSize));

const characters = [...new Set(TEXT)];
const letters = Uint16Array.from(TEXT.slice(0, 2500), (letter) => characters.indexOf(letter));

/** Windows of a text, one that it does not have, and the empty one, each of up to `longest` tokens. */
const contextsIn = (tokens: Tokens, longest: number, vocabSize: number): number[][] => [
  [],
  ...Array.from({ length: 12 }, (_, i) => [...tokens.subarray(7 * i, 7 * i + (i % (longest + 1)))]),
  Array.from({ length: longest }, (_, i) => (i * i + 1) % vocabSize),
];

describe.each([
  ['words', letters, characters.length],
  ['few random symbols', hashedTokens(300, 3), 3],
  ['random symbols, some never seen', hashedTokens(250, 20), 30],
  ['one symbol', new Uint16Array(40), 4],
  ['one token', Uint16Array.of(2), 4],
] as const)('smoothed n-grams of %s', (_, tokens, vocabSize) => {
  const order = 5;
  const model = modelOf(tokens, order, vocabSize);
  const plain = plainKneserNey(countPlainly(tokens, order), vocabSize);

  it('are those of an implementation that shares nothing with them', () => {
    for (const context of contextsIn(tokens, order - 1, vocabSize)) {
      for (let token = 0; token < vocabSize; token += 3) {
        // sums of some ten numbers of at most 1 differ by rounding alone
        expect(Math.abs(model.probability(context, token) - plain(context, token))).toBeLessThan(1e-12);
      }
    }
  });

  it('have the cross-entropy of that implementation', () => {
    const heldOut = hashedTokens(60, vocabSize);
    for (const most of [1, 2, 3, 5]) {
      let sum = 0;
      for (let i = 1; i < heldOut.length; i++) {
        sum -= Math.log(plain([...heldOut.subarray(Math.max(0, i - most + 1), i)], heldOut[i]));
      }
      expect(Math.abs(model.crossEntropy(heldOut, most) - sum / 59)).toBeLessThan(1e-9);
    }
  });

  it('sum to 1 and are above 0 after every context', () => {
    for (const context of contextsIn(tokens, order - 1, vocabSize)) {
      const probabilities = model.distribution(context);
      expect(Math.abs(probabilities.reduce((sum, one) => sum + one, 0) - 1)).toBeLessThan(1e-12);
      expect(probabilities.every((one) => one > 0)).toBe(true);
      expect(probabilities[vocabSize - 1]).toBeCloseTo(model.probability(context, vocabSize - 1), 14);
    }
  });
});

describe('smoothed n-grams', () => {
  it('are worked out as by hand: counts 2, 1, 1 of three symbols of four, with the discounts of a small text', () => {
    const model = modelOf(Uint16Array.of(0, 0, 1, 2), 1, 4);
    const left = (1 + 0.5 + 0.5) / 4;
    expect([...model.distribution([])]).toEqual([1 / 4 + left / 4, 0.5 / 4 + left / 4, 0.5 / 4 + left / 4, left / 4]);
  });

  it('of a vocabulary of 50,000 sum to 1 after seen and unseen contexts', () => {
    const model = modelOf(Uint16Array.from(hashedTokens(3000, 20_000)), 3, 50_000);
    for (const context of [[], [5], [49_999, 5], [49_998, 49_999]]) {
      const probabilities = model.distribution(context);
      expect(Math.abs(probabilities.reduce((sum, one) => sum + one, 0) - 1)).toBeLessThan(1e-9);
      expect(probabilities[49_999]).toBeGreaterThan(0);
    }
  });

  it('look at no more of a context than they were counted for', () => {
    const model = modelOf(letters, 3, characters.length);
    expect(model.probability([1, 2, 3, 4, 5], 6)).toBe(model.probability([4, 5], 6));
  });

  it('predict a text like their own the better the longer they are', () => {
    const model = modelOf(letters, 5, characters.length);
    const rest = Uint16Array.from(TEXT.slice(5000, 9000), (letter) => characters.indexOf(letter));
    const [one, two, three, five] = [1, 2, 3, 5].map((order) => model.crossEntropy(rest, order));
    expect(Math.log(characters.length)).toBeGreaterThan(one);
    expect([two < one, three < two, five < three]).toEqual([true, true, true]);
  });

  it('draw tokens as often as they are likely', () => {
    const model = modelOf(letters, 4, characters.length);
    const context = [...letters.subarray(100, 103)];
    const drawn = new Float64Array(characters.length);
    for (let i = 0; i < 1000; i++) drawn[model.sample(context, (i + 0.5) / 1000)] += 1 / 1000;
    // numbers that are spread evenly hit each share to within one of them
    model.distribution(context).forEach((probability, token) => {
      expect(Math.abs(drawn[token] - probability)).toBeLessThanOrEqual(0.001 + 1e-9);
    });
  });

  it('need a text of two tokens', () => {
    expect(() => modelOf(letters, 2, characters.length).crossEntropy(Uint16Array.of(1))).toThrow(/two tokens/);
  });
});
