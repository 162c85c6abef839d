import { beforeEach, describe, expect, it } from 'vitest';
import { NO_FILTERS } from '../../src/kernels/sampling/settings.ts';
import { Generator } from '../../src/model/generate.ts';
import type { GPT } from '../../src/model/gpt.ts';
import { quantizeModel } from '../../src/model/quantized.ts';
import { STYLES } from '../../src/model/styles.ts';
import { Closed, type GeneratedToken, QueueFull, Scheduler, type SequenceRequest } from '../../src/serve/scheduler.ts';
import { Evaluator } from '../../src/train/evaluate.ts';
import { testEngine } from '../helpers/engine.ts';
import { smallModel } from '../helpers/models.ts';
import { normalNumbers, randomIds } from '../helpers/numbers.ts';

const GREEDY = { ...NO_FILTERS, temperature: 0 };

/** Larger weights than fresh ones, biases among them, so that texts differ and nothing of a model is 0. */
async function decisiveModel(style: string, settings: object = {}): Promise<GPT> {
  const model = smallModel(await testEngine(), style, settings);
  const { values } = model.parameters;
  const noise = normalNumbers(values.shape, 3, 0.05);
  values.write((await values.floats()).map((x, i) => 8 * x + noise[i]));
  return model;
}

async function collect(tokens: AsyncIterable<GeneratedToken>): Promise<GeneratedToken[]> {
  const all: GeneratedToken[] = [];
  for await (const token of tokens) all.push(token);
  return all;
}

const idsOf = async (tokens: AsyncIterable<GeneratedToken>): Promise<number[]> =>
  (await collect(tokens)).map(({ id }) => id);

const request = (prompt: readonly number[], more: Partial<SequenceRequest> = {}): SequenceRequest => ({
  ...{ prompt, tokens: 12, sampling: GREEDY, seed: 1, ...more },
});

/** Requests of all kinds: lengths, settings, penalties and biases. */
const someRequests = (count: number, vocabSize: number, longest: number): SequenceRequest[] =>
  Array.from({ length: count }, (_, i) =>
    request([...randomIds([1 + ((i * 7) % longest)], vocabSize, i)], {
      tokens: 1 + ((i * 11) % 40),
      seed: 100 + i,
      choice: i % 3,
      sampling: {
        ...NO_FILTERS,
        ...{ temperature: i % 4 === 0 ? 0 : 1, topK: i % 3 === 0 ? 7 : 0, topP: i % 5 === 0 ? 0.9 : 1 },
        ...(i % 6 === 1 && { repetitionPenalty: 1.3, presencePenalty: 0.3, frequencyPenalty: 0.2 }),
      },
      logitBias: i % 7 === 2 ? new Map([[3, -100]]) : undefined,
      logprobs: i % 8 === 3 ? 2 : undefined,
    }),
  );

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((done) => setImmediate(done));
};

it('the scheduler writes what a generator writes with quantized weights', async () => {
  const model = await quantizeModel(await decisiveModel('llama'), 'int8');
  const scheduler = new Scheduler(model, { sequences: 3 });
  const prompts = [[3, 1, 4], [15], [9, 2, 6, 5]];
  const together = await Promise.all(prompts.map((prompt) => idsOf(scheduler.generate(request(prompt)))));
  for (const [i, prompt] of prompts.entries()) {
    const alone: number[] = [];
    const steps = new Generator(model).generate([prompt], { ...GREEDY, seed: 1, tokens: 12 });
    for await (const { tokens } of steps) alone.push(tokens[0]);
    expect(together[i]).toEqual(alone);
  }
});

