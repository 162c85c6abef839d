import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  beginTuning,
  resolveText,
  resumeTuning,
  type TextMethod,
  type TextTuningSettings,
} from '../../../src/tasks/text/text.ts';
import type { Engine } from '../../../src/tensor/engine.ts';
import type { WeightFormat } from '../../../src/tensor/operands/packing.ts';
import { parseTemplate } from '../../../src/text/chat/chatTemplate.ts';
import { resolveConfig, type TrainConfig } from '../../../src/train/config.ts';
import { trainRun } from '../../../src/train/run/run.ts';
import { FILES, readRunCard } from '../../../src/train/runFolder.ts';
import { loadRun } from '../../../src/train/savedRun.ts';
import { testEngine } from '../../helpers/engine.ts';

const BASE = Array.from({ length: 300 }, (_, i) => `Line ${i}: the whale, the sea and ${i % 7} sailors.\n`).join('');
const OTHER = Array.from({ length: 200 }, (_, i) => `Line ${i}: a seal, the sailors and ${i % 5} whales.\n`).join('');
const CHAT = Array.from({ length: 40 }, (_, i) =>
  JSON.stringify({ prompt: `the ${i % 10} sea`, answer: `line ${(i % 10) + 1}` }).concat('\n'),
)
  .map((line, i) => line.replace('sea', i < 20 ? 'sea' : 'whale'))
  .join('');

let engine: Engine;
let scratch: string;
let base: string;
const at = (name: string): string => join(scratch, name);
const corpus = (text: string) => ({
  ...{ name: 'lines', source: 'this test', licence: 'none' },
  async *bytes() {
    yield new TextEncoder().encode(text);
  },
});
const adapter = { name: 'the test adapter', software: true };
const often = { logEvery: 4, evalEvery: 10, checkpointEvery: 10, warmupSteps: 2 };
const config = (more: Partial<TrainConfig> = {}) =>
  resolveConfig('tiny', { ...often, steps: 20, tokenizer: 'char', ...more });

