import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { pythonWithTorch } from '../../bench/peers/catalog.ts';
import { exportRun } from '../../src/tasks/text/export.ts';
import { buildDataset } from '../../src/text/windows/dataset.ts';
import { resolveConfig, type TrainConfig } from '../../src/train/config.ts';
import type { TrainRunOptions } from '../../src/train/run/events.ts';
import { trainRun } from '../../src/train/run/run.ts';
import { loadRun } from '../../src/train/savedRun.ts';
import { TEXT } from '../helpers/dawnlm.ts';
import { testEngine } from '../helpers/engine.ts';
import { scratch } from './judges.ts';

const folder = scratch();
const python = await pythonWithTorch();

const [STOPPED, STEPS] = [20, 30];
const SETTINGS = { steps: STEPS, warmupSteps: 5, logEvery: 1, evalBatches: 0, blockSize: 24, batchSize: 6 };

/** Each schedule, optimizer and style, and what else the programs have parts for. */
const RUNS: Readonly<Record<string, Partial<TrainConfig>>> = {
  'gpt2 by AdamW': { clipNorm: 0.5, evalEvery: 25 },
  'gpt2 by Muon': {
    ...{ optimizer: 'muon', muonFactor: 3, bias: true, tieEmbeddings: false, schedule: 'linear', warmupSteps: 0 },
    ...{ contextGrowth: 1, gradientAccumulation: 2, tokenizer: 'bpe:300', seed: 2 ** 32 - 1 },
  },
  'llama by AdamW': { style: 'llama', nKvHead: 1, schedule: 'constant', clipNorm: 0, warmupSteps: 25, beta2: 0.95 },
  'llama by Muon': {
    ...{ style: 'llama', optimizer: 'muon', tieEmbeddings: false, schedule: 'warmup-stable-decay', nHidden: 40 },
    ...{ contextGrowth: 0.9 },
  },
};

const corpus: TrainRunOptions['corpus'] = {
  ...{ name: 'words', source: 'this test', licence: 'none' },
  async *bytes() {
    yield new TextEncoder().encode(TEXT);
  },
};

/** The losses of steps and validations. */
interface Losses {
  losses: number[];
  validation: number[];
}

/** Trains a run in a folder, or goes on with it; to a step if one is given. Returns the losses of what is behind STOPPED. */
async function train(name: string, settings: Partial<TrainConfig>, resume: boolean, to = STEPS): Promise<Losses> {
  const stop = new AbortController();
  const { log } = await trainRun({
    ...{ engine: await testEngine(), adapter: { name: 'the test adapter', software: true }, corpus, resume },
    ...{ config: resolveConfig('tiny', SETTINGS, settings), folder: join(folder, name), signal: stop.signal },
    onEvent: (event) => {
      if (event.type === 'log' && event.record.step >= to) stop.abort();
    },
  });
  const after = log.filter(({ step }) => step > STOPPED);
  const validation = after.flatMap((one) => one.validationLoss ?? []);
  return { losses: after.flatMap(({ loss }) => loss ?? []), validation };
}

/** A run that was stopped, and the folder in which PyTorch goes on with it. */
async function stopped(name: string, settings: Partial<TrainConfig>): Promise<string> {
  await train(name, settings, false, STOPPED);
  const [from, out] = [join(folder, name), join(folder, `${name} in torch`)];
  const run = await loadRun(await testEngine(), from);
  const chunks = async function* () {
    yield TEXT;
  };
  const dataset = () => buildDataset(chunks, run.tokenizer, { ...run.config, name });
  await exportRun({ ...run, origin: { folder: from, dataset } }, 'torch', out, 'f32');
  return out;
}

/** What a program prints. */
async function start(...words: readonly string[]): Promise<Losses> {
  const env = { ...process.env, OMP_NUM_THREADS: '1' };
  const { stdout } = await promisify(execFile)(python!, words, { env });
  const numbers = (pattern: RegExp) => [...stdout.matchAll(pattern)].map(([, number]) => Number(number));
  return { losses: numbers(/ {2}loss ([\d.]+)/g), validation: numbers(/validation loss ([\d.]+)/g) };
}

function expectSame(theirs: Losses, ours: Losses, what: string): void {
  for (const kind of ['losses', 'validation'] as const) {
    expect(theirs[kind]).toHaveLength(ours[kind].length);
    const error = Math.max(...theirs[kind].map((loss, i) => Math.abs(loss - ours[kind][i])));
    console.log(`${what}: ${kind} differ by ${error.toExponential(1)}`);
    expect(error).toBeLessThan(1e-4);
  }
}

it.each(Object.entries(RUNS))('%s: PyTorch goes on as we do', async (name, settings) => {
  const out = await stopped(name, settings);
  const [theirs, ours] = [await start(join(out, 'train.py')), await train(name, settings, true)];
  expect(ours.losses).toHaveLength(STEPS - STOPPED);
  expectSame(theirs, ours, name);
});

it.each(['gpt2 by AdamW', 'gpt2 by Muon'])('%s: two processes go on as one', async (kind) => {
  const [name, settings] = [`${kind} on two`, RUNS[kind]];
  const out = await stopped(name, settings);
  // without --redirects and --tee PyTorch 1.13 fails on Python 3.11
  const workers = '--standalone --nproc_per_node=2 --monitor_interval=0.2 --redirects 1 --tee 1'.split(' ');
  expectSame(
    await start('-m', 'torch.distributed.run', ...workers, join(out, 'train.py')),
    await train(name, settings, true),
    name,
  );
});

it('we go on where PyTorch stopped', async () => {
  const settings = { ...RUNS['llama by AdamW'], steps: STEPS + 5 };
  const out = await stopped('there', { ...settings, steps: STEPS });
  cpSync(join(folder, 'there'), join(folder, 'back'), { recursive: true });
  await start(join(out, 'train.py'));
  cpSync(join(out, 'checkpoint.safetensors'), join(folder, 'back', 'resume.safetensors'));
  const [back, ours] = [
    await train('back', settings, true, STEPS + 5),
    await train('there', settings, true, STEPS + 5),
  ];
  const last = ({ losses, validation }: Losses) => ({ losses: losses.slice(-5), validation });
  expectSame(last(back), last(ours), 'back from PyTorch');
});

it('with dropout: other random numbers, and losses that are near', async () => {
  const out = await stopped('dropped', { dropout: 0.2 });
  const [theirs, ours] = [await start(join(out, 'train.py')), await train('dropped', { dropout: 0.2 }, true)];
  expect(theirs.losses).toHaveLength(STEPS - STOPPED);
  expect(theirs.losses).not.toEqual(ours.losses);
  expect(Math.abs(theirs.validation[0] - ours.validation[0])).toBeLessThan(0.02);
});
