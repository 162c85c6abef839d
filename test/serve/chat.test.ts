import { beforeAll, expect, it } from 'vitest';
import type { App } from '../../src/serve/app.ts';
import { parseTemplate } from '../../src/text/chat/chatTemplate.ts';
import { app, post, stream, textModel, tokenizer } from './served.ts';

const PATH = '/v1/chat/completions';
const user = (content: unknown) => [{ role: 'user', content }];
/** Draws an answer. */
const DRAWN = { messages: user('the whale'), max_tokens: 12, seed: 3 };

let server: App;
beforeAll(async () => {
  server = await app([await textModel()]);
});

const chat = async (body: object) => {
  const { status, body: answer } = await post(server, PATH, body);
  expect(status, JSON.stringify(answer)).toBe(200);
  return answer;
};

it('answers as OpenAI does', async () => {
  const answer = await chat({ ...DRAWN, n: 2, unknown: { field: 1 } });
  expect(answer).toMatchObject({ object: 'chat.completion', id: expect.stringMatching(/^chatcmpl-/), model: 'tiny' });
  expect(answer.choices.map(({ index }: { index: number }) => index)).toEqual([0, 1]);
  for (const { message, logprobs, finish_reason } of answer.choices) {
    expect(message).toEqual({ role: 'assistant', content: expect.any(String), refusal: null });
    expect([logprobs, finish_reason]).toEqual([null, 'length']);
  }
  expect(answer.usage.completion_tokens).toBe(24);
});

it('streams the role first, then the words, then why it ends', async () => {
  const whole = await chat({ ...DRAWN, logprobs: true, top_logprobs: 2 });
  const events = await stream(server, PATH, {
    ...DRAWN,
    logprobs: true,
    top_logprobs: 2,
    stream_options: { include_usage: true },
  });
  expect(events.pop()).toMatchObject({ choices: [], usage: whole.usage });
  const choices = events.map((event) => event.choices[0]);
  expect(choices[0]).toMatchObject({ delta: { role: 'assistant', content: '' }, finish_reason: null });
  expect(choices.slice(1).some(({ delta }) => 'role' in delta)).toBe(false);
  expect(choices.map(({ delta }) => delta.content ?? '').join('')).toBe(whole.choices[0].message.content);
  expect(choices.map((choice) => choice.finish_reason).filter(Boolean)).toEqual(['length']);
  expect(choices.flatMap(({ logprobs }) => logprobs?.content ?? [])).toEqual(whole.choices[0].logprobs.content);
});

it('tells the log-probability and the bytes of each token, and those of the likeliest', async () => {
  const { content, refusal } = (await chat({ ...DRAWN, logprobs: true, top_logprobs: 3 })).choices[0].logprobs;
  expect(refusal).toBeNull();
  expect(content).toHaveLength(12);
  for (const { logprob, bytes, top_logprobs } of content) {
    expect(bytes.length).toBeGreaterThan(0);
    expect(top_logprobs).toHaveLength(3);
    expect(top_logprobs[0].logprob).toBeGreaterThanOrEqual(logprob);
    expect(top_logprobs[0].logprob).toBeGreaterThanOrEqual(top_logprobs[1].logprob);
  }
});

it('puts what was said as the run learned it, and ends where its answers end', async () => {
  const learned = parseTemplate('Q: {prompt}\\nA: {answer}e');
  const tuned = await app([await textModel({ template: learned, tuned: true })]);
  const text = 'Q: be kind\nthe whale\nA: ';
  const messages = [
    { role: 'system', content: 'be kind' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'the ' },
        { type: 'text', text: 'whale' },
      ],
    },
  ];
  const asked = { seed: 1, max_tokens: 300 };
  const { body } = await post(tuned, PATH, { ...asked, messages });
  const plain = (await post(tuned, '/v1/completions', { ...asked, prompt: text, stop: 'e' })).body;
  expect(body.choices[0].message.content).toBe(plain.choices[0].text);
  expect(body.choices[0].finish_reason).toBe('stop');
  expect(body.usage.prompt_tokens).toBe(tokenizer.encode(text).length);
  expect((await post(tuned, '/tokenize', { messages })).body.tokens).toEqual(tokenizer.encode(text));
});

it('writes as much as the context holds unless it is told otherwise', async () => {
  const { usage } = await chat({ messages: user('a'), seed: 1 });
  expect(usage.completion_tokens).toBeLessThanOrEqual(48);
  expect((await chat({ ...DRAWN, max_completion_tokens: 3 })).usage.completion_tokens).toBe(3);
});

it.each([
  ['no messages', {}, /messages must be/, 'messages'],
  ['an empty list', { messages: [] }, /messages/, 'messages'],
  ['a role that is none', { messages: [{ role: 'tool', content: 'x' }] }, /role must be one of system/, 'messages'],
  ['a picture', { messages: user([{ type: 'image_url', image_url: { url: 'x' } }]) }, /content/, 'messages'],
  ['tools', { ...DRAWN, tools: [{ type: 'function' }] }, /tools are not supported/, 'tools'],
  ['JSON by a schema', { ...DRAWN, response_format: { type: 'json_object' } }, /of the type text/, 'response_format'],
  ['alternatives alone', { ...DRAWN, top_logprobs: 2 }, /with logprobs: true/, 'top_logprobs'],
  ['no tokens', { ...DRAWN, max_tokens: 0 }, /max_tokens must be 1 or more/, 'max_tokens'],
  ['a conversation past the context', { messages: user('whale '.repeat(60)) }, /shorten it/, 'messages'],
])('%s is refused', async (_, body, message, param) => {
  const { status, body: answer } = await post(server, PATH, body);
  expect(status).toBe(400);
  expect(answer.error).toMatchObject({ message: expect.stringMatching(message), param });
});