beforeAll(async () => {
  engine = await testEngine();
  scratch = await mkdtemp(join(tmpdir(), 'dawnlm-finetune-'));
  base = at('base');
  const options = { engine, adapter, corpus: corpus(BASE), config: config({ learningRate: 3e-3 }), folder: base };
  await trainRun({ ...options, resume: false });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const lora = { rank: 2, alpha: 4, targets: ['c_attn', 'mlp.c_proj'], dropout: 0.1 };

async function tune(
  name: string,
  method: TextMethod,
  more: Partial<TrainConfig> = {},
  chat?: TextTuningSettings['chat'],
) {
  const folder = at(name);
  const tuning = await beginTuning(engine, { folder, base, checkpoint: 'best', method, lora, seed: 5, chat });
  const options = { engine, adapter, corpus: corpus(chat ? CHAT : OTHER), folder, base: tuning, resume: false };
  return trainRun({ ...options, config: config({ learningRate: 3e-3, ...more }) });
}

const weights = async (folder: string, which: 'best' | 'last' = 'last') => {
  const { model } = await loadRun(engine, folder, which);
  return model.parameters.split(await model.parameters.values.floats());
};

describe.each(['full', 'lora', 'last'] as const)('a run tuned on another text (%s)', (method) => {
  it('is better at it than its base, and loads as any run does', async () => {
    const result = await tune(method, method, { steps: 40 });
    const losses = result.log.flatMap(({ validationLoss }) => validationLoss ?? []);
    expect(result.log[0].step).toBe(0);
    expect(losses.at(-1)!).toBeLessThan(losses[0]);
    const { tunedFrom } = await readRunCard(at(method));
    expect(tunedFrom).toMatchObject({ folder: '../base', checkpoint: 'best', method });
    const before = await weights(base, 'best');
    const moved = (await weights(at(method))).filter(({ data }, i) =>
      data.some((value, j) => value !== before[i].data[j]),
    );
    const names = moved.map(({ name }) => name);
    if (method === 'full') expect(names).toHaveLength(before.length);
    if (method === 'last')
      expect(
        names.every((name) => /\.1\.|ln_f/.test(name)),
        names.join(),
      ).toBe(true);
    if (method === 'lora')
      expect(
        names.every((name) => /c_attn|mlp\.c_proj/.test(name)),
        names.join(),
      ).toBe(true);
    expect(names.length).toBeGreaterThan(0);
  });

  it('that was stopped and resumed equals one that was not, to the bit', async () => {
    await tune(`${method}-whole`, method);
    const stop = new AbortController();
    const folder = at(`${method}-parts`);
    const tuning = await beginTuning(engine, { folder, base, checkpoint: 'best', method, lora, seed: 5 });
    const options = { engine, adapter, corpus: corpus(OTHER), folder, config: config({ learningRate: 3e-3 }) };
    const onEvent = ({ type }: { type: string }) => type === 'checkpoint' && stop.abort();
    await trainRun({ ...options, base: tuning, resume: false, signal: stop.signal, onEvent });
    const { tunedFrom } = await readRunCard(folder);
    await trainRun({ ...options, base: await resumeTuning(engine, folder, tunedFrom!), resume: true });
    expect(await weights(folder)).toEqual(await weights(at(`${method}-whole`)));
  });
});

it('that was stopped before its first step has the score of its base in the log once', async () => {
  const folder = at('unbegun');
  const begin = await beginTuning(engine, { folder, base, checkpoint: 'best', method: 'full', lora, seed: 5 });
  const options = { engine, adapter, corpus: corpus(OTHER), config: config({ steps: 4 }), folder };
  const { status } = await trainRun({ ...options, base: begin, resume: false, signal: AbortSignal.abort() });
  expect(status).toBe('stopped');
  const { tunedFrom } = await readRunCard(folder);
  const { log } = await trainRun({ ...options, base: await resumeTuning(engine, folder, tunedFrom!), resume: true });
  expect(log.flatMap(({ step, validationLoss }) => (validationLoss === undefined ? [] : step))).toEqual([0, 4]);
});

it('of adapters alone is a small file, and refuses a base that is not what it was, or not there', async () => {
  await tune('small', 'lora', { steps: 4 });
  const sizes = await Promise.all(
    [join(at('small'), FILES.adapter), join(base, FILES.last)].map((file) => readFile(file)),
  );
  expect(sizes[0].length).toBeLessThan(0.3 * sizes[1].length);
  const loss = async (weights: WeightFormat) => {
    const { model } = await loadRun(engine, at('small'), 'best', weights);
    const ids = engine.tensor(
      Uint32Array.from({ length: 16 }, (_, i) => i % 7),
      [1, 16],
    );
    return (await engine.withoutGradients(() => model.loss(ids, ids)).floats())[0];
  };
  expect(Math.abs((await loss('int8')) - (await loss('f32')))).toBeLessThan(0.02); // merged, then quantized
  const card = JSON.parse(await readFile(join(at('small'), FILES.run), 'utf8'));
  const change = (more: object) =>
    writeFile(join(at('small'), FILES.run), JSON.stringify({ ...card, tunedFrom: { ...card.tunedFrom, ...more } }));
  await change({ sha256: '0'.repeat(64) });
  await expect(loadRun(engine, at('small'))).rejects.toThrow('has other weights than');
  await change({ folder: '../gone' });
  await expect(loadRun(engine, at('small'))).rejects.toThrow('which is not there');
});

it('learns answers, and keeps the template that its prompts need', async () => {
  const chat = parseTemplate('{prompt}: {answer}.\n');
  const result = await tune('chat', 'full', { steps: 60, batchSize: 16 }, chat);
  const losses = result.log.flatMap(({ validationLoss }) => validationLoss ?? []);
  expect(losses.at(-1)!).toBeLessThan(0.6 * losses[0]);
  expect((await loadRun(engine, at('chat'))).tunedFrom!.chat).toEqual({ before: '', between: ': ', after: '.\n' });
});

it('reads its own text from the first step on: neither rules nor canaries of its base, nor what that began with', () => {
  const base = resolveConfig('fast', {
    ...{ fillInMiddle: 0.5, copyFraction: 0.1, previousTokenHead: true, tokenizer: 'bpe:300' },
    ...{ canaries: 4, clean: 'private' },
  });
  const tuned = resolveText(base, 'lora', { steps: 50 });
  expect(tuned).toMatchObject({ copyFraction: 0, canaries: 0, clean: '', fillInMiddle: 0.5, steps: 50 });
});
