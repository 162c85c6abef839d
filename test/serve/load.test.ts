/** The server under load: every request is answered, or cut by its client; none is lost, and no memory with it. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runLoad } from '../../bench/serve/load.ts';
import { benchServe } from '../../bench/serve.ts';
import { makeApp } from '../../src/serve/app.ts';
import { type Listening, listen } from '../../src/serve/listen.ts';
import { Models, type TextModel } from '../../src/serve/models.ts';
import { textModel } from './served.ts';

/** Requests of each of five rounds: by the variable, 2,000 for the 10,000 that a release bears. */
const REQUESTS = Number(process.env.DAWNLM_LOAD_REQUESTS ?? 60);
const ROUNDS = 5;

const errors: string[] = [];
let model: TextModel;
let server: Listening;
beforeAll(async () => {
  model = await textModel({ sequences: 8, queue: 16 });
  const models = new Models([model]);
  server = await listen(makeApp({ models, loopback: true, say: (line) => errors.push(line) }), models, {
    ...{ host: '127.0.0.1', port: 0 },
  });
});
afterAll(async () => {
  await server.close();
  expect(errors).toEqual([]);
});

/** Bytes of JavaScript's heap and on the device, after all garbage was collected. */
function memoryInUse(): { heap: number; device: number } {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return { heap: process.memoryUsage().heapUsed, device: model.model.engine.device.pool.allocatedBytes };
}

it('bears requests of random lengths with clients that go away: each is answered or cut, in as much memory', {
  timeout: 120_000 + 100 * ROUNDS * REQUESTS,
}, async () => {
  const { blockSize, vocabSize } = model.model.config;
  const uses: ReturnType<typeof memoryInUse>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const result = await runLoad({
      ...{ url: server.url, model: model.name, vocabSize, streams: 30, requests: REQUESTS, seed: 1000 * round },
      ...{ prompt: [1, blockSize], tokens: [1, blockSize], disconnects: 0.3 },
    });
    expect(result).toMatchObject({ failed: 0, failures: [] });
    expect(result.answered + result.cut).toBe(REQUESTS);
    expect(result.cut).toBeGreaterThan(0);
    uses.push(memoryInUse());
  }
  expect(model.scheduler.stats).toMatchObject({ active: 0, queued: 0 });
  // the first round records and compiles; requests that were kept would take some 25 KB each, a fifth of the heap
  expect(uses.at(-1)!.device).toBeLessThanOrEqual(1.02 * uses[1].device);
  expect(uses.at(-1)!.heap).toBeLessThanOrEqual(1.05 * uses[1].heap);
});

it('is measured from outside, by a process that knows its address alone', { timeout: 120_000 }, async () => {
  const options = { streams: [2], prompt: 4, tokens: 6, seconds: 0.1 };
  for await (const { median, details } of benchServe({ url: server.url, model: 'any' }, options)) {
    expect(median).toBeGreaterThan(0);
    expect(details).toMatchObject({ answered: expect.any(Number), refused: 0 });
    expect(details.share).toBeUndefined(); // of what, it cannot know
  }
});
