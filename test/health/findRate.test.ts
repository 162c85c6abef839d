import { describe, expect, it } from 'vitest';
import { findRate, judgeRates } from '../../src/health/findRate.ts';
import { GPT } from '../../src/model/gpt.ts';
import { trainTokenizer } from '../../src/text/tokenizers/tokenizer.ts';
import { Windows } from '../../src/text/windows/windows.ts';
import { modelConfig, resolveConfig } from '../../src/train/config.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { TEXT } from '../helpers/dawnlm.ts';
import { testEngine } from '../helpers/engine.ts';

const rates = Array.from({ length: 100 }, (_, i) => 1e-5 * 10 ** (i / 20));
/** Still at 4, falling most steeply at 1e-3, at 2 from 1e-2 on, rising from 0.1. */
const curve = rates.map((rate) => {
  const place = Math.log10(rate);
  return 3 - Math.tanh(3 * (place + 3)) + Math.max(0, place + 1) ** 2;
});

describe('a course of losses', () => {
  it('is steepest where it falls fastest, and turns at the bottom', () => {
    const { steepest, turn, suggestion, points } = judgeRates(rates, curve);
    expect(Math.abs(Math.log10(steepest / 1e-3))).toBeLessThan(0.15);
    expect(turn).toBeGreaterThan(2e-3);
    expect(turn).toBeLessThan(2e-2);
    expect(suggestion).toBe(0.001);
    expect(points).toHaveLength(100);
  });

  it('is judged by its steps before one that is no number', () => {
    const broken = curve.map((loss, i) => (i < 85 ? loss : Number.NaN));
    expect(judgeRates(rates, broken)).toMatchObject({ suggestion: 0.001, points: { length: 85 } });
  });

  it('that never falls suggests nothing', () => {
    for (const losses of [rates.map(() => 3), rates.map((_, i) => 3 + i), [Number.NaN], []]) {
      expect(() => judgeRates(rates, losses)).toThrow(/fell at no learning rate/);
    }
  });
});

describe('a test of learning rates', async () => {
  const engine = await testEngine();
  const tokenizer = await trainTokenizer('char', async function* () {
    yield TEXT;
  });
  const { vocabSize } = tokenizer;
  const config = resolveConfig('tiny', { seed: 3 });
  const batches = new Windows(Uint16Array.from(tokenizer.encode(TEXT)), config);

  it('suggests a rate that learns more in 100 steps than a tenth of it, twice the same to the bit', async () => {
    const told: number[] = [];
    const found = await findRate(engine, { config, vocabSize, batches, onProgress: (done) => told.push(done) });
    expect(found).toEqual(await findRate(engine, { config, vocabSize, batches }));
    expect(told.slice(0, 3)).toEqual([10, 20, 30]);
    const lossAt = async (learningRate: number): Promise<number> => {
      const model = new GPT(engine, modelConfig(config, vocabSize)).initialize(1);
      const trainer = new Trainer(model, { ...config, learningRate, minLearningRate: learningRate / 10, steps: 100 });
      for (let i = 0; i < 100; i++) trainer.train([batches.batch(i)]);
      const steps = await trainer.metrics(20);
      return steps.reduce((sum, { loss }) => sum + loss, 0) / steps.length;
    };
    expect(await lossAt(found.suggestion)).toBeLessThan((await lossAt(found.suggestion / 10)) - 0.1);
  });

  it('ends at the signal', async () => {
    const stopped = findRate(engine, { config, vocabSize, batches, signal: AbortSignal.abort() });
    await expect(stopped).rejects.toThrow(/stopped; nothing was changed/);
  });
});
