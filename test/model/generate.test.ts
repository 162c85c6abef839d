import { describe, expect, it } from 'vitest';
import { argmaxOf } from '../../src/kernels/sampling/argmax.ts';
import { NO_FILTERS } from '../../src/kernels/sampling/settings.ts';
import { Generator } from '../../src/model/generate.ts';
import type { GPT } from '../../src/model/gpt.ts';
import { LoraAdapters, targetsOf } from '../../src/model/lora.ts';
import { STYLES, styleOf } from '../../src/model/styles.ts';
import { testEngine } from '../helpers/engine.ts';
import { smallModel } from '../helpers/models.ts';
import { normalNumbers } from '../helpers/numbers.ts';

const GREEDY = { ...NO_FILTERS, temperature: 0, seed: 1 };

/** Larger weights than fresh ones, so that the choices are clear and differ from context to context. */
async function decisiveModel(style: string, nHead = 4, nEmbd = 24): Promise<GPT> {
  const model = smallModel(await testEngine(), style, {
    nEmbd,
    nHead,
    nKvHead: styleOf({ style }).grouped ? nHead / 2 : nHead,
  });
  const { values } = model.parameters;
  values.write((await values.floats()).map((x) => 8 * x));
  return model;
}

const collect = (model: GPT, prompts: number[][], options: object): Promise<number[][]> =>
  collectFrom(new Generator(model, prompts.length), prompts, options);

async function collectFrom(generator: Generator, prompts: number[][], options: object): Promise<number[][]> {
  const sequences: number[][] = prompts.map(() => []);
  for await (const { tokens } of generator.generate(prompts, { ...GREEDY, tokens: 10, ...options })) {
    tokens.forEach((token, b) => {
      sequences[b].push(token);
    });
  }
  return sequences;
}

/** Greedy decoding that runs the whole context anew for each token, with the same cut when the context is full. */
async function recompute(model: GPT, prompt: number[], tokens: number): Promise<number[]> {
  const { engine } = model.parameters;
  const { blockSize, vocabSize } = model.config;
  let context = [...prompt];
  const made: number[] = [];
  while (made.length < tokens) {
    if (context.length > blockSize) context = context.slice(-Math.floor(blockSize / 2));
    const ids = engine.tensor(Uint32Array.from(context), [1, context.length]);
    const logits = await engine.withoutGradients(() => model.logits(model.hidden(ids))).floats();
    const next = argmaxOf(logits.subarray((context.length - 1) * vocabSize, context.length * vocabSize));
    context.push(next);
    made.push(next);
  }
  return made;
}

// heads of 6 do not split into vectors; models with heads of 16 decode in two dispatches a block
const SIZES = [
  [4, 24],
  [2, 32],
] as const;
describe.each(Object.keys(STYLES).flatMap((style) => SIZES.map((size) => [style, ...size] as const)))(
  'generation in the %s style with %i heads and width %i',
  (style, nHead, nEmbd) => {
    it('follows the adapters beside the model in every step, set and taken away after it was made', async () => {
      const model = await decisiveModel(style, nHead, nEmbd);
      const generator = new Generator(model);
      const next = (): Promise<number[][]> => collectFrom(generator, [[3, 1, 4]], { tokens: 12 });
      const plain = await next();
      const lora = { rank: 2, alpha: 2, targets: targetsOf(model.config), dropout: 0 };
      const adapters = new LoraAdapters(model.parameters.engine, model, lora).initialize(1);
      const { values } = adapters.parameters;
      values.write(normalNumbers(values.shape, 2, 0.3));
      model.adapters = adapters;
      const beside = await next();
      expect(beside).toEqual([await recompute(model, [3, 1, 4], 12)]);
      expect(beside).not.toEqual(plain);
      model.adapters = undefined;
      expect(await next()).toEqual(plain);
    });

    it('with the cache equals recomputation, token for token, also past the context', async () => {
      const model = await decisiveModel(style, nHead, nEmbd);
      const prompts = [[3, 1, 4], [15], [9, 2, 6, 5, 3, 5, 8]];
      const cached = await collect(model, prompts, { tokens: 16 });
      for (const [b, prompt] of prompts.entries()) {
        // rows share one cut: the longest prompt fills the context first, at 13 tokens
        expect(cached[b].slice(0, 13)).toEqual((await recompute(model, prompt, 16)).slice(0, 13));
      }
      const [alone] = await collect(model, [prompts[0]], { tokens: 60 });
      expect(alone).toEqual(await recompute(model, prompts[0], 60));
      expect(new Set(alone).size).toBeGreaterThan(2);
    });

    it('gives the same tokens for a seed, and others for another', async () => {
      const model = await decisiveModel(style, nHead, nEmbd);
      const options = { temperature: 1.5, tokens: 40, seed: 5 };
      const [first] = await collect(model, [[1, 2]], options);
      expect((await collect(model, [[1, 2]], options))[0]).toEqual(first);
      expect((await collect(model, [[1, 2]], { ...options, seed: 6 }))[0]).not.toEqual(first);
    });

    it('gives the logits of each step on request', async () => {
      const model = await decisiveModel(style, nHead, nEmbd);
      const steps = [];
      for await (const step of new Generator(model).generate([[1, 2]], { ...GREEDY, tokens: 5 }, true))
        steps.push(step);
      expect(steps.map(({ tokens }) => tokens[0])).toEqual(steps.map(({ logits }) => argmaxOf(logits!)));
      expect(steps.map(({ tokens }) => tokens[0])).toEqual((await collect(model, [[1, 2]], { tokens: 5 }))[0]);
    });

    it('is moved by a repetition penalty', async () => {
      const model = await decisiveModel(style, nHead, nEmbd);
      const [plain] = await collect(model, [[1, 2]], { tokens: 15 });
      const [moved] = await collect(model, [[1, 2]], { tokens: 15, repetitionPenalty: 1000 });
      expect(new Set(moved).size).toBe(15);
      expect(new Set(plain).size).toBeLessThan(15);
    });
  },
);

it('refuses prompts that are empty, too long or too few', async () => {
  const model = await decisiveModel('gpt2');
  await expect(collect(model, [[]], {})).rejects.toThrow('empty');
  await expect(collect(model, [new Array(20).fill(1)], {})).rejects.toThrow("the model's context holds 19");
  const generator = new Generator(model, 2);
  await expect(generator.generate([[1]], { ...GREEDY, tokens: 1 }).next()).rejects.toThrow('expected 2 prompts, got 1');
});

describe('memory', () => {
  it('is that of the first windows, however long a text becomes', async () => {
    const model = await decisiveModel('gpt2');
    const { pool } = model.engine.device;
    const generator = new Generator(model);
    await collectFrom(generator, [[1, 2, 3]], { tokens: 60 });
    const { created, allocatedBytes } = pool;
    await collectFrom(generator, [[1, 2, 3]], { tokens: 400 });
    expect(pool.created).toBe(created);
    expect(pool.allocatedBytes).toBe(allocatedBytes);
  });

  it('is that of the first prompts, however many lengths come', async () => {
    const model = smallModel(await testEngine(), 'gpt2', { blockSize: 128 });
    const { pool } = model.engine.device;
    const generator = new Generator(model, 2);
    const ask = async () => {
      for (let length = 1; length <= 120; length += 7) {
        await collectFrom(generator, [new Array(length).fill(1), [2]], { tokens: 20 });
      }
    };
    await ask();
    const { created, allocatedBytes } = pool;
    await ask();
    expect(pool.created).toBe(created);
    expect(pool.allocatedBytes).toBe(allocatedBytes);
  });
});
