import { beforeEach, describe, expect, it } from 'vitest';
import { argmax, argmaxOf } from '../../../src/kernels/sampling/argmax.ts';
import { sampleRadix } from '../../../src/kernels/sampling/radix.ts';
import { sample, sampleDistribution } from '../../../src/kernels/sampling/sampling.ts';
import { NO_FILTERS, SAMPLE_SETTINGS, type SampleSettings } from '../../../src/kernels/sampling/settings.ts';
import type { Engine } from '../../../src/tensor/engine.ts';
import { testEngine } from '../../helpers/engine.ts';
import { expectClose, normalNumbers, randomIds } from '../../helpers/numbers.ts';

const packed = (settings: Partial<SampleSettings>) => SAMPLE_SETTINGS.floats({ ...NO_FILTERS, ...settings });

/** Settings for each of B rows; those that are no list are all rows'. */
const settingsOf = (B: number, settings: Settings) =>
  Float32Array.from(
    Array.from({ length: B }, (_, b) => [...packed(Array.isArray(settings) ? settings[b] : settings)]).flat(),
  );

/** The states of B rows, the number of each its choice. */
const statesOf = (B: number, seed: number, counter: number) =>
  Uint32Array.from(Array.from({ length: B }, (_, b) => [seed, b, counter]).flat());

let engine: Engine;
beforeEach(async () => {
  engine = await testEngine();
  engine.variant = 'best';
});

type Settings = Partial<SampleSettings> | readonly Partial<SampleSettings>[];

interface Rows {
  logits: ArrayLike<number>;
  /** (B, V) */
  shape: readonly [number, number];
  seed?: number;
  counter?: number;
  seen?: Uint32Array;
  bias?: ArrayLike<number>;
}

/** Draws on the GPU. */
async function draw({ logits, shape, seed = 1, counter = 2, seen, bias }: Rows, settings: Settings) {
  const [B] = shape;
  return sample({
    logits: engine.tensor(logits, shape),
    settings: engine.tensor(settingsOf(B, settings), [B, SAMPLE_SETTINGS.size]),
    state: engine.tensor(statesOf(B, seed, counter), [B, 3]),
    seen: seen && engine.tensor(seen, shape),
    bias: bias && engine.tensor(bias, shape),
  }).uints();
}

/** Draws by the reference. */
function expected({ logits, shape, seed = 1, counter = 2, seen, bias }: Rows, settings: Settings): number[] {
  const [B] = shape;
  const inputs = {
    logits: { shape, data: logits },
    settings: { shape: [B, SAMPLE_SETTINGS.size], data: settingsOf(B, settings) },
    state: { shape: [B, 3], data: statesOf(B, seed, counter) },
    seen: seen && { shape, data: seen },
    bias: bias && { shape, data: bias },
  };
  return Array.from(sample.definition.reference(inputs, {}));
}

const FILTERS: Partial<SampleSettings>[] = [
  {},
  { temperature: 0 },
  { temperature: 0.5 },
  { temperature: 3 },
  { topK: 1 },
  { topK: 5 },
  { topK: 1000 },
  { topP: 0.9 },
  { topP: 0.3 },
  { topP: 0 },
  { minP: 0.2 },
  { minP: 1 },
  { temperature: 1.5, topK: 40, topP: 0.8, minP: 0.05 },
];

const PENALTIES = { repetitionPenalty: 1.3, presencePenalty: 0.4, frequencyPenalty: 0.3 };