describe.each(Object.keys(STYLES))('the scheduler on a model in the %s style', (style) => {
  it('writes what a generator writes, also past the context, for prompts of any length', async () => {
    const model = await decisiveModel(style);
    const scheduler = new Scheduler(model, { sequences: 3 });
    const prompts = [[3, 1, 4], [15], [...randomIds([19], 23, 2)], [...randomIds([18], 23, 3)], [9, 2, 6, 5, 3, 5, 8]];
    const texts = await Promise.all(
      prompts.map((prompt) => idsOf(scheduler.generate(request(prompt, { tokens: 45 })))),
    );
    for (const [i, prompt] of prompts.entries()) {
      const wanted: number[] = [];
      for await (const { tokens } of new Generator(model).generate([prompt], { ...GREEDY, tokens: 45, seed: 1 }))
        wanted.push(tokens[0]);
      expect(texts[i]).toEqual(wanted);
    }
    await scheduler.close();
  });

  it('gives a request the same text and log-probabilities alone and among others, in any order of arrival', async () => {
    const model = await decisiveModel(style, { blockSize: 67, vocabSize: 37 });
    const requests = someRequests(32, 37, 67);
    const one = new Scheduler(model);
    const alone: GeneratedToken[][] = [];
    for (const request of requests) alone.push(await collect(one.generate(request)));
    await one.close();
    const together = new Scheduler(model);
    expect(await Promise.all(requests.map((request) => collect(together.generate(request))))).toEqual(alone);
    const late: Promise<GeneratedToken[]>[] = [];
    for (const request of requests.toReversed()) {
      late.push(collect(together.generate(request)));
      await turns(late.length % 5);
    }
    expect((await Promise.all(late)).toReversed()).toEqual(alone);
    const few = new Scheduler(model, { sequences: 5 });
    expect(await Promise.all(requests.map((request) => collect(few.generate(request))))).toEqual(alone);
    await together.close();
    await few.close();
  });

  it('tells the log-probabilities of prompts as evaluation does, and those of tokens as prompts', async () => {
    const model = await decisiveModel(style, { blockSize: 67, vocabSize: 37 });
    const scheduler = new Scheduler(model);
    const texts = [1, 2, 68, 17, 30, 67].map((length, i) => Uint32Array.from(randomIds([length], 37, i)));
    for (const text of texts.filter(({ length }) => length > 1 && length <= 67)) {
      const scores = await scheduler.score([...text], 3);
      expect(scores[0]).toBeUndefined();
      expect(scores.slice(1).map((one) => one!.id)).toEqual([...text.slice(1)]);
      const sum = scores.slice(1).reduce((total, one) => total + one!.logprob, 0);
      const { loss, tokens } = await new Evaluator(model, 1).run(text);
      expect(Math.abs(sum / tokens + loss)).toBeLessThan(1e-5);
    }
    expect(await scheduler.score([5], 0)).toEqual([undefined]);
    const generated = await collect(scheduler.generate(request([1, 2, 3], { tokens: 20, logprobs: 2 })));
    const scored = await scheduler.score([1, 2, 3, ...generated.map(({ id }) => id)], 2);
    for (const [i, token] of generated.entries()) {
      const { logprob, top } = scored[3 + i]!;
      expect(token.logprob).toBeCloseTo(logprob, 4);
      expect(token.top!.map(({ id }) => id)).toEqual(top.map(({ id }) => id));
      expect(token.id).toBe(top[0].id);
    }
    await scheduler.close();
  });
});

describe('the scheduler', () => {
  let model: GPT;
  beforeEach(async () => {
    model = await decisiveModel('llama');
  });

  it('frees the place of a reader that leaves, whether it was read, is waiting, or has not begun', async () => {
    const scheduler = new Scheduler(model, { sequences: 2 });
    const endless = request([1, 2], { tokens: 1e9 });
    const [read, other, waits, never] = Array.from({ length: 4 }, () => scheduler.generate(endless));
    await read.next();
    expect(scheduler.stats).toMatchObject({ active: 2, queued: 2 });
    await waits.return();
    await never.return();
    expect(scheduler.stats.queued).toBe(0);
    const last = idsOf(scheduler.generate(request([3])));
    await read.return();
    expect((await last).length).toBe(12);
    await other.return();
    await turns(50);
    expect(scheduler.stats).toMatchObject({ active: 0, queued: 0 });
    await scheduler.close();
  });

  it('refuses at once what it has no room for, and everything when it is closed; what is open ends well', async () => {
    const scheduler = new Scheduler(model, { sequences: 1, queue: 2 });
    const taken = [1, 2].map((id) => idsOf(scheduler.generate(request([id]))));
    expect(() => scheduler.generate(request([3]))).toThrow(QueueFull);
    await expect(scheduler.score([1, 2], 0)).rejects.toThrow(QueueFull);
    const closing = scheduler.close();
    expect(() => scheduler.generate(request([3]))).toThrow(Closed);
    await expect(scheduler.score([1, 2], 0)).rejects.toThrow(Closed);
    for (const text of await Promise.all(taken)) expect(text.length).toBe(12);
    await closing;
  });

  it('says what is wrong with a prompt', async () => {
    const scheduler = new Scheduler(model);
    expect(() => scheduler.generate(request([]))).toThrow('a prompt is empty');
    expect(() => scheduler.generate(request(new Array(20).fill(1)))).toThrow(
      "20 tokens, and the model's context holds 19",
    );
    expect(() => scheduler.generate(request([1, 23]))).toThrow('23 is no token: ids are whole numbers from 0 to 22');
    await scheduler.close();
  });

  it('hands on what fails on the device to all that are open, and goes on with those that come later', async () => {
    const scheduler = new Scheduler(model, { sequences: 1 });
    const { device } = model.engine;
    const readLater = device.readLater.bind(device);
    const taken = [1, 2, 3].map((id) => idsOf(scheduler.generate(request([id], { tokens: 30 }))));
    device.readLater = () => () => Promise.reject(new Error('the device is gone'));
    for (const text of taken) await expect(text).rejects.toThrow('the device is gone');
    device.readLater = readLater;
    expect((await idsOf(scheduler.generate(request([1])))).length).toBe(12);
    await scheduler.close();
  });

  it('takes no more memory, however many requests come', async () => {
    const scheduler = new Scheduler(model, { sequences: 8 });
    const { pool } = model.engine.device;
    const requests = someRequests(40, 23, 19);
    const serve = async (): Promise<void> => {
      await Promise.all([
        ...requests.map((request) => idsOf(scheduler.generate(request))),
        ...requests.map(({ prompt }) => scheduler.score(prompt, 2)),
      ]);
    };
    for (let i = 0; i < 2; i++) await serve();
    const { created, allocatedBytes } = pool;
    for (let i = 0; i < 5; i++) await serve();
    expect(pool.created).toBe(created);
    expect(pool.allocatedBytes).toBe(allocatedBytes);
    await scheduler.close();
  });
});
