import { beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src/serve/app.ts';
import type { TextModel } from '../../src/serve/models.ts';
import { fill } from '../../src/tasks/text/fill.ts';
import { MARK_TEXTS } from '../../src/text/windows/fillInMiddle.ts';
import { type Answer, app, post, stream, textModel } from './served.ts';

let model: TextModel;
let server: App;
beforeAll(async () => {
  model = { ...(await textModel()), fills: true };
  server = await app([model]);
});

/** A hole that is filled anew by each seed. */
const HOLE = { input_prefix: 'the white whale and the ', input_suffix: ' in a boat', n_predict: 10, seed: 7 };
const infill = async (body: object): Promise<Answer['body']> => {
  const { status, body: answer } = await post(server, '/infill', body);
  expect(status, JSON.stringify(answer)).toBe(200);
  return answer;
};
const complete = async (body: object): Promise<Answer['body']> => (await post(server, '/v1/completions', body)).body;

describe('a hole', () => {
  it("is told of as llama.cpp's server does", async () => {
    const answer = await infill(HOLE);
    expect(answer).toEqual({
      ...{ index: 0, content: expect.any(String), stop: true, model: 'tiny', stop_type: 'limit', stopping_word: '' },
      ...{ tokens_predicted: 10, tokens_evaluated: expect.any(Number) },
    });
    expect(answer.tokens_evaluated).toBeGreaterThan(10);
    expect(answer.tokens_evaluated).toBeLessThanOrEqual(38);
  });

  it('is filled as the command line fills it, and as completions with a suffix', async () => {
    const { input_prefix: prefix, input_suffix: suffix } = HOLE;
    const settings = { temperature: 0, tokens: 10, seed: 0 };
    const [text] = await fill(model, [{ prefix, suffix }], settings);
    const greedy = { ...HOLE, temperature: 0 };
    expect((await infill(greedy)).content).toBe(text);
    const asked = { prompt: prefix, suffix, max_tokens: 10, temperature: 0 };
    const { choices, usage } = await complete(asked);
    expect(choices[0].text).toBe(text);
    expect(usage.prompt_tokens).toBe((await infill(greedy)).tokens_evaluated);
    expect((await complete({ ...asked, prompt: model.tokenizer.encode(prefix) })).choices[0].text).toBe(text);
    const begun = { ...greedy, input_prefix: prefix.slice(0, 12), prompt: prefix.slice(12) };
    expect((await infill(begun)).content).toBe(text);
    const more = {
      ...greedy,
      input_prefix: prefix.slice(9),
      input_extra: [{ filename: 'x', text: prefix.slice(0, 9) }],
    };
    expect((await infill(more)).content).toBe(text);
  });

  it('is filled the same for a seed, alone and among others', async () => {
    const seeds = [5, 6, 7, 8];
    const alone = [];
    for (const seed of seeds) alone.push((await infill({ ...HOLE, seed })).content);
    expect(new Set(alone).size).toBeGreaterThan(2);
    const others = complete({ prompt: ['a ship', 'the sea'], n: 3, max_tokens: 20, seed: 1 });
    const together = await Promise.all(seeds.map((seed) => infill({ ...HOLE, seed })));
    expect(together.map(({ content }) => content)).toEqual(alone);
    await others;
    const suffixed = { prompt: 'the whale', suffix: ' of the sea', max_tokens: 8, n: 2, seed: 3, logprobs: 1 };
    const first = await complete(suffixed);
    const [again] = await Promise.all([complete(suffixed), infill(HOLE)]);
    expect(again.choices).toEqual(first.choices);
  });

  it('comes in events, the last of which has the totals', async () => {
    const whole = await infill(HOLE);
    const response = await server.request('/infill', {
      method: 'POST',
      body: JSON.stringify({ ...HOLE, stream: true }),
    });
    const events = (await response.text())
      .split('\n\n')
      .filter(Boolean)
      .map((event) => JSON.parse(event.replace(/^data: /, '')));
    expect(events.length).toBeGreaterThan(3);
    expect(events.map(({ content }) => content).join('')).toBe(whole.content);
    expect(events.map(({ stop }) => stop).indexOf(true)).toBe(events.length - 1);
    expect({ ...events.at(-1), content: whole.content }).toEqual(whole);
    const pieces = await stream(server, '/v1/completions', { prompt: 'the', suffix: 'sea', max_tokens: 6, seed: 2 });
    expect(pieces.at(-1).choices[0].finish_reason).toMatch(/stop|length/);
  });

  it('ends before a stop text, and where the model says so, of which nothing is let out', async () => {
    const { content } = await infill(HOLE);
    const stop = content.slice(2, 4);
    expect(await infill({ ...HOLE, stop: [stop] })).toMatchObject({
      ...{ content: content.slice(0, content.indexOf(stop)), stop_type: 'word', stopping_word: stop },
    });
    const end = model.tokenizer.encode(MARK_TEXTS[3])[0];
    const ended = await infill({ ...HOLE, logit_bias: { [end]: 100 } });
    expect(ended).toMatchObject({ content: '', stop_type: 'eos', tokens_predicted: 1 });
    const choice = (await complete({ prompt: 'a', suffix: 'b', logit_bias: { [end]: 100 } })).choices[0];
    expect(choice).toMatchObject({ text: '', finish_reason: 'stop' });
  });

  it('may stand in long texts, of which the nearest is read; what is written fits the context', async () => {
    const long = { input_prefix: 'whale '.repeat(500), input_suffix: ' sea'.repeat(500) };
    const { tokens_evaluated, tokens_predicted } = await infill({ ...long, seed: 1 });
    expect(tokens_evaluated).toBe(24); // half of the context, where nothing is said
    expect(tokens_predicted).toBeLessThanOrEqual(24);
    expect((await infill({ ...long, n_predict: 8, seed: 1 })).tokens_evaluated).toBe(40);
    expect(await infill({ ...long, n_predict: 0 })).toMatchObject({ content: '', tokens_predicted: 0 });
    expect((await infill({ n_predict: 3, seed: -1 })).tokens_evaluated).toBe(3);
  });
});

it('is filled by the first model that was trained for it where none is named', async () => {
  const both = await app([await textModel({ name: 'plain' }), { ...model, name: 'filler' }]);
  expect((await post(both, '/infill', HOLE)).body).toMatchObject({ model: 'filler' });
  expect((await post(both, '/v1/completions', { prompt: 'a', suffix: 'b' })).body).toMatchObject({ model: 'filler' });
  expect((await post(both, '/v1/completions', { prompt: 'a' })).body).toMatchObject({ model: 'plain' });
  expect((await post(both, '/infill', { ...HOLE, model: 'plain' })).status).toBe(400);
});

it('is refused by a model that was not trained for it, and for what is wrong', async () => {
  const { status, body } = await post(await app(), '/infill', HOLE);
  expect([status, body.error.message]).toEqual([400, expect.stringMatching(/tiny writes at the end alone/)]);
  for (const [wrong, sentence] of [
    [{ input_prefix: 1 }, /input_prefix must be a text/],
    [{ n_predict: -2 }, /n_predict/],
    [{ input_extra: 'x' }, /input_extra/],
  ] as const) {
    const refused = await post(server, '/infill', wrong);
    expect([refused.status, refused.body.error.message]).toEqual([400, expect.stringMatching(sentence)]);
  }
  const { status: wrong } = await server.request('/infill');
  expect(wrong).toBe(405);
});
