import { describe, expect, it } from 'vitest';
import { jsonSchemaOf } from '../../src/schema.ts';
import { modelConfig, resolveConfig, SETTINGS, TrainConfig } from '../../src/train/config.ts';
import { PRESETS } from '../../src/train/presets.ts';
import { diagnose } from '../../src/train/run/diagnose.ts';
import { contextHalvings, learningRateAt } from '../../src/train/schedule.ts';

describe('settings', () => {
  it('every preset resolves', () => {
    for (const preset of Object.keys(PRESETS)) expect(resolveConfig(preset).steps).toBeGreaterThan(0);
  });
  it('later layers win, undefined ones are passed over', () => {
    expect(resolveConfig('nano', { steps: 7, warmupSteps: 1 }, { steps: 8, seed: undefined })).toMatchObject({
      steps: 8,
      seed: 1337,
    });
  });
  it.each([
    [{ nHead: 3 }, '3 heads cannot share a width of 128'],
    [{ steps: 1.5 }, 'steps must be a whole number of 1 or more; got 1.5'],
    [{ dropout: 1 }, 'dropout must be a number from 0 to below 1; got 1'],
    [{ seed: 2 ** 32 }, 'seed must be a whole number from 0 to 4,294,967,295; got 4294967296'],
    [{ schedule: 'cosin' }, 'schedule must be one of cosine, linear'],
    [{ bias: 'yes' }, 'bias must be true or false; got "yes"'],
    [{ learningRate: Number.NaN }, 'learningRate must be a number of 0 or more; got NaN'],
    [{ nLayer: 1_000_000 }, 'nLayer must be at most 1,024; got 1,000,000'],
    [
      { nLayer: 1024, nHead: 64, nEmbd: 65_536 },
      'the model would have 52,776,562,393,088 parameters, and 10,000,000,000 are',
    ],
    [{ batchSize: 1e9 }, 'a batch of 1000000000 windows of'],
    [{ layers: 3 }, 'unknown setting "layers"; the settings are style, nLayer'],
    [{ steps: 50, warmupSteps: 50 }, 'warmupSteps (50) must be below steps (50)'],
    [{ warmupSteps: 3000 }, 'warmupSteps (3000) must be below steps (2000)'],
    [{ contextGrowth: 0.5, blockSize: 30 }, 'blockSize must be a multiple of 4, got 30'],
    [{ previousTokenHead: true }, 'previousTokenHead is for styles with rotary positions, such as llama, and gpt2 has'],
    [{ copyFraction: 2 }, 'copyFraction must be a number from 0 to 1; got 2'],
    [{ fillInMiddle: 1.1 }, 'fillInMiddle must be a number from 0 to 1; got 1.1'],
    [{ tokenizer: '' }, 'tokenizer must be a text that is not empty; got ""'],
    [{ nKvHead: 2 }, 'nKvHead is for styles with grouped queries'],
    [JSON.parse('{"__proto__": 1}'), 'unknown setting "__proto__"'],
  ])('%j is refused: %s', (settings, sentence) => {
    expect(() => resolveConfig('nano', settings)).toThrow(sentence);
  });
  it.each(['mega', 'toString'])('preset %s is refused', (preset) => {
    expect(() => resolveConfig(preset)).toThrow(`unknown preset "${preset}"; the presets are quick, nano`);
  });
  it.each([
    // more steps than the preset warms up for: as it always was
    ['tiny', { steps: 21 }, { warmupSteps: 20 }],
    ['nano', { steps: 101 }, { warmupSteps: 100, minLearningRate: 1e-4 }],
    ['nano', { steps: 1 }, { warmupSteps: 100 }],
    ['nano', { learningRate: 1e-4 }, { minLearningRate: 1e-4 }],
    ['llama', { nHead: 8 }, { nKvHead: 2 }],
    // fewer: the share of them that the preset warms up for
    ['tiny', { steps: 20 }, { warmupSteps: 2 }],
    ['nano', { steps: 50 }, { warmupSteps: 2 }],
    ['quick', { steps: 2 }, { warmupSteps: 0 }],
    ['nano', { learningRate: 1e-5 }, { minLearningRate: 1e-6 }],
    ['llama', { nHead: 1 }, { nKvHead: 0 }],
    ['llama', { style: 'gpt2' }, { nKvHead: 0 }],
    ['fast', { nEmbd: 256 }, { nHidden: 640 }],
    ['fast', { style: 'gpt2' }, { nHidden: 0 }],
    ['nano', { nEmbd: 256 }, { nHidden: 0 }],
    ['fast', { fillInMiddle: 0.5 }, { contextGrowth: 0.6 }],
    ['fast', { wholeLines: true }, { contextGrowth: 0 }],
    ['fast', { wholeLines: true, contextGrowth: 0.5 }, { contextGrowth: 0.5 }],
    // what was set stays
    ['fast', { nEmbd: 256, nHidden: 320 }, { nHidden: 320 }],
    ['nano', { steps: 50, warmupSteps: 49 }, { warmupSteps: 49 }],
    ['nano', { learningRate: 1e-5, minLearningRate: 1e-3 }, { minLearningRate: 1e-3 }],
  ])('%s with %j has %j', (preset, settings, wanted) => {
    expect(resolveConfig(preset, settings)).toMatchObject(wanted);
  });
  it('every setting has a help text and a default, and JSON Schema tells editors so', () => {
    const { properties, additionalProperties } = jsonSchemaOf(TrainConfig) as {
      properties: Record<string, object>;
    } & Record<string, unknown>;
    expect(Object.keys(properties)).toEqual(SETTINGS);
    for (const name of SETTINGS)
      expect(properties[name]).toMatchObject({ default: expect.anything(), description: expect.any(String) });
    expect(properties.dropout).toMatchObject({ type: 'number', minimum: 0, exclusiveMaximum: 1, default: 0 });
    expect(additionalProperties).toBe(false);
  });
  it("nano is nanoGPT's, and llama's MLP is 8/3 of its width", () => {
    expect(modelConfig(resolveConfig('nano'), 65)).toMatchObject({ nHidden: 512, nKvHead: 4, bias: false });
    expect(modelConfig(resolveConfig('llama'), 65)).toMatchObject({ nHidden: 344, nKvHead: 2 });
  });
});

