import { describe, expect, it } from 'vitest';
import { placeAmong, rungsOf } from '../../src/health/rungs.ts';
import { KneserNey } from '../../src/text/ngrams/kneserNey.ts';
import { NgramCounts } from '../../src/text/ngrams/ngrams.ts';
import { trainTokenizer } from '../../src/text/tokenizers/tokenizer.ts';
import { buildDataset } from '../../src/text/windows/dataset.ts';
import { evaluationBatches } from '../../src/text/windows/windows.ts';
import { TEXT } from '../helpers/dawnlm.ts';

const text = TEXT.replaceAll('captain', 'kapitän'); // a letter of two bytes
const chunks = async function* () {
  yield text;
};
const textOf = async (spec: string, blockSize: number) => {
  const tokenizer = await trainTokenizer(spec, chunks);
  const { train, validation } = await buildDataset(chunks, tokenizer, { name: 'text', blockSize });
  return { train, validation: evaluationBatches(validation, 4, blockSize), tokenizer, blockSize, held: validation };
};

describe('the rungs of a text', () => {
  it('go from guessing down to 5-grams, in nats a token and bits a byte', async () => {
    const { held, ...given } = await textOf('char', 100);
    const { rungs, tokens, countedTokens, windows } = rungsOf(given);
    expect(rungs.map(({ name, order }) => [name, order])).toEqual([
      ['guessing', 0],
      ['token frequencies', 1],
      ['bigrams', 2],
      ['trigrams', 3],
      ['5-grams', 5],
    ]);
    expect(rungs[0].loss).toBe(Math.log(given.tokenizer.vocabSize));
    rungs.slice(1).forEach((rung, i) => {
      expect(rung.loss).toBeLessThan(rungs[i].loss);
    });
    expect(tokens).toBe(held.length - 1);
    expect(countedTokens).toBe(given.train.length);
    const bytes = Buffer.byteLength(given.tokenizer.decode(held.subarray(1)));
    for (const { loss, bitsPerByte } of rungs) expect(bitsPerByte).toBeCloseTo((loss * tokens) / bytes / Math.LN2, 12);
    const model = new KneserNey(new NgramCounts(given.train, 5, given.tokenizer.vocabSize));
    expect(rungs[2].loss).toBeCloseTo(model.crossEntropy(held, 2), 12); // contexts of one token are cut nowhere
    expect(windows.reduce((sum, one) => sum + one.tokens, 0)).toBe(tokens);
  });

  it('compare across tokenizers in bits a byte', async () => {
    const [letters, bytes] = [rungsOf(await textOf('char', 64)), rungsOf(await textOf('byte', 64))];
    expect(bytes.tokens).toBeGreaterThan(letters.tokens);
    expect(Math.abs(bytes.rungs[4].bitsPerByte - letters.rungs[4].bitsPerByte)).toBeLessThan(0.1);
  });
});

describe('a loss among rungs', () => {
  const rungs = (
    [
      ['guessing', 4.17],
      ['token frequencies', 3.31],
      ['bigrams', 2.45],
      ['trigrams', 2.1],
      ['5-grams', 1.93],
    ] as const
  ).map(([name, loss], order) => ({ name, order, loss, bitsPerByte: loss }));

  it.each([
    [5, 'no better than guessing (4.17)'],
    [4.17, 'no better than guessing (4.17)'],
    [3.4, 'better than guessing (4.17), not yet token frequencies (3.31)'],
    [2, 'better than trigrams (2.10), not yet 5-grams (1.93)'],
    [1.7, 'better than 5-grams (1.93)'],
    [Number.NaN, 'no better than guessing (4.17)'],
  ])('of %d is %s', (loss, sentence) => expect(placeAmong({ rungs }, loss)).toBe(sentence));

  it('counts the best rung beneath it, also where longer n-grams are worse', () => {
    const worse = rungs.map((rung) => (rung.name === '5-grams' ? { ...rung, loss: 2.3 } : rung));
    expect(placeAmong({ rungs: worse }, 2.2)).toBe('better than 5-grams (2.30), not yet trigrams (2.10)');
  });
});
