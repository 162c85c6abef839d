import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { CONTESTS, PARTS, peersOf } from '../../bench/claims/catalog.ts';
import { judged } from '../../bench/claims/judge.ts';
import { attentionClaims, rowClaims } from '../../bench/claims/own.ts';
import { measureClaims } from '../../bench/claims.ts';
import { PEERS } from '../../bench/peers/catalog.ts';
import type { Answer, Job } from '../../bench/peers/job.ts';
import type { Entrant } from '../../bench/peers/rounds.ts';
import type { ClaimMeasurement } from '../../bench/record.ts';
import { productShapes } from '../../src/check/workloads.ts';
import { dawnlm } from '../helpers/dawnlm.ts';
import { testEngine } from '../helpers/engine.ts';

const adapter = { name: 'the test adapter', software: true };

/** A library whose figures are these, round by round. */
function entrant(name: string, rounds: readonly number[], failure?: string): Entrant & { asked: Job[] } {
  const asked: Job[] = [];
  let round = 0;
  const ask = async (job: Job): Promise<Answer> => {
    asked.push(job);
    const answer = { work: job.work, unit: 'tokens/s', check: [3, 2, 1] };
    if (job.seconds === 0) return answer;
    return failure ? { ...answer, error: failure } : { ...answer, value: rounds[round++ % rounds.length] };
  };
  return { name, works: ['train', 'forward', 'decode', 'matmul', 'products'], ask, asked };
}

async function claimsOf(entrants: readonly Entrant[], part: (typeof PARTS)[number], rounds = 3) {
  const options = { parts: [part], rounds, seconds: 0.1, say: () => undefined };
  const claims: ClaimMeasurement[] = [];
  for await (const claim of measureClaims(await testEngine(), adapter, entrants, options)) claims.push(claim);
  return claims;
}

it('the verdict follows the threshold, in its direction; without a figure or a threshold there is none', () => {
  const about = { row: 'r', unit: 'x', must: 2, aim: 4 };
  const verdicts = [1.99, 2, 4, null].map((value) => judged({ ...about, value }));
  expect(verdicts.map(({ met }) => met)).toEqual([false, true, true, null]);
  expect(verdicts.map(({ aimMet }) => aimMet)).toEqual([false, false, true, null]);
  expect(judged({ ...about, must: 4, aim: 2, value: 3, atMost: true })).toMatchObject({ met: true, aimMet: false });
  expect(judged({ ...about, value: Number.NaN }).met).toBe(false);
  expect(judged({ row: 'r', unit: 'x', value: 1 })).toMatchObject({ met: null, aimMet: null });
});

it('ratios are taken round by round, estimates are a share of a peer, the absent and the failed are told', async () => {
  const ours = entrant('dawnlm', [12, 30, 16]);
  const pytorch = entrant('pytorch', [10, 20, 20]);
  const jax = entrant('jax-js-wasm', [], 'out of memory');
  const claims = await claimsOf([ours, pytorch, jax], 'train');
  const [tfjs, failed, llmC, level] = claims;
  expect(tfjs).toMatchObject({ row: 'train nano', against: 'tfjs-webgpu', value: null, met: null, note: 'absent' });
  expect(failed).toMatchObject({ against: 'jax-js-wasm', value: null, note: 'jax-js-wasm fails: out of memory' });
  expect(level).toMatchObject({ against: 'pytorch', value: 1.2, spread: [0.8, 1.5], met: null, aimMet: true, runs: 3 });
  expect(level).toMatchObject({ ours: 16, theirs: 20, rateUnit: 'tokens/s' });
  expect(llmC.against).toBe('llm.c');
  expect(llmC.value).toBeCloseTo(1.2 / (4335 / 9564), 6);
  expect(llmC.note).toMatch(/^estimated: PyTorch's figure times 4335\/9564/);
  const small = claims.filter(({ row }) => row === 'train small');
  expect(small.map(({ against }) => against)).toEqual(['llm.c', 'pytorch', 'tfjs-webgpu']);
});

it('a model of each preset is prepared under a name of its own', async () => {
  const ours = entrant('dawnlm', [1]);
  await claimsOf([ours], 'train', 1);
  expect([...new Set(ours.asked.map(({ name, model }) => `${name} ${model.sizes.nEmbd}`))]).toEqual([
    'train nano 128',
    'train small 384',
  ]);
});

it("the presets' products are those of the linear layers, each with its two gradients", async () => {
  const shapes = productShapes('nano');
  expect(shapes.NN).toContainEqual([768, 384, 128]); // queries, keys, values
  expect(shapes.NT).toContainEqual([768, 83, 128]); // logits
  expect(shapes.TN).toContainEqual([128, 512, 768]); // dW of the MLP's way up
  const operations = (list: readonly (readonly number[])[]) => list.reduce((sum, [M, N, K]) => sum + M * N * K, 0);
  expect(operations(shapes.NT)).toBe(operations(shapes.NN));
  expect(operations(shapes.TN)).toBe(operations(shapes.NN));
});

it('kernels are held against copies, and attention against its figure', async () => {
  const engine = await testEngine();
  const rows = await rowClaims(engine);
  expect(rows.map(({ row, against }) => `${row}: ${against}`)).toEqual(
    ['softmax', 'layer norm'].flatMap((kernel) => [
      `${kernel} 3072x256: a copy of 64 MiB`,
      `${kernel} 3072x256: a copy of as much`,
    ]),
  );
  for (const { value, met } of rows) {
    expect(value).toBeGreaterThan(0);
    expect(met).not.toBeNull();
  }
  const [forward] = await attentionClaims(engine);
  expect(forward).toMatchObject({ row: 'causal attention forward, 48 heads, T 256 D 64', unit: 'GFLOP/s', must: 20 });
  expect(forward.value).toBeGreaterThan(0);
});

it('every rival is a peer that can do the work', () => {
  const peers = new Map(PEERS.map((peer) => [peer.name, peer]));
  for (const { work, rivals } of CONTESTS) {
    for (const { peer } of rivals) expect(peers.get(peer)?.works, peer).toContain(work.work);
  }
  expect(peersOf(['rows'])).toEqual(new Set());
  expect(peersOf(['decode'])).toEqual(new Set(['dawnlm', 'pytorch', 'llama.cpp', 'tfjs-webgpu']));
});

it('the command refuses parts that there are not', async () => {
  const { code, stderr } = await dawnlm(['bench', 'claims', '--work', 'poetry'], { cwd: tmpdir() });
  expect(code).toBe(2);
  expect(stderr).toContain(`Allowed choices are ${PARTS.join(', ')}`);
});