describe('learning rates', () => {
  const course = { ...resolveConfig('nano'), steps: 1000, warmupSteps: 100, learningRate: 1, minLearningRate: 0.1 };
  it('warm up linearly and never start at zero', () => {
    expect(learningRateAt(0, course)).toBeCloseTo(1 / 101);
    expect(learningRateAt(99, course)).toBeCloseTo(100 / 101);
  });
  it.each([
    ['cosine', 100, 1],
    ['cosine', 550, 0.55],
    ['cosine', 1000, 0.1],
    ['linear', 550, 0.55],
    ['linear', 325, 0.775],
    ['constant', 999, 1],
    ['warmup-stable-decay', 799, 1],
    ['warmup-stable-decay', 900, 0.55],
    ['warmup-stable-decay', 1000, 0.1],
  ] as const)('%s at step %d is %d', (schedule, step, expected) => {
    expect(learningRateAt(step, { ...course, schedule })).toBeCloseTo(expected, 10);
  });
});

describe('contexts', () => {
  const halvings = (contextGrowth: number, steps = 10): number[] =>
    Array.from({ length: steps }, (_, step) => contextHalvings(step, { contextGrowth, steps }));
  it('grow from a quarter over a half to the whole, in the share of the steps that is given', () => {
    expect(halvings(0)).toEqual(new Array(10).fill(0));
    expect(halvings(0.6)).toEqual([2, 2, 2, 1, 1, 1, 0, 0, 0, 0]);
    expect(halvings(1)).toEqual([2, 2, 2, 2, 2, 1, 1, 1, 1, 1]);
    expect(halvings(0.5, 3)).toEqual([2, 1, 0]);
    expect(contextHalvings(15, { contextGrowth: 1, steps: 10 })).toBe(0);
  });
});

describe('diagnosis', () => {
  const config = resolveConfig('nano');
  const log = (losses: number[], norm = 1) =>
    losses.map((loss, i) => ({ step: i + 1, tokens: 0, timeMs: 0, loss, gradientNorm: norm }));
  it('is silent on a run that learns', () => {
    expect(diagnose(log([4.2, 3.9, 3.1]), config, 65)).toBeUndefined();
  });
  it('names a high learning rate when the loss rose before it broke', () => {
    expect(diagnose(log([4.2, 3.9, 9, Number.NaN]), config, 65)).toMatch(/step 4.*learning rate of 0.001 is too high/);
  });
  it('names an overflow when it came out of a calm', () => {
    expect(diagnose(log([...new Array(20).fill(2.1), Number.POSITIVE_INFINITY]), config, 65)).toMatch(
      /without warning/,
    );
  });
  it('notices a loss that exploded, and a gradient that is no number', () => {
    expect(diagnose(log(new Array(20).fill(30)), config, 65)).toMatch(/rose to 30.00/);
    expect(diagnose(log([2], Number.NaN), config, 65)).toMatch(/no longer a number/);
  });
});
