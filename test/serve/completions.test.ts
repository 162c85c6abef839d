import { beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src/serve/app.ts';
import type { TextModel } from '../../src/serve/models.ts';
import { type Answer, app, post, stream, textModel, tokenizer } from './served.ts';

const PATH = '/v1/completions';
let model: TextModel;
let server: App;
beforeAll(async () => {
  model = await textModel();
  server = await app([model]);
});

const complete = async (body: object): Promise<Answer['body']> => {
  const { status, body: answer } = await post(server, PATH, body);
  expect(status, JSON.stringify(answer)).toBe(200);
  return answer;
};
/** A text that is drawn anew by each seed. */
const DRAWN = { prompt: 'the whale', max_tokens: 12, seed: 5 };

describe('what is written', () => {
  it('is told as OpenAI tells it', async () => {
    const answer = await complete({ ...DRAWN, model: 'tiny' });
    expect(answer).toMatchObject({ object: 'text_completion', model: 'tiny', created: expect.any(Number) });
    expect(answer.id).toMatch(/^cmpl-/);
    const [choice] = answer.choices;
    expect(choice).toEqual({ text: expect.any(String), index: 0, logprobs: null, finish_reason: 'length' });
    const prompt = tokenizer.encode(DRAWN.prompt).length;
    expect(answer.usage).toEqual({ prompt_tokens: prompt, completion_tokens: 12, total_tokens: prompt + 12 });
  });

  it('is the same for a seed, however the prompt is given, and another for another', async () => {
    const text = async (body: object) => (await complete({ ...DRAWN, ...body })).choices[0].text;
    const first = await text({});
    expect(await text({ prompt: tokenizer.encode(DRAWN.prompt) })).toBe(first);
    expect(await text({ prompt: [DRAWN.prompt], seed: 5 + 2 ** 32 })).toBe(first);
    expect(await text({ seed: 6 })).not.toBe(first);
    expect(await text({ seed: -7, temperature: 0 })).toBe(
      await text({ temperature: 0, top_k: -1, user: 'x', best_of: 1 }),
    );
  });

  it('has a choice for each of n and of the prompts, and each is the same alone', async () => {
    const prompts = ['the whale', 'a ship', tokenizer.decode([65, 66])];
    const { choices, usage } = await complete({ ...DRAWN, prompt: prompts, n: 2 });
    expect(choices.map(({ index }: { index: number }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
    for (const i of [0, 2, 4]) expect(choices[i].text).not.toBe(choices[i + 1].text);
    expect(usage.completion_tokens).toBe(6 * 12);
    for (const [i, prompt] of prompts.entries()) {
      const alone = await complete({ ...DRAWN, prompt, n: 2 });
      for (const c of [0, 1]) expect(alone.choices[c].text).toBe(choices[2 * i + c].text);
    }
  });

  it('comes in pieces where it is asked for as a stream, which together are the whole', async () => {
    const whole = await complete({ ...DRAWN, n: 2, logprobs: 2 });
    const events = await stream(server, PATH, { ...DRAWN, n: 2, logprobs: 2, stream_options: { include_usage: true } });
    const last = events.pop();
    expect(last).toMatchObject({ choices: [], usage: whole.usage });
    for (const event of events) {
      expect(event).toMatchObject({
        object: 'text_completion',
        id: last.id,
        usage: null,
        choices: [{ index: expect.any(Number) }],
      });
    }
    for (const index of [0, 1]) {
      const pieces = events.map(({ choices: [choice] }) => choice).filter((choice) => choice.index === index);
      expect(pieces.length).toBeGreaterThan(3);
      expect(pieces.map(({ text }) => text).join('')).toBe(whole.choices[index].text);
      expect(pieces.map((piece) => piece.finish_reason).filter(Boolean)).toEqual(['length']);
      for (const field of ['tokens', 'token_logprobs', 'text_offset', 'top_logprobs']) {
        expect(pieces.flatMap(({ logprobs }) => logprobs[field])).toEqual(whole.choices[index].logprobs[field]);
      }
    }
    expect((await stream(server, PATH, DRAWN)).some((event) => 'usage' in event)).toBe(false);
  });

  it('ends before a stop text, of which nothing is let out', async () => {
    const { text } = (await complete({ ...DRAWN, logprobs: 0 })).choices[0];
    const stop = text.slice(3, 6);
    const cut = text.slice(0, text.indexOf(stop));
    const { choices, usage } = await complete({ ...DRAWN, stop: ['', 'never', stop], logprobs: 0 });
    expect(choices[0]).toMatchObject({ text: cut, finish_reason: 'stop' });
    expect(usage.completion_tokens).toBeLessThan(12);
    const { tokens, text_offset } = choices[0].logprobs;
    expect(tokens.length).toBe(text_offset.length);
    for (const offset of text_offset) expect(offset).toBeLessThan([...cut].length);
    const events = await stream(server, PATH, { ...DRAWN, stop });
    expect(events.map((event) => event.choices[0].text).join('')).toBe(cut);
    expect(events.at(-1).choices[0].finish_reason).toBe('stop');
  });

  it('goes on past the context, and from nothing', async () => {
    expect((await complete({ prompt: '', max_tokens: 100 })).usage).toMatchObject({ completion_tokens: 100 });
    expect((await complete({ prompt: new Array(48).fill(70), max_tokens: 1 })).usage.prompt_tokens).toBe(48);
  });
});

describe('log-probabilities', () => {
  it('are those of the tokens, the likeliest of which are told too', async () => {
    const [{ text, logprobs }] = (await complete({ ...DRAWN, logprobs: 3, temperature: 0.5 })).choices;
    const { tokens, token_logprobs, top_logprobs, text_offset } = logprobs;
    expect(tokens.length).toBe(12);
    const begins = tokens.findIndex((token: string, i: number) => i > 0 && !token.startsWith('bytes:'));
    expect([...text].slice(text_offset[begins]).join('').startsWith(tokens[begins])).toBe(true);
    for (const [i, top] of top_logprobs.entries()) {
      expect(top[tokens[i]]).toBe(token_logprobs[i]);
      expect(Object.keys(top).length).toBeGreaterThanOrEqual(3);
      expect(token_logprobs[i]).toBeLessThanOrEqual(Math.max(...(Object.values(top) as number[])));
    }
  });

  it('are those of the prompt too where it is echoed, and the text says it', async () => {
    const ids = tokenizer.encode('the white whale');
    const [{ text, logprobs }] = (await complete({ prompt: ids, max_tokens: 2, echo: true, logprobs: 1, seed: 1 }))
      .choices;
    expect(text.startsWith('the white whale')).toBe(true);
    expect(logprobs.tokens.length).toBe(ids.length + 2);
    expect(logprobs.tokens.slice(0, ids.length).join('')).toBe('the white whale');
    expect(logprobs.text_offset[ids.length]).toBe('the white whale'.length);
    expect(logprobs.token_logprobs[0]).toBeNull();
    expect(logprobs.top_logprobs[0]).toBeNull();
    const alone = await complete({ prompt: ids, max_tokens: 0, echo: true, logprobs: 1 });
    expect(alone.choices[0].text).toBe('the white whale');
    expect(alone.choices[0].logprobs.token_logprobs).toEqual(logprobs.token_logprobs.slice(0, ids.length));
    expect(alone.usage.completion_tokens).toBe(0);
    expect((await complete({ prompt: 'a ship', max_tokens: 1, echo: true, seed: 1 })).choices[0].text).toMatch(
      /^a ship/,
    );
    const events = await stream(server, PATH, { prompt: 'a ship', max_tokens: 1, echo: true, logprobs: 0 });
    expect(events[0].choices[0].text).toBe('a ship');
  });

  it('name tokens that are no text by their bytes', async () => {
    const ids = [...Buffer.from('é')];
    const [{ text, logprobs }] = (await complete({ prompt: ids, max_tokens: 0, echo: true, logprobs: 0 })).choices;
    expect(text).toBe('é');
    expect(logprobs.tokens).toEqual([String.raw`bytes:\xc3`, String.raw`bytes:\xa9`]);
    expect(logprobs.text_offset).toEqual([0, 0]);
  });
});

it('a model of whole lines reads each prompt after the end of a line, which is no part of it, and ends its line', async () => {
  const lines = await app([{ ...model, wholeLines: true }]);
  const ask = async (body: object) => (await post(lines, PATH, body)).body;
  const [end] = tokenizer.encode('\n');
  const after = await complete({ ...DRAWN, prompt: [end, ...tokenizer.encode(DRAWN.prompt)] });
  expect((await ask(DRAWN)).choices[0].text).toBe(after.choices[0].text.split('\n')[0]);
  expect((await ask({ ...DRAWN, prompt: `\n${DRAWN.prompt}`, stop: 'zzz' })).choices[0].text).toBe(
    after.choices[0].text,
  );
  expect((await ask({ ...DRAWN, logit_bias: { [end]: 100 } })).choices[0]).toMatchObject({
    ...{ text: '', finish_reason: 'stop' },
  });
  const [echoed] = (await ask({ ...DRAWN, max_tokens: 0, echo: true, logprobs: 0 })).choices;
  expect(echoed.text).toBe(DRAWN.prompt);
  expect(echoed.logprobs.tokens.join('')).toBe(DRAWN.prompt);
  expect(echoed.logprobs.text_offset[0]).toBe(0);
  const scored = await complete({ prompt: `\n${DRAWN.prompt}`, max_tokens: 0, echo: true, logprobs: 0 });
  expect(echoed.logprobs.token_logprobs).toEqual(scored.choices[0].logprobs.token_logprobs.slice(1));
});

const refused: readonly (readonly [string, unknown, RegExp, string | null, string | null])[] = [
  [
    'a prompt past the context',
    { prompt: new Array(49).fill(1) },
    /holds 48 tokens.*has 49/,
    'prompt',
    'context_length_exceeded',
  ],
  ['an id that is none', { prompt: [[1], [300]] }, /id 300, and the ids end at 299/, 'prompt', null],
  ['an id below 0', { prompt: [-1] }, /prompt/, 'prompt', null],
  ['a list of nothing', { prompt: [] }, /prompt/, 'prompt', null],
  [
    'a temperature of words',
    { temperature: 'hot' },
    /temperature must be a number from 0 to 100; got "hot"/,
    'temperature',
    null,
  ],
  ['a number of choices', { n: 0 }, /n must be a whole number from 1 to 128/, 'n', null],
  ['stops that are no texts', { stop: [1] }, /stop/, 'stop', null],
  ['more sequences than are done', { prompt: new Array(100).fill('a'), n: 100 }, /2048 sequences/, 'n', null],
  ['best_of', { best_of: 3 }, /best_of must be n, 1/, 'best_of', null],
  ['a suffix', { suffix: 'x' }, /tiny writes at the end alone: it was not trained/, 'suffix', null],
  ['a suffix and an echo', { suffix: 'x', echo: true }, /echo and suffix exclude one another/, 'suffix', null],
  ['nothing to do', { max_tokens: 0 }, /only with echo/, 'max_tokens', null],
  [
    'a bias for an id that is none',
    { logit_bias: { 300: 1 } },
    /logit_bias holds the token id 300/,
    'logit_bias',
    null,
  ],
  ['a bias for a word', { logit_bias: { whale: 1 } }, /logit_bias/, 'logit_bias', null],
  ['a body that is no JSON', '{"prompt": ', /not JSON/, null, null],
  ['a body that is no object', '[]', /must be an object/, null, null],
  ['nothing', '', /not JSON/, null, null],
  ['a body that is deep', '['.repeat(100_000), /nested more than 64 deep/, null, null],
];

it.each(refused)('%s is refused in a sentence that names the field', async (_, body, message, param, code) => {
  const { status, body: answer } = await post(server, PATH, body);
  expect(status).toBe(400);
  expect(answer).toEqual({
    error: { message: expect.stringMatching(message), type: 'invalid_request_error', param, code },
  });
});

it('takes null for what is left open', async () => {
  const body = { ...DRAWN, stop: null, logprobs: null, temperature: null, stream: null, suffix: null, n: null };
  expect((await complete(body)).choices[0].text).toBe((await complete(DRAWN)).choices[0].text);
});
