import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { adamw, adamwReference } from '../../../src/kernels/optimizer/adamw.ts';
import { gradientNorm } from '../../../src/kernels/optimizer/gradientNorm.ts';
import { type AdamwSettings, packSettings, SETTINGS } from '../../../src/kernels/optimizer/optimizer.ts';
import type { Engine } from '../../../src/tensor/engine.ts';
import { Tensor } from '../../../src/tensor/tensor.ts';
import { testEngine } from '../../helpers/engine.ts';
import { expectClose, normalNumbers } from '../../helpers/numbers.ts';

const RUN: AdamwSettings = {
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.1,
  clipNorm: 1,
};

/** A tensor of `data` with canaries in the part of its binding past the end; `canaries` reads them. */
function guarded(engine: Engine, data: ArrayLike<number>) {
  const words = Float32Array.of(...Array.from(data), ...new Array<number>(16).fill(12345));
  const whole = engine.tensor(words, [words.length]);
  const tensor = new Tensor(engine, [data.length], 'f32', whole.view);
  return { tensor, canaries: async () => (await whole.floats()).subarray(data.length) };
}

/** Runs AdamW on the GPU, one step for each row of gradients; the norm is the real one unless told. */
async function train(
  values: ArrayLike<number>,
  rows: readonly ArrayLike<number>[],
  settings: AdamwSettings,
  decayEnd: number,
  norm?: number,
) {
  const engine = await testEngine();
  const zeros = new Float32Array(values.length);
  const [p, m, v, g] = [values, zeros, zeros, zeros].map((data) => guarded(engine, data));
  const packed = engine.empty([SETTINGS.size]);
  for (const [i, row] of rows.entries()) {
    engine.device.write(g.tensor.view, Float32Array.from(row));
    packed.write(packSettings(settings, i + 1));
    const tensors = { values: p.tensor, gradients: g.tensor, firstMoment: m.tensor, secondMoment: v.tensor };
    const given = norm === undefined ? gradientNorm({ gradients: g.tensor }) : engine.tensor([norm], [1]);
    adamw({ ...tensors, norm: given, settings: packed }, { decayEnd });
  }
  for (const { canaries } of [p, m, v]) expect([...(await canaries())]).toEqual(new Array(16).fill(12345));
  return { values: await p.tensor.floats(), m: await m.tensor.floats(), v: await v.tensor.floats() };
}

/** The same in float64. */
function reference(
  values: ArrayLike<number>,
  rows: readonly ArrayLike<number>[],
  settings: AdamwSettings,
  end: number,
) {
  const p = Float64Array.from(values);
  const [m, v] = [new Float64Array(p.length), new Float64Array(p.length)];
  for (const [i, row] of rows.entries()) {
    const gradients = Float64Array.from(row);
    const norm = Math.sqrt(gradients.reduce((sum, g) => sum + g * g, 0));
    adamwReference({ values: p, gradients, firstMoment: m, secondMoment: v }, norm, packSettings(settings, i + 1), end);
  }
  return { values: p, m, v };
}

const gradientRows = (size: number, steps: number) =>
  Array.from({ length: steps }, (_, i) => normalNumbers([size], 10 + i, 10 ** (i - 2)));

const largest = (numbers: ArrayLike<number>): number => Math.max(...Array.from(numbers, Math.abs));

/** The naive kernel, and both points of the other: 16 vectors a lane are for software adapters, one is for GPUs. */
const FORMS = [
  ['naive', undefined],
  ['best', 1],
  ['best', 16],
] as const;

