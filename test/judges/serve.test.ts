/** A server as a user starts it, and OpenAI's own SDK as the client. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LAUNCHER, succeed, trainTiny, workshop } from '../helpers/dawnlm.ts';
import { judge } from './judges.ts';

const cwd = workshop();
const KEY = 'sesame';
// biome-ignore lint/suspicious/noExplicitAny: the judge is installed when it is needed, and has no types here
let OpenAI: any, client: any;
let url: string;
let server: ReturnType<typeof spawn>;

beforeAll(async () => {
  ({ OpenAI } = await judge('openai', 'index.mjs'));
  await succeed(trainTiny('run'), { cwd });
  const words = [LAUNCHER, 'serve', '--run', 'run', '--port', '0', '--key', KEY, '--json'];
  server = spawn(process.execPath, words, { cwd, stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await once(createInterface(server.stdout!), 'line');
  ({ url } = JSON.parse(line));
  client = new OpenAI({ baseURL: `${url}/v1`, apiKey: KEY, maxRetries: 0 });
});
afterAll(async () => {
  server.kill('SIGTERM');
  const [code] = await once(server, 'exit');
  expect(code).toBe(143);
});

/** All that a stream gives. */
// biome-ignore lint/suspicious/noExplicitAny: see above
async function all(stream: AsyncIterable<any>): Promise<any[]> {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const WRITTEN = { model: 'run', prompt: 'the whale', max_tokens: 20, seed: 3 };

it('lists models', async () => {
  expect((await all(client.models.list())).map(({ id }) => id)).toEqual(['run']);
  expect(await client.models.retrieve('run')).toMatchObject({ id: 'run', object: 'model' });
  await expect(client.models.retrieve('gpt-4')).rejects.toThrow(OpenAI.NotFoundError);
});

it('completes', async () => {
  const { choices, usage } = await client.completions.create({ ...WRITTEN, n: 2, logprobs: 3 });
  expect(choices.map(({ finish_reason }: { finish_reason: string }) => finish_reason)).toEqual(['length', 'length']);
  expect(choices[0].text).toHaveLength(20); // a token is a character here
  expect(choices[0].logprobs.tokens.join('')).toBe(choices[0].text);
  expect(usage.total_tokens).toBe(9 + 40);
  const chunks = await all(await client.completions.create({ ...WRITTEN, n: 2, stream: true }));
  const text = (index: number) =>
    chunks.flatMap((chunk) => chunk.choices.filter((one: { index: number }) => one.index === index));
  for (const index of [0, 1]) {
    expect(text(index).map((one) => one.text).join('')).toBe(choices[index].text); // biome-ignore format: one line
  }
  const echoed = await client.completions.create({ ...WRITTEN, echo: true, logprobs: 1, max_tokens: 1 });
  expect(echoed.choices[0].logprobs.token_logprobs).toHaveLength(10);
  expect(echoed.choices[0].text.startsWith('the whale')).toBe(true);
  const [banned] = (await client.completions.create({ ...WRITTEN, logit_bias: { 0: -100, 1: -100 }, stop: ['a'] }))
    .choices;
  expect(banned.text).not.toMatch(/a/);
});

it('chats', async () => {
  const asked = { model: 'run', messages: [{ role: 'user', content: 'the whale' }], max_tokens: 15, seed: 1 };
  const { choices } = await client.chat.completions.create({ ...asked, logprobs: true, top_logprobs: 2 });
  const { message, logprobs } = choices[0];
  expect(message.role).toBe('assistant');
  expect(logprobs.content.map(({ token }: { token: string }) => token).join('').startsWith(message.content)).toBe(true); // biome-ignore format: one line
  expect(logprobs.content[0].top_logprobs).toHaveLength(2);
  const options = { stream_options: { include_usage: true } };
  const chunks = await all(await client.chat.completions.create({ ...asked, ...options, stream: true }));
  expect(chunks[0].choices[0].delta.role).toBe('assistant');
  expect(chunks.at(-1).usage.completion_tokens).toBeGreaterThan(0);
  // the SDK's own helper puts the pieces together, and complains of what does not fit
  const whole = await client.chat.completions.stream({ ...asked, ...options }).finalChatCompletion();
  expect(whole.choices[0].message.content).toBe(message.content);
});

it('refuses with the errors that the SDK knows', async () => {
  const wrong = { ...WRITTEN, temperature: -1 };
  const refused = await client.completions.create(wrong).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(OpenAI.BadRequestError);
  expect(refused).toMatchObject({ status: 400, param: 'temperature', type: 'invalid_request_error' });
  const long = { ...WRITTEN, prompt: 'whale '.repeat(2000) };
  await expect(client.completions.create(long)).rejects.toMatchObject({ code: 'context_length_exceeded' });
  const stranger = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'x', maxRetries: 0 });
  await expect(stranger.models.list()).rejects.toThrow(OpenAI.AuthenticationError);
  await expect(client.embeddings.create({ model: 'run', input: 'x' })).rejects.toThrow(OpenAI.NotFoundError);
});

it('has no place for more than it queues, and the SDK tries again by itself', async () => {
  const patient = new OpenAI({ baseURL: `${url}/v1`, apiKey: KEY, maxRetries: 8 });
  const many = (from: typeof client, n: number) =>
    Promise.allSettled(Array.from({ length: n }, (_, seed) => from.completions.create({ ...WRITTEN, n: 8, seed })));
  const results = await many(client, 80); // 640 sequences, of which 32 are written and 256 wait
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  expect(refused.length).toBeGreaterThan(0);
  for (const error of refused) expect(error).toBeInstanceOf(OpenAI.RateLimitError);
  expect((await many(patient, 50)).filter(({ status }) => status === 'rejected')).toEqual([]);
});

it('ends what nobody reads any more', async () => {
  const endless = { ...WRITTEN, max_tokens: 60_000, stream: true };
  const stream = await client.completions.create(endless);
  for await (const chunk of stream) if (chunk.choices[0].text !== '') break; // leaving the loop aborts the request
  const controller = new AbortController();
  const whole = client.completions.create({ ...endless, stream: false }, { signal: controller.signal });
  setTimeout(() => controller.abort(), 200);
  await expect(whole).rejects.toThrow(OpenAI.APIUserAbortError);
  const active = async (): Promise<number> => (await (await fetch(`${url}/health`)).json()).active;
  for (let i = 0; i < 100 && (await active()) > 0; i++) await new Promise((done) => setTimeout(done, 50));
  expect(await active()).toBe(0);
});
