import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { decodeSafetensors, encodeSafetensors } from '../../src/export/safetensors.ts';
import { marksOf } from '../../src/text/windows/fillInMiddle.ts';
import type { Batch } from '../../src/text/windows/windows.ts';
import { resolveConfig, type TrainConfig } from '../../src/train/config.ts';
import type { EndedRun, RunEvent, TrainRunOptions } from '../../src/train/run/events.ts';
import { textMaterial } from '../../src/train/run/material.ts';
import { trainRun } from '../../src/train/run/run.ts';
import { readLog, readRunCard } from '../../src/train/runFolder.ts';
import { loadRun } from '../../src/train/savedRun.ts';
import { testEngine } from '../helpers/engine.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dawnlm-run-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const TEXT = Array.from({ length: 300 }, (_, i) => `Line ${i}: the whale, the sea and ${i % 7} sailors.\n`).join('');
const corpusOf = (text: string) => ({
  ...{ name: 'lines', source: 'this test', licence: 'none' },
  async *bytes() {
    yield new TextEncoder().encode(text);
  },
});
const tiny = (settings: Partial<TrainConfig> = {}): TrainConfig =>
  resolveConfig('tiny', {
    steps: 12,
    warmupSteps: 2,
    logEvery: 4,
    evalEvery: 5,
    checkpointEvery: 5,
    dropout: 0.1,
    ...settings,
  });

async function run(name: string, options: Partial<TrainRunOptions> = {}) {
  const events: RunEvent[] = [];
  const result = await trainRun({
    ...{ engine: await testEngine(), adapter: { name: 'the test adapter', software: true }, corpus: corpusOf(TEXT) },
    ...{ config: tiny(), folder: join(scratch, name), resume: false, onEvent: (event) => events.push(event) },
    ...options,
  });
  return { result, events };
}

const equal = (one: Batch, other: Batch): boolean => one.inputs.every((id, i) => id === other.inputs[i]);

/** Everything that a checkpoint knows of the training, as numbers. */
const tensorsOf = (name: string) => {
  const { tensors } = decodeSafetensors(readFileSync(join(scratch, name, 'resume.safetensors')), name);
  return new Map([...tensors].map(([key, { data }]) => [key, [...data]]));
};

/** A signal that stops a run when its log reaches `step`. */
function stopAt(step: number) {
  const controller = new AbortController();
  const onEvent = (event: RunEvent) => {
    if (event.type === 'log' && event.record.step >= step) controller.abort();
  };
  return { signal: controller.signal, onEvent };
}