describe('sampleDistribution', () => {
  const logs = (...probabilities: number[]) => probabilities.map(Math.log);
  const of = (logits: number[], settings: Partial<SampleSettings>, seen?: number[], bias?: number[]) =>
    sampleDistribution(logits, packed(settings), seen, bias);

  it.each([
    [{}, [0.1, 0.4, 0.2, 0.3]],
    [{ temperature: 0 }, [0, 1, 0, 0]],
    [{ temperature: 0.5 }, [1 / 30, 16 / 30, 4 / 30, 9 / 30]],
    [{ topK: 2 }, [0, 4 / 7, 0, 3 / 7]],
    [{ topP: 0.5 }, [0, 4 / 7, 0, 3 / 7]],
    [{ topP: 0.75 }, [0, 4 / 9, 2 / 9, 3 / 9]],
    [{ topP: 0.1 }, [0, 1, 0, 0]],
    [{ minP: 0.6 }, [0, 4 / 7, 0, 3 / 7]],
    // top-p sees what top-k left: 3/7 are 0.43, 4/7 are 0.57
    [{ topK: 2, topP: 0.55 }, [0, 1, 0, 0]],
    // min-p comes after the temperature: 9/16 of the largest
    [{ temperature: 0.5, minP: 0.6 }, [0, 1, 0, 0]],
  ])('filters 0.1, 0.4, 0.2, 0.3 with %o', (settings, probabilities) => {
    expectClose(of(logs(0.1, 0.4, 0.2, 0.3), settings), probabilities, 1e-7);
  });

  it('divides positive and multiplies negative logits of seen tokens by the penalty', () => {
    const [a, b, c] = of([2, -1, 1], { repetitionPenalty: 2 }, [1, 1, 0]);
    expectClose([b / a, c / a], [Math.exp(-3), 1], 1e-9);
  });

  it('takes presence and frequency penalties off the logits of generated tokens, by how often they came', () => {
    const seen = [0, 1, 2, 7]; // not at all, in the prompt alone, once, in the prompt and thrice
    const settings = { presencePenalty: 0.5, frequencyPenalty: 0.25 };
    const [none, prompt, once, thrice] = of([1, 1, 1, 1], settings, seen).map(Math.log);
    expectClose([none - prompt, none - once, none - thrice], [0, 0.75, 1.25], 1e-6);
  });

  it('adds the bias to the logits before the penalties', () => {
    const [a, b, c] = of([1, -1, 1], { repetitionPenalty: 2 }, [1, 1, 0], [3, 2, 0]);
    expectClose([Math.log(a / c), Math.log(b / c)], [2 - 1, 0.5 - 1], 1e-9);
  });

  it('keeps ties with the last token', () => {
    expectClose(of([1, 2, 1, 0], { topK: 2 }).map(Math.sign), [1, 1, 1, 0], 0);
    expectClose(of([1, 2, 1, 0], { topP: 0.7 }).map(Math.sign), [1, 1, 1, 0], 0);
  });
});

describe.each(['naive', 'best'])('sample, %s', (variant) => {
  it.each(FILTERS)('draws what the reference draws with %o', async (settings) => {
    engine.variant = variant;
    for (const [B, V] of [
      [2, 1],
      [17, 65],
      [6, 257],
    ] as const) {
      const seen = randomIds([B, V], 8, V);
      const bias = normalNumbers([B, V], V + 2);
      for (const rows of [
        { logits: normalNumbers([B, V], V, 2), shape: [B, V] as const },
        { logits: normalNumbers([B, V], V + 1, 3), shape: [B, V] as const, seed: 0xfffffff0, counter: 77, seen, bias },
      ]) {
        const penalized = rows.seen ? { ...settings, ...PENALTIES } : settings;
        expect([...(await draw(rows, penalized))]).toEqual(expected(rows, penalized));
      }
    }
  });

  it.each([{}, { temperature: 2, topK: 5 }, { topP: 0.8 }, { minP: 0.1 }])(
    'follows the distribution with %o',
    async (s) => {
      engine.variant = variant;
      const logits = [1, -2, 0.5, 0, 2, 0.5, -1];
      const [B, V] = [6000, logits.length];
      const shape = [B, V] as const;
      const ids = await draw({ logits: Array.from({ length: B * V }, (_, i) => logits[i % V]), shape, seed: 5 }, s);
      const counts = new Float64Array(V);
      for (const id of ids) counts[id]++;
      const wanted = sampleDistribution(logits, packed(s)).map((p) => p * B);
      const kept = [...wanted.keys()].filter((id) => wanted[id] > 0);
      const chiSquared = kept.reduce((sum, id) => sum + (counts[id] - wanted[id]) ** 2 / wanted[id], 0);
      expect(kept.reduce((sum, id) => sum + counts[id], 0)).toBe(B);
      // mean and standard deviation of chi-squared with n degrees of freedom are n and sqrt(2n)
      const freedom = kept.length - 1;
      expect(chiSquared).toBeLessThan(freedom + 4 * Math.sqrt(2 * freedom));
    },
  );

  it('draws each row by its own settings and random numbers, wherever it stands and whoever its neighbours are', async () => {
    engine.variant = variant;
    const [B, V] = [FILTERS.length, 65];
    const rows = { logits: normalNumbers([B, V], 5, 2), shape: [B, V] as const };
    const ids = [...(await draw(rows, FILTERS))];
    expect(ids).toEqual(expected(rows, FILTERS));
    for (const [b, settings] of FILTERS.entries()) {
      const alone = sample({
        logits: engine.tensor(rows.logits.slice(b * V, (b + 1) * V), [1, V]),
        settings: engine.tensor(packed(settings), [1, SAMPLE_SETTINGS.size]),
        state: engine.tensor(Uint32Array.of(1, b, 2), [1, 3]),
      });
      expect([...(await alone.uints())]).toEqual([ids[b]]);
    }
  });

  it('takes the lowest id among equals when greedy, and top-k 1 does the same where there is no tie', async () => {
    engine.variant = variant;
    const ties = new Float32Array(70).fill(-5);
    for (const id of [13, 40, 69]) ties[id] = 3;
    expect([...(await draw({ logits: ties, shape: [1, 70] }, { temperature: 0 }))]).toEqual([13]);
    const rows = { logits: normalNumbers([9, 70], 3), shape: [9, 70] as const };
    const greedy = await draw(rows, { temperature: 0 });
    expect(await draw(rows, { topK: 1 })).toEqual(greedy);
    expect(await argmax({ logits: engine.tensor(rows.logits, rows.shape) }).uints()).toEqual(greedy);
  });

  it('never draws masked tokens, and gives some token whatever the logits are', async () => {
    engine.variant = variant;
    const masked = new Float32Array(300).fill(-1e30).fill(0, 10, 13);
    const shape = [100, 3] as const;
    for (const id of await draw({ logits: masked, shape }, { temperature: 0.01 })) expect(id).toBeLessThan(3);
    const ids = await draw({ logits: new Float32Array(300).fill(Number.NaN), shape }, { topK: 2, topP: 0.5 });
    for (const id of ids) expect(id).toBeLessThan(3);
  });

  it('marks the chosen tokens as seen, in place', async () => {
    engine.variant = variant;
    const seen = engine.zeros([2, 5], 'u32');
    const logits = engine.tensor([1, 2, 3, 2.9, 0, 9, 1, 8.5, 0, 0], [2, 5]);
    const settings = engine.tensor(settingsOf(2, { temperature: 0, repetitionPenalty: 1.1 }), [
      2,
      SAMPLE_SETTINGS.size,
    ]);
    const state = engine.tensor(statesOf(2, 1, 1), [2, 3]);
    const { outputs, run } = engine.record(() => ({ ids: sample({ logits, settings, state, seen }) }));
    run();
    expect([...(await outputs.ids.uints())]).toEqual([2, 0]);
    expect([...(await seen.uints())]).toEqual([0, 0, 2, 0, 0, 2, 0, 0, 0, 0]);
    run();
    expect([...(await outputs.ids.uints())]).toEqual([3, 2]);
    expect([...(await seen.uints())]).toEqual([0, 0, 2, 2, 0, 2, 0, 2, 0, 0]);
  });
});

