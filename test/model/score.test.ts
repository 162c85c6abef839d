import { expect, it } from 'vitest';
import { NO_FILTERS } from '../../src/kernels/sampling/settings.ts';
import { Generator } from '../../src/model/generate.ts';
import type { GPT } from '../../src/model/gpt.ts';
import { Scorer } from '../../src/model/score.ts';
import { STYLES } from '../../src/model/styles.ts';
import { testEngine } from '../helpers/engine.ts';
import { smallModel } from '../helpers/models.ts';

/** Larger weights than fresh ones, so that tokens differ in likelihood. */
async function decisiveModel(style: string): Promise<GPT> {
  const model = smallModel(await testEngine(), style);
  const { values } = model.parameters;
  values.write((await values.floats()).map((x) => 4 * x));
  return model;
}

/** log P(continuation | prompt) token by token, from the logits of decoding with the cache. */
async function stepByStep(model: GPT, prompt: number[], continuation: number[]): Promise<number> {
  const generator = new Generator(model);
  let sum = 0;
  for (const [at, target] of continuation.entries()) {
    const context = [...prompt, ...continuation.slice(0, at)];
    const settings = { ...NO_FILTERS, temperature: 0, seed: 1, tokens: 1 };
    for await (const { logits } of generator.generate([context], settings, true)) {
      const largest = Math.max(...logits!);
      sum += logits![target] - largest - Math.log(logits!.reduce((total, x) => total + Math.exp(x - largest), 0));
    }
  }
  return sum;
}

const QUESTIONS = [
  { prompt: [3, 1, 4, 1, 5], continuations: [[9], [2], [6, 5], [6, 3, 5], [8, 9, 7]] },
  { prompt: [2], continuations: [[7, 1, 8, 2, 8, 1, 8, 2, 8, 4, 5, 9, 0, 4, 5, 2, 3, 5, 3]] }, // 19 inputs: the whole context
  { prompt: [22, 21, 20, 19, 18, 17, 16, 15, 14], continuations: [[0], [22]] },
];

it.each(Object.keys(STYLES))('scores as decoding step by step does, in the %s style', async (style) => {
  const model = await decisiveModel(style);
  const scorer = new Scorer(model, 3);
  const scores = await scorer.score(QUESTIONS);
  for (const [q, { prompt, continuations }] of QUESTIONS.entries()) {
    for (const [c, continuation] of continuations.entries()) {
      const expected = await stepByStep(model, prompt, continuation);
      const { sum, mean } = scores[q][c];
      // f32 logits of magnitude 10 differ by some 1e-5 between the two orders of sums, and each token adds its own
      expect(Math.abs(sum - expected)).toBeLessThan(1e-4 * continuation.length);
      expect(mean).toBeCloseTo(sum / continuation.length, 12);
    }
  }
  scorer.dispose();
});

it('gives probabilities: over all single tokens they add up to 1', async () => {
  const model = await decisiveModel('gpt2');
  const all = Array.from({ length: model.config.vocabSize }, (_, id) => [id]);
  const [scores] = await new Scorer(model).score([{ prompt: [1, 2, 3], continuations: all }]);
  expect(Math.abs(scores.reduce((total, { sum }) => total + Math.exp(sum), 0) - 1)).toBeLessThan(1e-5);
});

it('gives a question the same score in any company', async () => {
  const model = await decisiveModel('llama');
  const alone = await new Scorer(model, 4).score([QUESTIONS[0]]);
  const together = await new Scorer(model, 4).score([QUESTIONS[2], QUESTIONS[0]]);
  together[1].forEach(({ sum }, i) => {
    expect(Math.abs(sum - alone[0][i].sum)).toBeLessThan(1e-5);
  });
});

it('refuses empty prompts and continuations, and what is longer than the context', async () => {
  const scorer = new Scorer(await decisiveModel('gpt2'));
  const ask = (prompt: number[], continuation: number[]) => scorer.score([{ prompt, continuations: [continuation] }]);
  await expect(ask([], [1])).rejects.toThrow('a prompt is empty; give at least one token');
  await expect(ask([1], [])).rejects.toThrow('a continuation is empty; give at least one token');
  await expect(ask(new Array(19).fill(1), [1, 2])).rejects.toThrow(
    "a prompt of 19 tokens with a continuation of 2 does not fit into the model's context of 19; shorten it",
  );
});
