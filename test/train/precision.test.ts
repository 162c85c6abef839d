import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { GPT } from '../../src/model/gpt.ts';
import type { Precision } from '../../src/tensor/capabilities.ts';
import { Windows } from '../../src/text/windows/windows.ts';
import { modelConfig, resolveConfig, type TrainConfig } from '../../src/train/config.ts';
import { choosePrecision } from '../../src/train/precision.ts';
import { diagnose } from '../../src/train/run/diagnose.ts';
import type { RunEvent, TrainRunOptions } from '../../src/train/run/events.ts';
import { trainRun } from '../../src/train/run/run.ts';
import { readLog, readRunCard } from '../../src/train/runFolder.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { testEngine } from '../helpers/engine.ts';

const engine = await testEngine();
const scratch = mkdtempSync(join(tmpdir(), 'dawnlm-precision-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** A sequence of tokens that can be foretold, if not at once. */
const learnable = (i: number, vocabulary: number): number => (3 * i + (i >> 5)) % vocabulary;

function trainerFor(settings: Partial<TrainConfig>, precision: Precision, vocabulary = 31) {
  engine.precision = precision;
  const config = resolveConfig('tiny', { steps: 200, ...settings });
  const trainer = new Trainer(new GPT(engine, modelConfig(config, vocabulary)).initialize(1), config);
  const windows = new Windows(
    Uint16Array.from({ length: 5000 }, (_, i) => learnable(i, vocabulary)),
    config,
  );
  const train = (steps: number) => {
    const { gradientAccumulation: count } = config;
    for (let i = 0; i < steps; i++) {
      trainer.train(Array.from({ length: count }, (_, j) => windows.batch(trainer.step * count + j)));
    }
  };
  return { trainer, train };
}

/** Losses of the last 50 steps at most. */
async function losses(settings: Partial<TrainConfig>, precision: Precision, steps: number, vocabulary?: number) {
  const { trainer, train } = trainerFor(settings, precision, vocabulary);
  train(steps);
  const metrics = await trainer.metrics(Math.min(steps, 50));
  for (const { gradientNorm } of metrics) expect(gradientNorm).toBeGreaterThan(0);
  return metrics.map(({ loss }) => loss);
}

describe('in mixed precision', () => {
  it.each<[string, Partial<TrainConfig>, number, number?]>([
    ['AdamW', {}, 100],
    ['Muon', { optimizer: 'muon' }, 100],
    ['the llama style, in four parts, recomputed', { style: 'llama', gradientAccumulation: 4, recompute: true }, 20],
    ['a head in chunks', { batchSize: 16 }, 8, 5003],
  ])('losses are those of float32: %s', async (_, settings, steps, vocabulary) => {
    const full = await losses(settings, 'float32', steps, vocabulary);
    const mixed = await losses(settings, 'mixed', steps, vocabulary);
    expect(mixed).not.toEqual(full);
    if (steps >= 100) expect(full.at(-1)).toBeLessThan(Math.log(31) - 1);
    // operands are rounded by 2^-11 at most; what that does to a loss of about 3 nats stays below a hundredth
    full.forEach((loss, i) => {
      expect(Math.abs(mixed[i] - loss), `step ${steps - full.length + i + 1}`).toBeLessThan(0.01);
    });
  });

  it.each(['adamw', 'muon'] as const)('a step that overflows changes nothing but the scale (%s)', async (optimizer) => {
    const { trainer, train } = trainerFor({ optimizer }, 'mixed');
    const state = () => {
      const { model } = trainer;
      const [{ firstMoment, secondMoment }] = trainer.trained;
      return Promise.all([model.parameters.values, firstMoment, secondMoment].map((tensor) => tensor.floats()));
    };
    train(3);
    const before = await state();
    const scaling = await trainer.lossScale!.floats();
    trainer.lossScale!.write(Float32Array.of(2 ** 32, ...scaling.subarray(1)));
    train(2);
    expect(await state()).toEqual(before);
    const [last] = await trainer.metrics(1);
    expect(last.gradientNorm).toBeNaN();
    expect(last.lossScale).toBe(2 ** 31);
    expect(Number.isFinite(last.loss)).toBe(true);
    const [scale, good, correction1, correction2, skipped] = await trainer.lossScale!.floats();
    expect([scale, good, skipped]).toEqual([2 ** 30, 0, 2]);
    expect([correction1, correction2]).toEqual([scaling[2], scaling[3]]);
    train(20); // down to a scale that fits
    expect(await state()).not.toEqual(before);
    expect((await trainer.metrics(1))[0].gradientNorm).toBeGreaterThan(0);
  });
});

const TEXT = Array.from({ length: 300 }, (_, i) => `Line ${i}: the whale, the sea and ${i % 7} sailors.\n`).join('');

async function run(name: string, settings: Partial<TrainConfig>, options: Partial<TrainRunOptions> = {}) {
  const events: RunEvent[] = [];
  const often = { logEvery: 4, evalEvery: 5, checkpointEvery: 5 };
  await trainRun({
    ...{ engine, adapter: { name: 'the test adapter', software: true }, folder: join(scratch, name), resume: false },
    corpus: {
      ...{ name: 'lines', source: 'this test', licence: 'none' },
      async *bytes() {
        yield new TextEncoder().encode(TEXT);
      },
    },
    config: resolveConfig('tiny', { steps: 12, warmupSteps: 2, ...often, ...settings }),
    onEvent: (event) => events.push(event),
    ...options,
  });
  return events;
}

function stopAt(step: number) {
  const controller = new AbortController();
  const onEvent = (event: RunEvent) => {
    if (event.type === 'log' && event.record.step >= step) controller.abort();
  };
  return { signal: controller.signal, onEvent };
}

const resumable = (name: string) => readFileSync(join(scratch, name, 'resume.safetensors'), 'latin1');

/** Checkpoints without the times in them. */
const timeless = (text: string) => text.replace(/\\"timeMs\\":[\d.e+-]+|"dawnlm_sha256":"[0-9a-f]+"/g, '').slice(8);

describe('a run', () => {
  it('in mixed precision, resumed, is the uninterrupted one bit for bit, the loss scale included', async () => {
    await run('mixed', { precision: 'mixed' });
    await run('parts', { precision: 'mixed' }, stopAt(6));
    const events = await run('parts', {}, { resume: true }); // auto is what it was
    expect(events.find(({ type }) => type === 'plan')).toMatchObject({ precision: 'mixed', firstStep: 8 });
    const [whole, parts] = [resumable('mixed'), resumable('parts')].map(timeless);
    expect(whole).toContain('lossScale');
    expect(parts.replace(/ +/g, '')).toBe(whole.replace(/ +/g, ''));
    const log = await readLog(join(scratch, 'mixed'));
    expect(log.flatMap(({ lossScale }) => lossScale ?? [])).toEqual(new Array(12).fill(2 ** 16));
  });

  it('keeps what auto came to: float32 on a software adapter', async () => {
    const events = await run('auto', { steps: 4 });
    expect(events.find(({ type }) => type === 'plan')).toMatchObject({ precision: 'float32' });
    expect((await readRunCard(join(scratch, 'auto'))).config.precision).toBe('float32');
    expect((await readLog(join(scratch, 'auto')))[0]).not.toHaveProperty('lossScale');
    await expect(run('auto', { precision: 'mixed', steps: 6 }, { resume: true })).rejects.toThrow(
      /was trained with precision = float32, not mixed/,
    );
  });

  it('whose checkpoint lost its scale is refused', async () => {
    await run('lost', { precision: 'mixed', steps: 5 });
    const file = join(scratch, 'lost/resume.safetensors');
    writeFileSync(
      file,
      readFileSync(file, 'latin1').replace('"lossScale"', '"lostScale"').replace('dawnlm_sha256', 'sealed_before'),
      'latin1',
    );
    await expect(run('lost', { steps: 8 }, { resume: true })).rejects.toThrow(
      /its lossScale\) is damaged: it is missing/,
    );
  });

  it('from before there was a choice was trained in float32', async () => {
    await run('old', { steps: 4 });
    const file = join(scratch, 'old/run.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"precision": "float32",', ''));
    expect((await readRunCard(join(scratch, 'old'))).config.precision).toBe('float32');
  });
});