describe('a run', () => {
  it('leaves a folder with weights, config, tokenizer, log and report', async () => {
    const { result, events } = await run('whole');
    expect(result.status).toBe('finished');
    expect(result.steps).toBe(12);
    const log = await readLog(join(scratch, 'whole'));
    expect(log.filter(({ loss }) => loss !== undefined).map(({ step }) => step)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    ]);
    expect(log.filter(({ validationLoss }) => validationLoss !== undefined).map(({ step }) => step)).toEqual([
      5, 10, 12,
    ]);
    expect(result.bestValidationLoss).toBe(Math.min(...log.flatMap(({ validationLoss }) => validationLoss ?? [])));
    expect(JSON.parse(readFileSync(join(scratch, 'whole/config.json'), 'utf8'))).toMatchObject({
      model_type: 'gpt2',
      n_embd: 32,
    });
    expect(readFileSync(join(scratch, 'whole/report.html'), 'utf8')).toContain('<svg');
    expect(result.samples).toHaveLength(3);
    expect(events.map(({ type }) => type).slice(0, 2)).toEqual(['data', 'plan']);
    const loaded = await loadRun(await testEngine(), join(scratch, 'whole'));
    expect(loaded.tokenizer.vocabSize).toBe(loaded.model.config.vocabSize);
    expect(loaded.dataCard.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is the same to the bit when it is run again, and another with another seed', async () => {
    await run('again');
    expect(tensorsOf('again')).toEqual(tensorsOf('whole'));
    await run('other', { config: tiny({ seed: 2 }) });
    expect(tensorsOf('other')).not.toEqual(tensorsOf('whole'));
  });

  it('that was stopped and resumed equals one that was not, to the bit', async () => {
    const { result } = await run('parts', stopAt(4));
    expect(result.status).toBe('stopped');
    expect(result.steps).toBe(4);
    const { result: resumed } = await run('parts', { resume: true });
    expect(resumed.status).toBe('finished');
    expect(tensorsOf('parts')).toEqual(tensorsOf('whole'));
    const losses = async (name: string) => (await readLog(join(scratch, name))).flatMap(({ loss }) => loss ?? []);
    expect(await losses('parts')).toEqual(await losses('whole'));
    const best = async (name: string) => {
      const { model, state } = await loadRun(await testEngine(), join(scratch, name), 'best');
      return [state?.bestStep, state?.bestValidationLoss, await model.parameters.values.floats()];
    };
    expect(await best('parts')).toEqual(await best('whole'));
  });

  it('keeps what is said of it at its end, and hands that on when it is resumed', async () => {
    const said: EndedRun[] = [];
    const appraise = async (run: EndedRun) => {
      said.push(run);
      const { tokens = 0 } = run.before.cost ?? {};
      return { cost: { parts: [], tokens: tokens + 1, timeMs: run.durationMs } };
    };
    await run('said', { appraise, ...stopAt(4) });
    const { result } = await run('said', { appraise, resume: true });
    expect(said.map(({ status, before }) => [status, before.cost?.tokens])).toEqual([
      ['stopped', undefined],
      ['finished', 1],
    ]);
    expect(result.appraisal.cost?.tokens).toBe(2);
    expect((await readRunCard(join(scratch, 'said'))).cost).toEqual(result.appraisal.cost);
    expect(tensorsOf('said')).toEqual(tensorsOf('whole'));
  });

  it('ends well, with a warning, where nothing could be said of it; what was said before stays', async () => {
    await run('unsaid', { appraise: async () => ({ cost: { parts: [], tokens: 7, timeMs: 1 } }), ...stopAt(4) });
    const appraise = () => Promise.reject(new UserError('The meter is broken.'));
    const { result } = await run('unsaid', { appraise, resume: true });
    expect([result.status, result.warnings]).toEqual([
      'finished',
      ['The run could not be appraised: The meter is broken.'],
    ]);
    expect((await readRunCard(join(scratch, 'unsaid'))).cost?.tokens).toBe(7);
    expect(readFileSync(result.report, 'utf8')).toContain('The meter is broken.');
  });

  it.each(['gpt2', 'llama'] as const)(
    'with Muon resumes to the bit, its momentum in the checkpoint (%s)',
    async (style) => {
      const config = tiny({ optimizer: 'muon', style, bias: style === 'gpt2' });
      await run(`muon-${style}`, { config });
      const { result } = await run(`muon-parts-${style}`, { config, ...stopAt(4) });
      expect(result.status).toBe('stopped');
      await run(`muon-parts-${style}`, { config, resume: true });
      const tensors = tensorsOf(`muon-parts-${style}`);
      expect(tensors).toEqual(tensorsOf(`muon-${style}`));
      const matrix = style === 'gpt2' ? 'transformer.h.1.mlp.c_fc.weight' : 'model.layers.1.mlp.up_proj.weight';
      expect(tensors.get(`${matrix} (first moment)`)!.every((value) => value !== 0)).toBe(true);
      expect(tensors.get(`${matrix} (second moment)`)!.every((value) => value === 0)).toBe(true);
    },
  );

  it("with fast's settings resumes to the bit", async () => {
    const { nEmbd, nLayer, nHead, blockSize, batchSize, logEvery, evalEvery, checkpointEvery } = tiny();
    const shape = { nEmbd, nLayer, nHead, blockSize, batchSize, logEvery, evalEvery, checkpointEvery };
    const config = resolveConfig('fast', { ...shape, steps: 12, warmupSteps: 2 });
    await run('fast', { config });
    await run('fast-parts', { config, ...stopAt(4) });
    const { result } = await run('fast-parts', { config, resume: true });
    expect(result.status).toBe('finished');
    expect(tensorsOf('fast-parts')).toEqual(tensorsOf('fast'));
  });

  it('that learns to fill holes resumes to the bit, and at a share of 0 is as if there were no holes', async () => {
    const config = tiny({ tokenizer: 'bpe:300', fillInMiddle: 0.5 });
    await run('filled', { config });
    await run('filled-parts', { config, ...stopAt(4) });
    await run('filled-parts', { config, resume: true });
    expect(tensorsOf('filled-parts')).toEqual(tensorsOf('filled'));
    await run('plain', { config: tiny({ tokenizer: 'bpe:300' }) });
    expect(tensorsOf('plain')).not.toEqual(tensorsOf('filled'));
    await run('none', { config: { ...config, fillInMiddle: 0 } });
    expect(tensorsOf('none')).toEqual(tensorsOf('plain'));
    const asked = run('letters', { config: tiny({ fillInMiddle: 0.5 }) });
    await expect(asked).rejects.toThrow('a token for every byte, which this one (char) has not');
  });

  it('that learns to copy first resumes to the bit, reads text after its share of the steps, and at a share of 0 text alone', async () => {
    const config = tiny({ style: 'llama', previousTokenHead: true, copyFraction: 0.5, gradientAccumulation: 2 });
    await run('copying', { config });
    await run('copying-parts', { config, ...stopAt(4) });
    await run('copying-parts', { config, resume: true });
    expect(tensorsOf('copying-parts')).toEqual(tensorsOf('copying'));
    const [copying, text] = await Promise.all(
      [config, { ...config, copyFraction: 0 }].map((one) => textMaterial(corpusOf(TEXT), one)),
    );
    const same = Array.from({ length: 24 }, (_, i) => equal(copying.train.batch(i), text.train.batch(i)));
    expect(same.lastIndexOf(false)).toBe(11); // 6 steps of 2 batches
    expect(same.indexOf(true)).toBe(12);
  });

  it('whose context grows fills a hole in each piece that a step reads', async () => {
    const config = tiny({
      tokenizer: 'byte',
      fillInMiddle: 1,
      contextGrowth: 1,
      gradientAccumulation: 2,
      blockSize: 64,
    });
    const { train, tokenizer } = await textMaterial(corpusOf(TEXT), config);
    const { prefix } = marksOf(tokenizer);
    const begun = (index: number): Set<number> => {
      const { inputs } = train.batch(index);
      return new Set([...inputs].flatMap((id, at) => (id === prefix ? [at % config.blockSize] : [])));
    };
    const { steps, gradientAccumulation: batches } = config;
    for (let i = 0; i < batches; i++) {
      expect(begun(i)).toEqual(new Set([0, 16, 32, 48]));
      expect(begun((steps / 2) * batches + i)).toEqual(new Set([0, 32]));
      expect(begun(steps * batches + i)).toEqual(new Set([0]));
    }
  });

  it('that recomputes activations equals one that keeps them, to the bit, and may begin to do so when it is resumed', async () => {
    await run('frugal', stopAt(4));
    await run('frugal', { resume: true, config: tiny({ recompute: true }) });
    expect(tensorsOf('frugal')).toEqual(tensorsOf('whole'));
  });

  it('that was begun before a setting existed is resumed as it trained', async () => {
    await run('old', stopAt(4));
    const path = join(scratch, 'old', 'run.json');
    const { config, ...card } = JSON.parse(readFileSync(path, 'utf8'));
    const { recompute: _, queryKeyGain: __, contextGrowth: ___, ...old } = config;
    writeFileSync(path, JSON.stringify({ ...card, config: old }));
    await run('old', { resume: true });
    expect(tensorsOf('old')).toEqual(tensorsOf('whole'));
  });

  it('does not overwrite another, nor resume under other settings or on another text', async () => {
    await expect(run('whole')).rejects.toThrow('holds a run already');
    await expect(run('whole', { resume: true, config: tiny({ nEmbd: 64 }) })).rejects.toThrow('nEmbd = 32, not 64');
    await expect(run('whole', { resume: true, corpus: corpusOf(`${TEXT}more\n`) })).rejects.toThrow('another text');
    await expect(run('nowhere', { resume: true })).rejects.toThrow('There is no run folder');
  });

  it('that diverges stops with a cause, and keeps its last good checkpoint', async () => {
    const wild = tiny({
      steps: 60,
      evalEvery: 2,
      checkpointEvery: 2,
      logEvery: 1,
      learningRate: 1e3,
      minLearningRate: 1e3,
      clipNorm: 0,
    });
    const { result } = await run('wild', { config: wild });
    expect(result.status).toBe('diverged');
    expect(result.warnings[0]).toMatch(/learning rate of 1000 is too high\. The last good checkpoint is kept/);
    expect(result.warnings[0]).toMatch(/train anew with --learning-rate 0\.001 and with --clip-norm 1\.$/);
    expect(result.saved).toBe(true);
    expect(result.steps).toBeLessThan(60);
    const { model } = await loadRun(await testEngine(), join(scratch, 'wild'));
    expect((await model.parameters.values.floats()).every(Number.isFinite)).toBe(true);
  });

  it('that diverges before a checkpoint speaks of none, and its advice works', async () => {
    const wild = { learningRate: 1e6, minLearningRate: 1e6, warmupSteps: 0, clipNorm: 0, logEvery: 1 };
    const { result } = await run('wilder', { config: tiny(wild) });
    expect([result.status, result.saved]).toEqual(['diverged', false]);
    expect(result.warnings[0]).not.toMatch(/is kept/);
    const [, rate] = /train anew with --learning-rate (\S+) and with --clip-norm 1\.$/.exec(result.warnings[0])!;
    const tame = { ...wild, learningRate: Number(rate), minLearningRate: 0, clipNorm: 1 };
    rmSync(join(scratch, 'wilder'), { recursive: true });
    expect((await run('wilder', { config: tiny(tame) })).result.status).toBe('finished');
  });

  it('has the losses of all steps on the disk before a checkpoint', async () => {
    let seen = 0;
    const onEvent = (event: RunEvent) => {
      if (event.type !== 'checkpoint') return;
      const lines = readFileSync(join(scratch, 'logged/log.jsonl'), 'utf8').trim().split('\n');
      const steps = lines.map((line) => JSON.parse(line)).flatMap(({ step, loss }) => (loss ? step : []));
      expect(steps).toEqual(Array.from({ length: event.step }, (_, i) => i + 1));
      seen++;
    };
    await run('logged', { config: tiny({ evalEvery: 3, checkpointEvery: 5, logEvery: 4 }), onEvent });
    expect(seen).toBeGreaterThan(3);
  });

  it('whose folder is removed, or moved away, in the middle of it is written anew, and loses nothing but the best weights', async () => {
    const folder = join(scratch, 'lost');
    for (const lose of [() => rmSync(folder, { recursive: true }), () => renameSync(folder, `${folder}-moved`)]) {
      const events: string[] = [];
      const onEvent = (event: RunEvent) => {
        events.push(event.type);
        if (event.type === 'log' && event.record.step === 8) lose();
      };
      await run('lost', { onEvent });
      expect(events).toContain('restored');
      expect(tensorsOf('lost')).toEqual(tensorsOf('whole'));
      const filesIn = (name: string) => readdirSync(join(scratch, name)).sort();
      expect(filesIn('lost')).toEqual(filesIn('whole'));
      const losses = async (name: string) => (await readLog(join(scratch, name))).map(({ step, loss }) => [step, loss]);
      expect(await losses('lost')).toEqual(await losses('whole'));
      await loadRun(await testEngine(), folder);
      rmSync(folder, { recursive: true });
    }
  });

  it('does not write where another has begun in place of it', async () => {
    const folder = join(scratch, 'robbed');
    const onEvent = (event: RunEvent) => {
      if (event.type !== 'log' || event.record.step !== 4) return;
      const lock = readFileSync(join(folder, '.lock'), 'utf8');
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
      writeFileSync(join(folder, '.lock'), JSON.stringify({ ...JSON.parse(lock), id: '0123abcd' }));
    };
    await expect(run('robbed', { onEvent, config: tiny({ steps: 4000 }) })).rejects.toThrow(
      /was removed or moved away while it was written\. .*is being written by another process/,
    );
    expect(readdirSync(folder)).toEqual(['.lock']);
  });

  it('holds its folder from the first look to the end', async () => {
    const others: Promise<unknown>[] = [];
    const onEvent = ({ type }: RunEvent) => {
      if (type === 'data' || type === 'checkpoint') others.push(run('held', { resume: type !== 'data' }).catch(String));
    };
    const { result } = await run('held', { onEvent });
    expect(result.status).toBe('finished');
    for (const said of await Promise.all(others)) expect(said).toMatch(/held is being written by another process/);
    expect(tensorsOf('held')).toEqual(tensorsOf('whole'));
    expect(existsSync(join(scratch, 'held/.lock'))).toBe(false);
  });

  it('accumulates gradients: two half batches are a whole one, within rounding', async () => {
    const norms: number[][] = [];
    for (const [batchSize, gradientAccumulation] of [
      [8, 1],
      [4, 2],
    ]) {
      const name = `accumulate-${gradientAccumulation}`;
      await run(name, { config: tiny({ batchSize, gradientAccumulation, dropout: 0 }) });
      const log = await readLog(join(scratch, name));
      norms.push(log.flatMap(({ loss, gradientNorm }) => (loss ? [loss, gradientNorm!] : [])));
    }
    norms[0].forEach((value, i) => {
      expect(Math.abs(norms[1][i] / value - 1)).toBeLessThan(1e-3);
    });
  });
});

