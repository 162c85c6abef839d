import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Command } from '../../bench/peers/catalog.ts';
import { PEERS } from '../../bench/peers/catalog.ts';
import { PeerProcess } from '../../bench/peers/child.ts';
import { readWeights } from '../../bench/peers/inputs.ts';
import { installPeers } from '../../bench/peers/install.ts';
import { type Job, type ModelJob, makeModelJob, recordName, type Work } from '../../bench/peers/job.ts';
import { comparePeers, type Entrant, type PeerFigure } from '../../bench/peers/rounds.ts';
import { sizeOf } from '../../src/tensor/shape.ts';
import { dawnlm } from '../helpers/dawnlm.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-peers-test-'));
const running: PeerProcess[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((process) => process.end()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const nothing = {} as ModelJob; // fakes look at no model
const job: Job = { work: 'train', name: 'train', seconds: 0, model: nothing };

/** A peer that is a script of its own in Node: `answer` is the body of a function of the job and of its number. */
function fake(name: string, answer: string, limitMs?: number): PeerProcess {
  const script = join(folder, `${name}.mjs`);
  writeFileSync(
    script,
    `import { appendFileSync } from 'node:fs';
     import { createInterface } from 'node:readline';
     let count = 0;
     const answer = (job, count) => { ${answer} };
     for await (const line of createInterface({ input: process.stdin })) {
       const job = JSON.parse(line);
       appendFileSync(${JSON.stringify(join(folder, 'order'))}, \`${name} \${job.seconds}\\n\`);
       const result = answer(job, count++);
       if (result) console.log(JSON.stringify({ work: job.work, ...result }));
     }`,
  );
  return started({ argv: [process.execPath, script], env: {} }, limitMs);
}

function started(command: Command, limitMs?: number): PeerProcess {
  const process = new PeerProcess(command, limitMs);
  running.push(process);
  return process;
}

const entrant = (name: string, answer: string): Entrant => {
  const process = fake(name, answer);
  return { name, works: ['train', 'matmul'], ask: (asked) => process.ask(asked) };
};

const GOOD = "unit: 'tokens/s', version: '1', check: [3, 2, 1]";

async function compareAll(entrants: readonly Entrant[], rounds = 3, works: Work[] = [{ work: 'train' }]) {
  writeFileSync(join(folder, 'order'), '');
  const figures: PeerFigure[] = [];
  for await (const figure of comparePeers(entrants, works, nothing, { rounds, seconds: 0.5 })) figures.push(figure);
  return figures;
}

describe('a peer as a process', () => {
  it('answers one job after the other; what a library prints is passed over', async () => {
    const peer = fake('talker', "console.log('Hi, this is a library'); console.log('{}'); return { value: count }");
    expect(await peer.ask(job)).toEqual({ work: 'train', value: 0 });
    expect(await peer.ask({ ...job, seconds: 1 })).toEqual({ work: 'train', value: 1 });
  });

  it('becomes an answer with its last words when it dies, and stays dead', async () => {
    const peer = fake('mortal', "console.error('No WebGPU adapter'); process.exit(3)");
    const error = 'it ended with exit code 3: No WebGPU adapter';
    expect(await peer.ask(job)).toEqual({ work: 'train', error });
    expect(await peer.ask(job)).toEqual({ work: 'train', error });
  });

  it('is ended when it takes too long', async () => {
    expect(await fake('sleeper', 'return undefined', 500).ask(job)).toEqual({
      work: 'train',
      error: 'it took longer than 0.5 s',
    });
  });

  it('says when it cannot be started', async () => {
    const { error } = await started({ argv: [join(folder, 'nowhere')], env: {} }).ask(job);
    expect(error).toMatch(/^it could not be started: .*ENOENT/);
  });
});

describe("the peer's side", () => {
  it('prepares a work once, measures as long as asked, and survives a work that fails', async () => {
    const script = join(folder, 'served.mjs');
    const serveUrl = new URL('../../bench/peers/serve.ts', import.meta.url).href;
    writeFileSync(
      script,
      `import { serve } from ${JSON.stringify(serveUrl)};
       let prepared = 0;
       const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
       const train = async () => {
         prepared++;
         console.log('talk');
         return { amount: 5, unit: 'tokens/s', check: [prepared], step: () => sleep(50) };
       };
       const decode = async () => { throw new Error('no cache'); };
       await serve({ version: '7', works: { train, decode } });`,
    );
    const run = new URL('../../bench/run.mjs', import.meta.url).pathname;
    const peer = started({ argv: [process.execPath, run, script], env: {} });
    expect(await peer.ask(job)).toMatchObject({ value: null, unit: 'tokens/s', version: '7', check: [1] });
    const { value, check } = await peer.ask({ ...job, seconds: 0.3 });
    expect(check).toEqual([1]);
    expect(value).toBeGreaterThan(20); // 5 in 50 ms and a little
    expect(value).toBeLessThan(105);
    expect(await peer.ask({ ...job, work: 'decode', name: 'decode' })).toEqual({ work: 'decode', error: 'no cache' });
    expect((await peer.ask({ ...job, seconds: 0.1 })).error).toBeUndefined();
  });
});

describe('rounds', () => {
  it('warm everybody up, then take turns, and come to medians, spreads and ratios', async () => {
    const values = (list: string) => `return { ${GOOD}, value: job.seconds ? ${list}[count - 1] : null }`;
    const figures = await compareAll([entrant('a', values('[10, 30, 20]')), entrant('b', values('[4, 5, 60]'))]);
    expect(readFileSync(join(folder, 'order'), 'utf8')).toBe(`a 0\nb 0\n${'a 0.5\nb 0.5\n'.repeat(3)}`);
    expect(figures).toMatchObject([
      { peer: 'a', value: 20, spread: [10, 30], runs: 3, ratio: 1, unit: 'tokens/s', version: '1' },
      { peer: 'b', value: 5, spread: [4, 60], runs: 3, ratio: 0.25 },
    ]);
  });

  it('refuse a peer whose loss does not fall, whose results are others, or whose value is none', async () => {
    const figures = await compareAll([
      entrant('good', `return { ${GOOD}, value: 8 }`),
      entrant('rising', "return { unit: 'tokens/s', check: [3, 2, 4], value: 8 }"),
      entrant('nan', "return { unit: 'tokens/s', check: [3, 2, null], value: 8 }"),
      entrant('other', "return { unit: 'tokens/s', check: [3, 2.1, 1], value: 8 }"),
      entrant('close', "return { unit: 'tokens/s', check: [3, 2.00001, 1], value: 4 }"),
      entrant('silent', `return { ${GOOD}, value: null }`),
    ]);
    const by = Object.fromEntries(figures.map((figure) => [figure.peer, figure]));
    expect(by.good).toMatchObject({ value: 8, ratio: 1 });
    expect(by.rising).toMatchObject({ value: null, error: 'its loss does not fall on one batch: 3, 2, 4' });
    expect(by.nan).toMatchObject({ value: null, error: 'its results are no numbers: 3, 2, ' });
    expect(by.other).toMatchObject({ value: null, error: /differ from those of good: 3, 2.1, 1, not 3, 2, 1/ });
    expect(by.close).toMatchObject({ value: 4, ratio: 0.5 });
    expect(by.silent).toMatchObject({ value: null, error: 'it answered with the value null' });
  });

  it('go on without a peer that dies', async () => {
    const dying = "if (count === 2) process.exit(1); return { unit: 'tokens/s', check: [3, 2, 1], value: 2 }";
    const figures = await compareAll([entrant('dying', dying), entrant('steady', `return { ${GOOD}, value: 6 }`)]);
    expect(figures[0]).toMatchObject({ peer: 'dying', value: null, error: 'it ended with exit code 1' });
    expect(figures[1]).toMatchObject({ peer: 'steady', value: 6, runs: 3 });
    expect(figures[1].ratio).toBeUndefined();
  });

  it('leave out a peer that cannot do a work', async () => {
    const only = { ...entrant('only', `return { ${GOOD}, value: 6 }`), works: ['matmul'] as const };
    const all = entrant('all', `return { ${GOOD}, value: 6 }`);
    const figures = await compareAll([all, only], 1, [{ work: 'train' }, { work: 'matmul', n: 512 }]);
    const names = figures.map(({ peer, work }) => `${peer}: ${recordName(work, 'nano')}`);
    expect(names).toEqual(['all: train nano', 'all: matmul 512', 'only: matmul 512']);
  });
});

describe('the job', () => {
  it('has every weight in its file, and the next id of every id', async () => {
    const { model, dispose } = await makeModelJob('nano');
    const weights = readWeights(model);
    const total = model.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    expect(readFileSync(model.weights).length).toBe(4 * total);
    expect(weights.find(({ name }) => name === 'transformer.ln_f.weight')!.data).toEqual(new Float32Array(128).fill(1));
    expect(weights.every(({ data }) => data.every(Number.isFinite) && data.some((x) => x !== 0))).toBe(true);
    expect(model.inputs).toHaveLength(12 * 64);
    expect(model.targets.slice(0, -1)).toEqual(model.inputs.slice(1));
    expect(Math.max(...model.inputs)).toBeLessThan(model.sizes.vocabSize);
    await dispose();
    expect(() => readFileSync(model.weights)).toThrow();
  });
});

describe('installing', () => {
  it('adds packages to a folder of their own, beside those that are there', async () => {
    const cache = join(folder, 'cache');
    for (const name of ['one', 'two']) {
      mkdirSync(join(cache, 'sources', name), { recursive: true });
      writeFileSync(join(cache, 'sources', name, 'package.json'), JSON.stringify({ name, version: '1.0.0' }));
      await installPeers([{ packages: { [name]: `file:sources/${name}` } }], cache);
    }
    for (const name of ['one', 'two']) {
      expect(JSON.parse(readFileSync(join(cache, 'node_modules', name, 'package.json'), 'utf8')).name).toBe(name);
    }
  });

  it('says in one sentence that npm could not', async () => {
    const packages = { absent: '?' };
    await expect(installPeers([{ packages }], join(folder, 'broken'))).rejects.toThrow(
      /^npm could not install the peers/,
    );
  });
});

describe('dawnlm bench peers', () => {
  it('names absent peers and how they are had', async () => {
    const surroundings = { cwd: folder, env: { DAWNLM_CACHE: join(folder, 'empty') } };
    const names = PEERS.filter(({ packages }) => Object.keys(packages).length > 0).map(({ name }) => name);
    const { code, stdout, stderr } = await dawnlm(['bench', 'peers', '--only', ...names], surroundings);
    expect(code).toBe(0);
    for (const name of names) {
      expect(stderr).toContain(`${name} is absent. It is had so: dawnlm bench peers --install --only ${name}\n`);
      expect(stdout).toContain(`${name}: absent\n`);
    }
  });

  it('refuses an unknown peer', async () => {
    const { code, stderr } = await dawnlm(['bench', 'peers', '--only', 'abacus'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain("argument 'abacus' is invalid");
  });
});