describe('auto', () => {
  const units = [{ component: 'f16', result: 'f32', M: 16, N: 16, K: 16 }];
  const gpu = { ...engine.capabilities, software: false, features: ['shader-f16'], subgroupMatrices: units };

  it('is mixed on GPUs with units for it', () => {
    expect(choosePrecision('auto', gpu)).toBe('mixed');
    expect(choosePrecision('float32', gpu)).toBe('float32');
    expect(choosePrecision('auto', gpu, 'float32')).toBe('float32');
  });

  it.each([
    ['a software adapter', { software: true }],
    ['one without 16-bit floats', { features: [] }],
    ['one without subgroup matrices', { subgroupMatrices: [] }],
    ['one whose matrices add up in f16', { subgroupMatrices: [{ ...units[0], result: 'f16' }] }],
  ])('is float32 on %s', (_, changes) => {
    expect(choosePrecision('auto', { ...gpu, ...changes })).toBe('float32');
    expect(choosePrecision('mixed', { ...gpu, ...changes })).toBe('mixed');
  });

  it('is one of three words', () => {
    expect(() => resolveConfig('tiny', { precision: 'half' })).toThrow(
      'precision must be one of auto, float32, mixed; got "half"',
    );
  });
});

describe('the diagnosis', () => {
  const config = resolveConfig('tiny');
  const record = (step: number) => ({ step, tokens: step, timeMs: step, loss: 3 });

  it('is silent on a skipped step, and not on a norm that is no number', () => {
    expect(diagnose([{ ...record(1), lossScale: 65536, skipped: true }], config, 31)).toBeUndefined();
    expect(diagnose([{ ...record(1), gradientNorm: Number.NaN }], config, 31)).toContain(
      'no longer a number at step 1',
    );
  });

  it('names float32 where every scale overflows', () => {
    const log = [{ ...record(40), lossScale: 2 ** -11, skipped: true as const }];
    expect(diagnose(log, config, 31)).toContain('--precision float32');
  });
});
