/** The server on a socket: streams, clients that go away, bodies that are slow or huge, and its end. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeApp } from '../../src/serve/app.ts';
import { MOST_BYTES } from '../../src/serve/body.ts';
import { type Listening, listen } from '../../src/serve/listen.ts';
import { Models, type TextModel } from '../../src/serve/models.ts';
import { textModel } from './served.ts';

const REQUEST_MS = 700;
const errors: string[] = [];

async function open(model: TextModel): Promise<Listening> {
  const models = new Models([model]);
  const app = makeApp({ models, loopback: true, say: (line) => errors.push(line) });
  return listen(app, models, { host: '127.0.0.1', port: 0, requestMs: REQUEST_MS });
}

let model: TextModel;
let server: Listening;
beforeAll(async () => {
  model = await textModel();
  server = await open(model);
});
afterAll(async () => {
  await server.close();
  expect(errors).toEqual([]);
});

const post = (body: object, signal?: AbortSignal, url = server.url): Promise<Response> =>
  fetch(`${url}/v1/completions`, { method: 'POST', body: JSON.stringify(body), signal });

/** Waits until nothing is open any more. */
async function idle({ scheduler }: TextModel): Promise<void> {
  for (let i = 0; i < 200 && scheduler.stats.active + scheduler.stats.queued > 0; i++) await wait(20);
  expect([scheduler.stats.active, scheduler.stats.queued]).toEqual([0, 0]);
}

/** Endless, as far as a test goes. */
const LONG = { prompt: 'the whale', max_tokens: 60_000, seed: 1 };

it('sends pieces as they are written', async () => {
  const response = await post({ ...LONG, max_tokens: 200, stream: true });
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const times: number[] = [];
  let text = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    times.push(performance.now());
    text += Buffer.from(chunk).toString();
  }
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  expect(times.length).toBeGreaterThan(5);
  await idle(model);
});

it.each([true, false])('frees the places of clients that go away (stream: %s)', async (stream) => {
  const before = model.scheduler.stats.generatedTokens;
  const leaving = Array.from({ length: 6 }, async (_, i) => {
    const controller = new AbortController();
    const answer = post({ ...LONG, seed: i, n: 1 + (i % 3), stream }, controller.signal);
    setTimeout(() => controller.abort(), 100 + 40 * i);
    await expect(answer.then((response) => response.text())).rejects.toThrow(/abort/);
  });
  await Promise.all(leaving);
  await idle(model);
  expect(model.scheduler.stats.generatedTokens - before).toBeLessThan(60_000);
  expect((await post({ ...LONG, max_tokens: 2 })).status).toBe(200);
});

it('refuses a body that is too large, whether it says so or not', async () => {
  const said = await new Promise<number>((done, failed) => {
    const headers = { 'content-length': String(MOST_BYTES + 1) };
    const asked = request(`${server.url}/v1/completions`, { method: 'POST', headers }, (answer) => {
      answer.resume();
      done(answer.statusCode!);
    });
    asked.on('error', failed);
    asked.write('{"prompt": "');
  });
  expect(said).toBe(413);
  const unsaid = await new Promise<number>((done, failed) => {
    const asked = request(`${server.url}/v1/completions`, { method: 'POST' }, (answer) => {
      answer.resume();
      done(answer.statusCode!);
    });
    asked.on('error', failed);
    asked.write(Buffer.alloc(MOST_BYTES + 1, ' '));
  });
  expect(unsaid).toBe(413);
});

/** What a server answers to bytes that are written as they are. */
function raw(bytes: string): Promise<string> {
  return new Promise((done) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(bytes));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => done(answer));
  });
}

it('does not wait for slow requests', async () => {
  const start = performance.now();
  const half = 'POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"prompt"';
  expect(await raw(half)).toMatch(/^HTTP\/1.1 408/);
  expect(await raw('POST /v1/completions HTTP/1.1\r\nHost: loc')).toMatch(/^HTTP\/1.1 408/);
  expect(performance.now() - start).toBeLessThan(20 * REQUEST_MS);
});

it.each([
  ['no HTTP', 'hello\r\n\r\n', /^HTTP\/1.1 400/],
  ['no host', 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n', /^HTTP\/1.1 400/],
  ['the host of another', 'GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n', /^HTTP\/1.1 403/],
  [
    'the whole address of another',
    'GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    /^HTTP\/1.1 403/,
  ],
  ['a host that is none', 'GET /health HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', /^HTTP\/1.1 400/],
  [
    'headers that are huge',
    `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
    /^HTTP\/1.1 431/,
  ],
])('%s is refused', async (_, bytes, status) => {
  expect(await raw(bytes)).toMatch(status);
});

it('says in a sentence that a port is in use', async () => {
  const port = Number(new URL(server.url).port);
  const models = new Models([model]);
  const again = listen(makeApp({ models, loopback: true }), models, { host: '127.0.0.1', port });
  await expect(again).rejects.toThrow(`port ${port} of 127.0.0.1 is in use: choose another one with --port`);
});

it('ends when what is open has been answered, and takes nothing new', async () => {
  const own = await textModel();
  const ending = await open(own);
  const streamed = await post({ ...LONG, max_tokens: 150, stream: true }, undefined, ending.url);
  const whole = post({ ...LONG, max_tokens: 100 }, undefined, ending.url);
  await wait(60);
  const closed = ending.close();
  expect((await streamed.text()).endsWith('data: [DONE]\n\n')).toBe(true);
  expect((await (await whole).json()).usage.completion_tokens).toBe(100);
  await closed;
  await expect(post(LONG, undefined, ending.url)).rejects.toThrow();
});

it('counts no memory for those that went away: what is asked for in vain leaves nothing', async () => {
  const ask = async (seed: number) => {
    const controller = new AbortController();
    const answer = post({ ...LONG, max_tokens: 5 + (seed % 40), seed, stream: seed % 2 === 0 }, controller.signal);
    if (seed % 3 === 0) setTimeout(() => controller.abort(), seed % 50);
    return answer.then(
      async (response) => {
        const text = await response.text();
        return response.status === 200 && (text.includes('[DONE]') || text.includes('"finish_reason":"length"'));
      },
      () => controller.signal.aborted,
    );
  };
  const fates: boolean[] = [];
  for (let i = 0; i < 120; i += 12) {
    fates.push(...(await Promise.all(Array.from({ length: 12 }, (_, j) => ask(i + j).catch(() => (i + j) % 3 === 0)))));
  }
  expect(fates.filter((answered) => !answered)).toEqual([]);
  await idle(model);
});
