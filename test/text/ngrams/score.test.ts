import { describe, expect, it } from 'vitest';
import { KneserNey } from '../../../src/text/ngrams/kneserNey.ts';
import { NgramCounts } from '../../../src/text/ngrams/ngrams.ts';
import { scoreBatches } from '../../../src/text/ngrams/score.ts';
import { evaluationBatches, IGNORE } from '../../../src/text/windows/windows.ts';
import { hashedTokens } from './plain.ts';

const model = new KneserNey(new NgramCounts(hashedTokens(500, 6), 5, 6));
const heldOut = hashedTokens(101, 6).map((token, i) => (token + i) % 6);

describe('n-grams on windows', () => {
  it('are what they are on the text where one window holds it', () => {
    const score = scoreBatches(model, evaluationBatches(heldOut, 1, 100), { blockSize: 100, order: 3 });
    expect(score.tokens).toBe(100);
    expect(score.loss).toBeCloseTo(model.crossEntropy(heldOut, 3), 12);
    expect(score.windows).toEqual([{ loss: score.loss, tokens: 100 }]);
  });

  it('see nothing of the window before, and leave out what fills a batch up', () => {
    const [B, T] = [3, 7];
    const score = scoreBatches(model, evaluationBatches(heldOut, B, T), { blockSize: T });
    let sum = 0;
    for (let i = 1; i < heldOut.length; i++) {
      const begin = Math.floor((i - 1) / T) * T;
      sum -= Math.log(model.probability([...heldOut.subarray(begin, i)], heldOut[i]));
    }
    expect(score.tokens).toBe(100);
    expect(score.loss).toBeCloseTo(sum / 100, 12);
    expect(score.windows.map(({ tokens }) => tokens)).toEqual([...new Array(14).fill(7), 2]);
  });

  it('predict only targets that count, and of many batches those that are asked for', () => {
    const inputs = Uint32Array.of(1, 2, 3, 4);
    const batch = { inputs, targets: Uint32Array.of(IGNORE, 3, IGNORE, IGNORE), count: 1 };
    const one = scoreBatches(model, { total: 1, batches: () => [batch] }, { blockSize: 4 });
    expect([one.tokens, one.loss]).toEqual([1, -Math.log(model.probability([1, 2], 3))]);
    const some = scoreBatches(model, evaluationBatches(heldOut, 1, 10), { blockSize: 10, most: 5 });
    const all = scoreBatches(model, evaluationBatches(heldOut, 1, 10), { blockSize: 10 });
    expect(some.windows).toEqual([0, 2, 4, 6, 8].map((i) => all.windows[i]));
  });
});