it('gives the same ids at every tuning point', async () => {
  const rows = { logits: normalNumbers([40, 1000], 8, 2), shape: [40, 1000] as const };
  const settings = { topK: 300, topP: 0.9, minP: 0.001 };
  const ids: number[][] = [];
  for (const point of sampleRadix.points(engine.capabilities)) {
    engine.tuning.set('sample_radix', point);
    ids.push([...(await draw(rows, settings))]);
  }
  engine.tuning.delete('sample_radix');
  for (const some of ids) expect(some).toEqual(expected(rows, settings));
});

it('has room for the vocabulary of GPT-2', async () => {
  const shape = [3, 50257] as const;
  const rows = { logits: normalNumbers(shape, 4, 3), shape };
  for (const settings of [
    {},
    { temperature: 0 },
    { topK: 40, topP: 0.95 },
    { temperature: 0.8, topP: 0.9, minP: 0.01 },
  ]) {
    expect([...(await draw(rows, settings))]).toEqual(expected(rows, settings));
  }
});

it('repeats itself for the same seed and counter, and not for others', async () => {
  const shape = [64, 100] as const;
  const rows = { logits: normalNumbers(shape, 4), shape };
  const ids = await draw(rows, {});
  expect(await draw(rows, {})).toEqual(ids);
  for (const other of [{ seed: 3 }, { counter: 3 }]) expect(await draw({ ...rows, ...other }, {})).not.toEqual(ids);
  expect(new Set(ids).size).toBeGreaterThan(20);
});

it('replays with other settings and another state', async () => {
  const shape = [1, 65] as const;
  const logits = normalNumbers(shape, 6);
  const settings = engine.empty([1, SAMPLE_SETTINGS.size]);
  const state = engine.empty([1, 3], 'u32');
  const x = engine.tensor(logits, shape);
  const { outputs, run } = engine.record(() => ({ ids: sample({ logits: x, settings, state }) }));
  const drawn = [];
  for (let counter = 0; counter < 20; counter++) {
    settings.write(packed({ temperature: counter % 2 }));
    state.write(Uint32Array.of(7, 0, counter));
    run();
    drawn.push((await outputs.ids.uints())[0]);
  }
  const wanted = drawn.map((_, i) => expected({ logits, shape, seed: 7, counter: i }, { temperature: i % 2 })[0]);
  expect(drawn).toEqual(wanted);
  expect(drawn.filter((_, i) => i % 2 === 0)).toEqual(new Array(10).fill(argmaxOf(logits)));
});

it('says which shape was wrong', () => {
  const logits = engine.empty([2, 7]);
  const state = engine.empty([2, 3], 'u32');
  const [settings, four, seen] = [engine.empty([2, 7]), engine.empty([2, 4]), engine.empty([7], 'u32')];
  expect(() => sample({ logits, settings: four, state })).toThrow('sample: settings must be (2, 7), got (2, 4)');
  expect(() => sample({ logits, settings, state, seen })).toThrow('sample: seen must be (2, 7), got (7)');
});
