import { describe, expect, it } from 'vitest';
import { effectiveTokens, expectedLoss, lossOf, type ScalingLaw } from '../../src/cost/law.ts';
import { anyLaw, lawFor } from '../../src/cost/laws.ts';
import { RECIPE, settingsOf, shapeOf, shapeOfDepth, WIDTHS } from '../../src/cost/rule.ts';
import { modelSize } from '../../src/cost/size.ts';
import { paceBetween } from '../../src/cost/speed.ts';
import { textSizeOf } from '../../src/cost/textSize.ts';
import { trainTokenizer } from '../../src/text/tokenizers/tokenizer.ts';
import { modelConfig, resolveConfig } from '../../src/train/config.ts';

const law: ScalingLaw = {
  ...{ version: 1, corpus: 'text', uniqueTokens: 1e6, tokenizer: 'char', blockSize: 64, parameters: 'all' },
  ...{ fit: { E: 1, A: 100, alpha: 0.5, B: 1000, beta: 0.5 }, repetition: 15.4, residual: 0.01, from: 'nowhere' },
  draws: [0.98, 1.02].map((E) => ({ E, A: 100, alpha: 0.5, B: 1000, beta: 0.5 })),
  range: { parameters: [1e4, 1e6], tokens: [1e5, 1e7] },
};

describe('a law', () => {
  it('is E + A / N^alpha + B / D^beta, with a band that holds fit and scatter', () => {
    const { loss, low, high } = expectedLoss(law, { parameters: 1e4, tokens: 1e6 });
    expect(loss).toBeCloseTo(1 + 1 + 1, 12);
    const spread = 1.96 * Math.hypot(0.01, 0.02 / 3);
    expect(Math.log(high / loss)).toBeCloseTo(spread, 4);
    expect(Math.log(loss / low)).toBeCloseTo(spread, 4);
  });

  it('counts what is read again for less, and little of what is read often', () => {
    expect(effectiveTokens(5e5, 1e6)).toBe(5e5);
    expect(effectiveTokens(1e6, 1e6)).toBe(1e6);
    expect(effectiveTokens(4e6, 1e6) / 4e6).toBeGreaterThan(0.9);
    expect(effectiveTokens(1e12, 1e6)).toBeCloseTo(16.4e6, 0);
    const of = (unique: number): number => expectedLoss(law, { parameters: 1e4, tokens: 1e7 }, unique).loss;
    expect(of(1e5)).toBeGreaterThan(of(1e6));
    expect(of(1e7)).toBeCloseTo(lossOf(law.fit, 1e4, 1e7), 12);
  });

  it.each(['moby-dick', 'speeches', 'wordnet', 'english'])(
    'comes along for %s, and promises more of larger models and longer texts',
    (corpus) => {
      const found = lawFor(corpus, 'char')!;
      expect(found).toMatchObject({ own: true, law: { corpus, tokenizer: 'char' } });
      const of = (parameters: number, tokens: number): number => expectedLoss(found.law, { parameters, tokens }).loss;
      expect(of(30_000, 1e6)).toBeGreaterThan(1.3);
      expect(of(30_000, 1e6)).toBeLessThan(2.3);
      expect(of(100_000, 1e6)).toBeLessThan(of(30_000, 1e6));
      expect(of(30_000, 4e6)).toBeLessThan(of(30_000, 1e6));
    },
  );

  it('of Moby Dick stands in for other texts, and for pieces of words there is none', () => {
    expect(lawFor('my-letters', 'byte')).toMatchObject({ own: false, law: { corpus: 'moby-dick' } });
    expect(lawFor('moby-dick', 'bpe:2048')).toBeUndefined();
    const { loss, low, high } = expectedLoss(anyLaw(), { parameters: 30_000, tokens: 1e6 });
    expect(low).toBeLessThan(loss);
    expect(high).toBeGreaterThan(loss);
    expect(loss).toBeGreaterThan(1.5);
    expect(loss).toBeLessThan(2.3);
  });
});

describe('the rule', () => {
  it('has a model for each width, whose heads divide it; nano and a depth are among them', () => {
    const sizes = WIDTHS.map((nEmbd) => modelSize(modelConfig(resolveConfig(RECIPE, settingsOf(nEmbd, 1000)), 80)));
    const counts = sizes.map(({ parameters }) => parameters);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(shapeOf(128)).toEqual({ nLayer: 4, nHead: 4, nEmbd: 128 });
    expect(shapeOfDepth(6)).toEqual(shapeOf(192));
    expect(shapeOf(80)).toEqual({ nLayer: 3, nHead: 2, nEmbd: 80 });
  });

  it("has the recipe's rates at its width, and higher ones for narrower models", () => {
    const { learningRate, minLearningRate, warmupSteps } = resolveConfig(RECIPE);
    expect(settingsOf(128, 900)).toMatchObject({ learningRate, minLearningRate, warmupSteps });
    expect(settingsOf(32, 80)).toMatchObject({ learningRate: 4 * learningRate, warmupSteps: 10 });
  });

  it('counts parameters and operations as the model does', () => {
    const { parameters, embeddings, operations } = modelSize(modelConfig(resolveConfig('nano'), 83));
    expect(parameters).toBe(4 * 12 * 128 ** 2 + 83 * 128 + 64 * 128 + 9 * 128);
    expect(embeddings).toBe(83 * 128 + 64 * 128);
    expect(operations).toBe(6 * (4 * 12 * 128 ** 2 + 83 * 128) + 6 * 4 * 65 * 128);
  });
});

it('pace lies on a line through two models, and is never nothing', () => {
  const [small, large] = [
    { operations: 1e6, step: 0.02 },
    { operations: 5e6, step: 0.1 },
  ];
  expect(paceBetween(small, large, 3e6).step).toBeCloseTo(0.06, 12);
  expect(paceBetween(small, large, 9e6)).toMatchObject({ begin: 0, validationBatch: 0.18 / 3 });
  expect(paceBetween(small, large, 0).step).toBeCloseTo(0.005, 12);
  expect(paceBetween(small, small, 9e6).step).toBe(0.02);
});

describe('the size of a text', () => {
  const TEXT = 'aé b\n'.repeat(100);
  const corpus = {
    name: 't',
    source: 't',
    licence: '',
    bytes: async function* () {
      yield Buffer.from(TEXT);
    },
  };

  it.each(['char', 'byte'])('is exact in letters: %s', async (tokenizer) => {
    const size = await textSizeOf(corpus, { tokenizer, validationFraction: 0.1 });
    const trained = await trainTokenizer(tokenizer, async function* () {
      yield TEXT;
    });
    expect(size.vocabSize).toBe(trained.vocabSize);
    expect(size.trainTokens + size.heldOutTokens).toBe(trained.encode(TEXT).length);
  });

  it('is a guess in pieces of words', async () => {
    const size = await textSizeOf(corpus, { tokenizer: 'bpe:300', validationFraction: 0.5 });
    expect(size.vocabSize).toBe(300);
    expect(size.trainTokens).toBeLessThan(250);
  });
});
