/** lm-evaluation-harness' requests (its local-completions), and answers read as its client reads them. */
import { beforeAll, expect, it } from 'vitest';
import { Scorer } from '../../src/model/score.ts';
import type { App } from '../../src/serve/app.ts';
import type { TextModel } from '../../src/serve/models.ts';
import { evaluateText } from '../../src/tasks/text/evaluate.ts';
import { app, post, textModel, tokenizer } from './served.ts';

let model: TextModel;
let server: App;
beforeAll(async () => {
  model = await textModel();
  server = await app([model]);
});

interface Choice {
  readonly index: number;
  readonly logprobs: {
    readonly tokens: readonly string[];
    readonly token_logprobs: readonly number[];
    readonly top_logprobs: readonly Readonly<Record<string, number>>[];
  };
}

/** What the harness asks for when it scores: contexts with their continuations, as ids. */
async function loglikelihoods(pairs: readonly (readonly [context: number[], continuation: number[]])[]) {
  const prompt = pairs.map(([context, continuation]) => [...context, ...continuation]);
  const form = { model: 'tiny', temperature: 0, max_tokens: 1, logprobs: 1, seed: 1234, echo: true };
  const { status, body } = await post(server, '/v1/completions', { ...form, prompt });
  expect(status).toBe(200);
  const choices: Choice[] = body.choices.toSorted((a: Choice, b: Choice) => a.index - b.index);
  return pairs.map(([context], i) => {
    const { token_logprobs, top_logprobs } = choices[i].logprobs;
    const told = token_logprobs.slice(context.length, -1); // the last one was generated
    const best = top_logprobs.slice(context.length, -1).map((top) => Math.max(...Object.values(top)));
    return { sum: told.reduce((a, b) => a + b, 0), greedy: told.every((one, t) => one === best[t]), told };
  });
}

const ids = (text: string): number[] => tokenizer.encode(text);

it('scores continuations as the scorer does, several at once', async () => {
  const pairs = ['the whale', 'a boat and the', 'x'].map(
    (context) => [ids(context), ids(' old sea captain.')] as const,
  );
  const answers = await loglikelihoods(pairs.map(([a, b]) => [a, b]));
  const scores = await new Scorer(model.model).score(
    pairs.map(([prompt, continuation]) => ({ prompt, continuations: [continuation] })),
  );
  for (const [i, { sum, told }] of answers.entries()) {
    expect(told).toHaveLength(pairs[i][1].length);
    expect(Math.abs(sum - scores[i][0].sum)).toBeLessThan(1e-5 * told.length);
  }
});

it('scores a whole context as dawnlm eval does', async () => {
  const text = ids('the white whale and the captain of the old ship in the deep sea. '.repeat(4)).slice(0, 48);
  const [{ sum, told }] = await loglikelihoods([[text.slice(0, 1), text.slice(1)]]);
  const { loss, tokens } = await evaluateText(model, Uint32Array.from(text), { batchSize: 1 });
  expect(told).toHaveLength(tokens);
  expect(Math.abs(-sum / tokens - loss)).toBeLessThan(1e-5);
});

it('says which continuations are the greedy ones', async () => {
  const context = ids('the sea');
  const asked = { prompt: [context], max_tokens: 6, temperature: 0, logprobs: 1 };
  const { body } = await post(server, '/v1/completions', asked);
  const greedy = ids(body.choices[0].text);
  // what bytes that are no text come back as would not be what was drawn: then the ids are had one by one
  const drawn = greedy.length === 6 ? greedy : await greedyIds(context, 6);
  const other = [...drawn.slice(0, 3), (drawn[3] + 1) % tokenizer.vocabSize, ...drawn.slice(4)];
  const answers = await loglikelihoods([[context, drawn], [context, other], [context, drawn.slice(0, 1)]]); // biome-ignore format: pairs
  expect(answers.map(({ greedy }) => greedy)).toEqual([true, false, true]);
});

/** The likeliest ids, by the scores of all continuations of one token. */
async function greedyIds(context: readonly number[], tokens: number): Promise<number[]> {
  const written: number[] = [];
  const scorer = new Scorer(model.model);
  for (let i = 0; i < tokens; i++) {
    const continuations = Array.from({ length: tokenizer.vocabSize }, (_, id) => [id]);
    const [scores] = await scorer.score([{ prompt: [...context, ...written], continuations }]);
    written.push(scores.reduce((best, { sum }, id) => (sum > scores[best].sum ? id : best), 0));
  }
  return written;
}

it('writes until a text, from prompts as ids and as texts', async () => {
  const form = { model: 'tiny', max_tokens: 8, temperature: 0, stop: ['\n\n', '<|endoftext|>'], seed: 1234 };
  const asIds = await post(server, '/v1/completions', { ...form, prompt: [ids('the sea'), ids('a boat')] });
  const asTexts = await post(server, '/v1/completions', { ...form, prompt: ['the sea', 'a boat'] });
  const texts = (body: { choices: { text: string }[] }) => body.choices.map(({ text }) => text);
  expect(texts(asIds.body)).toHaveLength(2);
  expect(texts(asTexts.body)).toEqual(texts(asIds.body));
});

it('is its tokenizer', async () => {
  const info = await (await server.request('/tokenizer_info')).json();
  expect(info).toMatchObject({ eos_token: null, pad_token: null, bos_token: '\n', chat_template: expect.any(String) });
  const text = 'the whale 🐋';
  const { tokens } = (await post(server, '/tokenize', { prompt: text, add_special_tokens: false })).body;
  expect(tokens).toEqual(ids(text));
  expect((await post(server, '/detokenize', { tokens })).body.prompt).toBe(text);
  expect((await post(server, '/tokenize', { prompt: info.bos_token })).body.tokens).toHaveLength(1); // stands before a text
});