describe('a damaged run folder is refused with a sentence:', () => {
  beforeAll(() => run('sound', { config: tiny({ steps: 3 }) }));
  const damage = async (name: string, file: string, change: (path: string) => void) => {
    cpSync(join(scratch, 'sound'), join(scratch, name), { recursive: true });
    change(join(scratch, name, file));
    return loadRun(await testEngine(), join(scratch, name), 'last');
  };
  it('weights cut short', async () => {
    await expect(damage('cut', 'model.safetensors', (path) => truncateSync(path, 1000))).rejects.toThrow(
      'model.safetensors',
    );
  });
  it.each([Number.NaN, Number.NEGATIVE_INFINITY])('a weight of %d', async (value) => {
    const spoil = (path: string) => {
      const { tensors, metadata } = decodeSafetensors(readFileSync(path), path);
      const named = [...tensors].map(([name, { shape, data }]) => ({ name, shape, data: Float32Array.from(data) }));
      named[2].data[3] = value;
      writeFileSync(path, Buffer.concat(encodeSafetensors(named, { state: metadata.state })));
    };
    await expect(damage(`spoiled${value}`, 'model.safetensors', spoil)).rejects.toThrow(
      /model\.safetensors is damaged: "transformer\..*" holds numbers that are NaN or infinite\. Restore it/,
    );
  });
  it('a config of another model', async () => {
    const widen = (path: string) =>
      writeFileSync(path, readFileSync(path, 'utf8').replace('"n_embd": 32', '"n_embd": 64'));
    await expect(damage('widened', 'config.json', widen)).rejects.toThrow('a model of another config');
  });
  it('a tokenizer of another run', async () => {
    const replace = (path: string) => writeFileSync(path, JSON.stringify({ kind: 'byte', version: 1 }));
    await expect(damage('mixed', 'dawnlm-tokenizer.json', replace)).rejects.toThrow('mixed up');
  });
  it('no JSON', async () => {
    await expect(damage('nojson', 'run.json', (path) => writeFileSync(path, '{'))).rejects.toThrow('not JSON');
  });
  it('missing files', async () => {
    await expect(damage('missing', 'dawnlm-tokenizer.json', rmSync)).rejects.toThrow(
      'dawnlm-tokenizer.json is missing',
    );
  });
});