describe.each(FORMS)('adamw, %s, vectors a lane: %s', (variant, PER) => {
  beforeEach(async () => {
    const engine = await testEngine();
    engine.variant = variant;
    if (PER) engine.tuning.set('adamw', { PER });
  });
  afterEach(async () => {
    const engine = await testEngine();
    engine.variant = 'best';
    engine.tuning.clear();
  });

  it.each([1, 4, 7, 64, 257, 260, 4100])('equals the float64 reference over 5 steps of %i elements', async (size) => {
    const start = normalNumbers([size], 1);
    const rows = gradientRows(size, 5);
    const decayEnd = Math.floor(size / 2) + 1;
    const actual = await train(start, rows, RUN, decayEnd);
    const expected = reference(start, rows, RUN, decayEnd);
    // five steps of about ten roundings each; the clipping factor carries the norm's error
    expectClose(actual.values, expected.values, 1e-6, 'values');
    expectClose(actual.m, expected.m, 1e-5 * largest(expected.m), 'm');
    expectClose(actual.v, expected.v, 1e-5 * largest(expected.v), 'v');
  });

  it('decays the first elements and no others', async () => {
    const { values } = await train(new Array(12).fill(2), [new Array(12).fill(0)], RUN, 6);
    expectClose(values, [...new Array(6).fill(2 * (1 - 0.01 * 0.1)), ...new Array(6).fill(2)], 1e-6);
    expect(values[6]).toBe(2);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('leaves every bit as it was when the norm is %s', async (norm) => {
    for (const size of [7, 64]) {
      const start = normalNumbers([size], 1);
      const { values, m, v } = await train(start, gradientRows(size, 1), RUN, size, norm);
      expect(values).toEqual(start);
      expect([...m, ...v]).toEqual(new Array(2 * size).fill(0));
    }
  });
});

it('is skipped by the norm of gradients that hold one NaN', async () => {
  const start = normalNumbers([4100], 1);
  const gradients = normalNumbers([4100], 2);
  gradients[4099] = Number.NaN;
  const { values } = await train(start, [gradients], RUN, 4100);
  expect(values).toEqual(start);
});

it('does not clip when clipNorm is 0 or above the norm', async () => {
  const rows = [new Float32Array(8).fill(100)];
  const free = await train(new Array(8).fill(0), rows, { ...RUN, clipNorm: 0 }, 0);
  const above = await train(new Array(8).fill(0), rows, { ...RUN, clipNorm: 1e6 }, 0);
  expectClose(free.m, new Array(8).fill(10), 1e-5);
  expect(above).toEqual(free);
});

interface Golden {
  op: string;
  inputs: { parameter: { data: number[] }; gradient: { shape: number[]; data: number[] } };
  attributes: { lr: number; beta1: number; beta2: number; eps: number; weightDecay: number };
  output: { data: number[] };
  moments: { m: { data: number[] }; v: { data: number[] } };
}
const path = new URL('../../golden/data/ops.json', import.meta.url);
const golden = (JSON.parse(readFileSync(path, 'utf8')).cases as Golden[]).filter(({ op }) => op === 'adamw');

describe.each(golden.map((test, i) => [i, test] as const))("PyTorch's AdamW, case %i", (_, test) => {
  const { lr, beta1, beta2, eps, weightDecay } = test.attributes;
  const settings = { learningRate: lr, beta1, beta2, epsilon: eps, weightDecay, clipNorm: 0 };
  const start = test.inputs.parameter.data;
  const [steps, size] = test.inputs.gradient.shape;
  const rows = Array.from({ length: steps }, (_, i) => test.inputs.gradient.data.slice(i * size, (i + 1) * size));

  it('equals the reference', () => {
    const { values, m, v } = reference(start, rows, settings, size);
    // the settings are packed in f32
    expectClose(values, test.output.data, 1e-8, 'values');
    expectClose(m, test.moments.m.data, 1e-6 * largest(test.moments.m.data), 'm');
    expectClose(v, test.moments.v.data, 1e-6 * largest(test.moments.v.data), 'v');
  });

  it('equals the GPU', async () => {
    const { values, m, v } = await train(start, rows, settings, size);
    expectClose(values, test.output.data, 5e-7, 'values');
    expectClose(m, test.moments.m.data, 1e-6 * largest(test.moments.m.data), 'm');
    expectClose(v, test.moments.v.data, 1e-6 * largest(test.moments.v.data), 'v');
  });
});
