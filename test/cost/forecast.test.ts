import { expect, it } from 'vitest';
import { composeForecast, forecastOf } from '../../src/cost/forecast.ts';
import { resolveConfig } from '../../src/train/config.ts';
import { testEngine } from '../helpers/engine.ts';

const pace = { step: 1, begin: 10, validationBatch: 0.5, checkpoint: 2, end: 3, memory: [] };

it('puts a run together from its steps, validations and checkpoints', () => {
  const settings = { steps: 100, warmupSteps: 1, evalEvery: 30, evalBatches: 4, checkpointEvery: 20 };
  const config = resolveConfig('tiny', settings); // batches of 256 tokens
  const text = { vocabSize: 83, trainTokens: 1e7, validationTokens: 2561 };
  const { parts, seconds, secondsPerStep } = composeForecast(config, pace, text);
  expect(secondsPerStep).toBe(1);
  // at 30, 60 and 90 four batches each, at 100 all ten; saved at 20, 30, 40, 60, 80, 90 and 100
  const { appraisal, ...others } = parts;
  expect(others).toEqual({ begin: 10, steps: 100, validations: 0.5 * (3 * 4 + 10), checkpoints: 2 * 7, end: 3 });
  expect(appraisal).toBeGreaterThan(1);
  expect(seconds).toBe(10 + 100 + 11 + 14 + 3 + appraisal);
});

it('scores no more than there is, and all of it where all is asked for', () => {
  const config = resolveConfig('tiny', { steps: 10, warmupSteps: 1, evalEvery: 5, evalBatches: 0 });
  const text = { vocabSize: 83, trainTokens: 1e4 };
  expect(composeForecast(config, pace, { ...text, validationTokens: 257 }).parts.validations).toBe(0.5 * 2);
  expect(composeForecast(config, pace, { ...text, validationTokens: 2 ** 19 + 1 }).parts.validations).toBe(2048);
});

it.each([{}, { style: 'llama', optimizer: 'muon', gradientAccumulation: 2, nEmbd: 48, nHead: 3, batchSize: 3 }])(
  'measures the pieces of a run without making it (%o)',
  async (settings) => {
    const config = resolveConfig('tiny', settings);
    const { pace, parts } = await forecastOf(await testEngine(), config, {
      vocabSize: 83,
      trainTokens: 1e4,
      validationTokens: 1000,
    });
    for (const [name, value] of Object.entries(parts)) expect(value, name).toBeGreaterThan(0);
    expect(parts.steps).toBeCloseTo(200 * pace.step);
    expect(pace.memory.map(({ what }) => what)).toContain('activations in training');
  },
);
