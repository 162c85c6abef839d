import { beforeAll, expect, it } from 'vitest';
import type { App } from '../../src/serve/app.ts';
import { namesOf, type TextModel } from '../../src/serve/models.ts';
import { app, labelModels, post, textModel, tokenizer } from './served.ts';

let model: TextModel;
let alone: App;
let several: App;
beforeAll(async () => {
  model = await textModel();
  alone = await app([model]);
  several = await app([model, ...(await labelModels())]);
});

const get = async (from: App, path: string, headers: Record<string, string> = {}) => {
  const response = await from.request(path, { headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
};
const json = async (from: App, path: string) => JSON.parse((await get(from, path)).text);

it('lists its models, and tells of one', async () => {
  const { object, data } = await json(several, '/v1/models');
  expect(object).toBe('list');
  expect(data.map(({ id, task, max_model_len }: Record<string, unknown>) => [id, task, max_model_len])).toEqual([
    ['tiny', 'text', 48],
    ['kinds', 'classify', 48],
    ['names', 'tag', 48],
  ]);
  expect(await json(several, '/v1/models/kinds')).toEqual(data[1]);
  expect((await get(several, '/v1/models/whale')).status).toBe(404);
});

it('tells runs of the same name apart', () => {
  expect(namesOf(['a/run', 'b/run/', './c/run', 'x'])).toEqual(['run', 'run-2', 'run-3', 'x']);
});

it('finds the model that is asked for: any name will do where there is one', async () => {
  const ask = (to: App, path: string, name: string | undefined, body: object) =>
    post(to, path, { ...body, model: name });
  const text = { prompt: 'a', max_tokens: 1 };
  expect((await ask(alone, '/v1/completions', 'gpt-4', text)).body.model).toBe('tiny');
  expect((await ask(several, '/v1/completions', undefined, text)).body.model).toBe('tiny');
  const unknown = await ask(several, '/v1/completions', 'gpt-4', text);
  expect([unknown.status, unknown.body.error.code, unknown.body.error.param]).toEqual([
    404,
    'model_not_found',
    'model',
  ]);
  const wrong = await ask(several, '/v1/chat/completions', 'kinds', { messages: [{ role: 'user', content: 'x' }] });
  expect([wrong.status, wrong.body.error.message]).toEqual([
    400,
    expect.stringMatching(/tiny writes, kinds classifies/),
  ]);
  expect((await ask(alone, '/v1/tag', undefined, { input: 'x' })).status).toBe(400);
});

it('classifies and tags as the command line does', async () => {
  const input = ['the old whale', 'x'];
  const { body } = await post(several, '/v1/classify', { input });
  expect(body).toMatchObject({ object: 'list', model: 'kinds', data: [{ index: 0, cut: false }, { index: 1 }] });
  for (const { label, probability, probabilities } of body.data) {
    expect(Object.keys(probabilities)).toEqual(['sea', 'land', 'air']);
    expect(probabilities[label]).toBe(probability);
    const all = Object.values(probabilities) as number[];
    expect(all.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    expect(probability).toBe(Math.max(...all));
  }
  const [first] = (await post(several, '/v1/classify', { model: 'kinds', input: input[0] })).body.data;
  expect(first.probability).toBeCloseTo(body.data[0].probability, 5);
  const text = 'Anna met the captain. Then she left.';
  const { data } = (await post(several, '/v1/tag', { input: text })).body;
  for (const { start, end, text: span, type } of data[0].entities) {
    expect([text.slice(start, end), type]).toEqual([span, 'PER']);
  }
  expect((await post(several, '/v1/tag', { input: ' ' })).status).toBe(400);
  expect((await post(several, '/v1/classify', { input: ' ' })).body.error.message).toMatch(/empty/);
  expect((await post(several, '/v1/classify', { input: [] })).body.error.param).toBe('input');
});

it('is a tokenizer in both dialects', async () => {
  const text = 'the sea 🐋';
  const tokens = tokenizer.encode(text);
  expect((await post(several, '/tokenize', { content: text })).body).toMatchObject({ tokens, count: tokens.length });
  const pieces = (await post(several, '/tokenize', { content: text, with_pieces: true })).body.tokens;
  expect(pieces[0]).toEqual({ id: tokens[0], piece: tokenizer.decode(tokens.slice(0, 1)) });
  expect((await post(several, '/detokenize', { tokens, model: 'names' })).body).toEqual({
    content: text,
    prompt: text,
  });
  expect((await post(several, '/detokenize', { tokens: [300] })).body.error.param).toBe('tokens');
  expect((await post(several, '/tokenize', {})).body.error.param).toBe('prompt');
  expect(JSON.parse((await get(several, '/tokenizer_info?model=kinds')).text)).toMatchObject({ chat_template: null });
});

it('tells how it is in the form that Prometheus reads', async () => {
  const fresh = await app([model]);
  await post(fresh, '/v1/completions', { prompt: 'a', max_tokens: 2 });
  for (const path of ['/nothing', '/nowhere', '/v1/models/x']) await get(fresh, path);
  const { text, headers } = await get(fresh, '/metrics');
  expect(headers.get('content-type')).toMatch(/^text\/plain; version=0.0.4/);
  expect(text).toContain('dawnlm_requests_total{path="/v1/completions",status="200"} 1\n');
  expect(text).toContain('dawnlm_requests_total{path="none",status="404"} 3\n');
  expect(text).toContain('dawnlm_request_seconds_bucket{path="/v1/completions",le="+Inf"} 1\n');
  expect(text).toContain('dawnlm_sequences_active{model="tiny"} 0\n');
  expect(text).toMatch(/dawnlm_first_token_seconds_count 1\n/);
  for (const line of text.trim().split('\n')) expect(line).toMatch(/^(# (HELP|TYPE) \S+ .+|[a-z_]+(\{.+\})? \S+)$/);
});

it('asks for its key', async () => {
  const locked = await app([model], { key: 'sesame' });
  const models = (authorization?: string) => get(locked, '/v1/models', authorization ? { authorization } : {});
  const without = await models();
  expect([without.status, without.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  expect(JSON.parse(without.text).error).toMatchObject({ type: 'authentication_error', code: 'missing_api_key' });
  for (const wrong of ['Bearer sesam', 'Bearer sesame!', 'Bearer', 'Basic sesame', `Bearer ${'x'.repeat(10_000)}`]) {
    expect((await models(wrong)).status, wrong).toBe(401);
  }
  expect((await models('bearer sesame')).status).toBe(200);
  expect((await get(locked, '/health')).status).toBe(200);
  expect((await get(locked, '/')).status).toBe(200);
  for (const path of ['/metrics', '/v1/completions', '/tokenizer_info', '/nothing', '//health', '/health/x']) {
    expect((await get(locked, path)).status, path).toBe(401);
  }
});

it('serves no pages of other sites', async () => {
  const asked = (headers: Record<string, string>, url = 'http://localhost:8080/health') => get(alone, url, headers);
  expect((await asked({ origin: 'http://localhost:8080' })).status).toBe(200);
  for (const origin of [
    'http://evil.example',
    'null',
    'http://localhost:3000',
    'https://localhost:8080.evil.example',
  ]) {
    expect((await asked({ origin })).status, origin).toBe(403);
  }
  expect((await asked({}, 'http://evil.example:8080/health')).status).toBe(403);
  expect((await asked({}, 'http://127.0.0.1.evil.example/health')).status).toBe(403);
  for (const own of ['http://127.0.0.1:1/health', 'http://[::1]:1/health'])
    expect((await asked({}, own)).status).toBe(200);
  const open = await app([model], { loopback: false });
  expect((await get(open, 'http://models.example/health')).status).toBe(200);
});

it('says what it has not, and what is asked for in another way', async () => {
  expect(JSON.parse((await get(alone, '/v1/embeddings')).text).error.code).toBe('unknown_url');
  const wrong = await get(alone, '/v1/completions');
  expect([wrong.status, JSON.parse(wrong.text).error.code]).toEqual([405, 'method_not_allowed']);
});

it('refuses what it has no place for, and tells when to try again', async () => {
  const small = await app([await textModel({ sequences: 1, queue: 1 })]);
  const long = { prompt: 'a', max_tokens: 60 };
  const answers = await Promise.all([1, 2, 3, 4, 5].map(() => post(small, '/v1/completions', long)));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  expect(answers.filter(({ status }) => status === 200).length).toBe(5 - refused.length);
  expect(refused[0].headers.get('retry-after')).toBe('1');
  expect(refused[0].body.error).toMatchObject({ type: 'rate_limit_error', code: 'rate_limit_exceeded' });
  const streamed = await Promise.all([1, 2, 3, 4].map(() => post(small, '/v1/chat/completions', { stream: true })));
  expect(streamed.map(({ status }) => status)).toEqual([400, 400, 400, 400]); // wrong requests take no place
  expect((await post(small, '/v1/completions', long)).status).toBe(200);
});

it('gives the same text for a seed alone and among 31 others', async () => {
  const body = (seed: number) => ({ prompt: ['the whale', 'a', 'old ship of'][seed % 3], max_tokens: 20, seed });
  const alone32 = await app([await textModel()]);
  const text = async (seed: number): Promise<string> =>
    (await post(alone32, '/v1/completions', body(seed))).body.choices[0].text;
  const together = await Promise.all(Array.from({ length: 32 }, (_, seed) => text(seed)));
  for (const seed of [0, 7, 31]) expect(await text(seed)).toBe(together[seed]);
});
