import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { accountOf, timeInSteps } from '../../src/cost/account.ts';
import { stepWork } from '../../src/cost/operations.ts';
import { roofAbove } from '../../src/cost/roof.ts';
import type { CostCard } from '../../src/report/costCard.ts';
import { resolveConfig } from '../../src/train/config.ts';
import type { EndedRun } from '../../src/train/run/events.ts';
import { trainRun } from '../../src/train/run/run.ts';
import { testEngine } from '../helpers/engine.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dawnlm-account-'));
beforeAll(async () => {
  await testEngine(); // before: drivers and compiled shaders lie in the cache as well
  vi.stubEnv('DAWNLM_CACHE', scratch); // the roof of a busy machine is none to keep
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(scratch, { recursive: true });
});

const TEXT = Array.from({ length: 300 }, (_, i) => `Line ${i}: the whale and ${i % 7} sailors.\n`).join('');
const corpus = {
  ...{ name: 'lines', source: 'this test', licence: 'none' },
  async *bytes() {
    yield new TextEncoder().encode(TEXT);
  },
};

/** Parameters and moments of a run, as hashes: quick to compare. */
async function stateOf({ trainer }: EndedRun) {
  const { tensors } = await trainer.save();
  return tensors.map(({ name, data }) => [name, createHash('sha256').update(data).digest('hex')]);
}

it('accounts for all of a run that was stopped and resumed, and leaves the trainer as it was', async () => {
  const engine = await testEngine();
  const config = resolveConfig('tiny', { steps: 6, warmupSteps: 1, logEvery: 2, evalEvery: 3, checkpointEvery: 3 });
  const cards: CostCard[] = [];
  const appraise = async (run: EndedRun) => {
    const before = await stateOf(run);
    cards.push(await accountOf(run));
    expect(await stateOf(run)).toEqual(before);
    return { cost: cards.at(-1) };
  };
  const options = { engine, adapter: { name: 'the test adapter', software: true }, corpus, config, appraise };
  const stop = new AbortController();
  const folder = join(scratch, 'run');
  const onEvent = ({ type }: { type: string }) => type === 'checkpoint' && stop.abort();
  const { steps } = await trainRun({ ...options, folder, resume: false, signal: stop.signal, onEvent });
  await trainRun({ ...options, folder, resume: true });
  const [first, second] = cards;
  expect([first.tokens, second.tokens]).toEqual([steps * 256, 6 * 256]);
  expect(second.parts.map(({ part }) => part)).toEqual([
    ...['embedding', 'attention', 'MLP', 'norms', 'head', 'optimizer'],
  ]);
  for (const [i, { operations, bytes }] of second.parts.entries()) {
    expect(operations).toBeCloseTo((first.parts[i].operations * 6) / steps);
    expect(bytes).toBeGreaterThan(0);
  }
  const mlp = second.parts.find(({ part }) => part === 'MLP')!;
  expect(mlp.operations).toBe(6 * stepWork(config, 83).MLP.operations); // whatever the vocabulary
  expect(second.stepsMs).toBeLessThanOrEqual(second.timeMs);
  const timed = second.parts.flatMap(({ timeMs }) => timeMs ?? []);
  if (timed.length > 0) {
    expect(Math.min(...timed)).toBeGreaterThan(0);
    // all but a few dispatches say what they are for
    const all = timed.reduce((a, b) => a + b);
    expect(all).toBeLessThanOrEqual(second.stepsMs! * 1.000001);
    expect(all).toBeGreaterThan(0.8 * second.stepsMs!);
  }
  expect(second.energy!.lowJoules).toBeGreaterThan(first.energy!.lowJoules);
  expect(second.energy!.highJoules).toBeGreaterThan(second.energy!.lowJoules);
  expect(second.utilization).toBeGreaterThan(0);
  expect(second.utilization).toBeLessThanOrEqual(1);
});

it('has no share above 1, whatever was measured: a roof that is passed is raised, and stays so', async () => {
  const engine = await testEngine();
  const roof = await roofAbove(engine, 'another adapter', 1);
  expect(roof.operationsPerSecond).toBeGreaterThan(1e6);
  const raised = await roofAbove(engine, 'another adapter', 1e18);
  expect(raised.operationsPerSecond).toBe(1e18);
  expect((await roofAbove(engine, 'another adapter', 1)).operationsPerSecond).toBe(1e18);
  expect((await roofAbove(engine, 'a third adapter', 1)).operationsPerSecond).toBeLessThan(1e18);
});

it('adds up the time of steps from what the log says of them', () => {
  const record = { tokens: 0, timeMs: 0 };
  const log = [
    { ...record, step: 1, loss: 3 },
    { ...record, step: 2, loss: 3, tokensPerSecond: 1000 },
    { ...record, step: 2, validationLoss: 3 },
    { ...record, step: 3, loss: 3, tokensPerSecond: 500 },
  ];
  expect(timeInSteps(log, 100)).toBeCloseTo(2 * 100 + 200);
});
