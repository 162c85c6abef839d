import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { decodeSafetensors } from '../../src/export/safetensors.ts';
import { tuningTasks } from '../../src/tensor/tuning/measure.ts';
import { formatPoint, type TuningTable } from '../../src/tensor/tuning/table.ts';
import { modelDispatches } from '../../src/train/autotune.ts';
import { resolveConfig } from '../../src/train/config.ts';
import type { RunEvent, TrainRunOptions } from '../../src/train/run/events.ts';
import { trainRun } from '../../src/train/run/run.ts';
import { readRunCard } from '../../src/train/runFolder.ts';
import { readTuning } from '../../src/train/tuningCache.ts';
import { testEngine } from '../helpers/engine.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dawnlm-autotune-'));
await testEngine(); // with the shaders that were compiled before
const before = process.env.DAWNLM_CACHE;
process.env.DAWNLM_CACHE = join(scratch, 'cache');
afterAll(() => {
  rmSync(scratch, { recursive: true });
  if (before === undefined) delete process.env.DAWNLM_CACHE;
  else process.env.DAWNLM_CACHE = before;
});

const adapter = { name: 'the test adapter', software: false };
const config = resolveConfig('tiny', { steps: 6, warmupSteps: 1, logEvery: 1, evalEvery: 3, checkpointEvery: 3 });
const corpus = {
  ...{ name: 'lines', source: 'this test', licence: 'none' },
  async *bytes() {
    for (let i = 0; i < 300; i++) yield new TextEncoder().encode(`Line ${i}: the whale, ${i % 7} sailors.\n`);
  },
};

async function run(name: string, options: Partial<TrainRunOptions> = {}) {
  const events: RunEvent[] = [];
  const folder = join(scratch, name);
  const onEvent = (event: RunEvent) => events.push(event);
  await trainRun({ engine: await testEngine(), adapter, corpus, config, folder, resume: false, onEvent, ...options });
  return events;
}

const weightsOf = (name: string) => {
  const { tensors } = decodeSafetensors(readFileSync(join(scratch, name, 'model.safetensors')), name);
  return new Map([...tensors].map(([key, { data }]) => [key, [...data]]));
};

/** A choice that changes bits: layer norms add up in another order. */
async function otherTable(): Promise<TuningTable> {
  const engine = await testEngine();
  const norms = tuningTasks(modelDispatches(engine, config)).filter(({ entry }) => entry.startsWith('norm_'));
  expect(norms.length).toBeGreaterThan(1);
  return Object.fromEntries(norms.map(({ entry, points }) => [entry, formatPoint(points[1])]));
}

it('measures what no table knows before a run, and keeps it for the next', async () => {
  const { tuning } = await testEngine();
  const events = await run('tuned', { autotune: true });
  const [begun, done] = [events.find(({ type }) => type === 'tuning'), events.find(({ type }) => type === 'tuned')];
  expect(begun).toMatchObject({ budgetMs: 4000 });
  expect(done).toMatchObject({ unknown: (begun as { unknown: number }).unknown });
  const { unknown, measured } = done as { unknown: number; measured: number };
  expect(unknown).toBeGreaterThan(5);
  expect(measured).toBeGreaterThan(0);
  const table = await readTuning(adapter.name, (sentence) => expect.fail(sentence));
  expect(Object.keys(table)).toHaveLength(measured);
  expect(tuning.table).toEqual(table);
  expect((await readRunCard(join(scratch, 'tuned'))).tuning).toEqual(table);
  // the next run finds what was measured, and has only the rest to do
  const again = (await run('again', { autotune: true })).find(({ type }) => type === 'tuning');
  expect((again as { unknown: number } | undefined)?.unknown ?? 0).toBe(unknown - measured);
});

it('is left out unless it was asked for', async () => {
  expect((await run('plain')).map(({ type }) => type)).not.toContain('tuning');
  expect((await readRunCard(join(scratch, 'plain'))).tuning).toEqual({});
});

it('does not end a run when the cache cannot be written', async () => {
  process.env.DAWNLM_CACHE = join(scratch, 'blocked');
  writeFileSync(process.env.DAWNLM_CACHE, 'a file');
  const done = (await run('unsaved', { autotune: true })).find(({ type }) => type === 'tuned');
  process.env.DAWNLM_CACHE = join(scratch, 'cache');
  expect(done).toMatchObject({ unsaved: expect.stringContaining('cannot be written') });
  expect(existsSync(join(scratch, 'unsaved/report.html'))).toBe(true);
});

it('resumes with the tables that the run began with, whatever is measured since: to the bit', async () => {
  const { tuning } = await testEngine();
  const table = await otherTable();
  tuning.use(table);
  await run('whole');
  const controller = new AbortController();
  const stop = (event: RunEvent) => event.type === 'log' && event.record.step >= 2 && controller.abort();
  await run('parts', { signal: controller.signal, onEvent: stop });
  tuning.use();
  await run('parts', { resume: true });
  expect(tuning.table).toEqual(table);
  expect(weightsOf('parts')).toEqual(weightsOf('whole'));
  tuning.use();
  await run('preferred');
  expect(weightsOf('preferred')).not.toEqual(weightsOf('whole'));
});

it('takes no tables of another adapter', async () => {
  const { tuning } = await testEngine();
  tuning.use(await otherTable());
  const controller = new AbortController();
  const stop = (event: RunEvent) => event.type === 'log' && event.record.step >= 2 && controller.abort();
  await run('moved', { signal: controller.signal, onEvent: stop });
  tuning.use();
  await run('moved', { resume: true, adapter: { name: 'another adapter', software: false } });
  expect((await readRunCard(join(scratch, 'moved'))).tuning).toEqual({});
});

it('refuses a run whose table is none', async () => {
  const file = join(scratch, 'plain/run.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), tuning: { a: 1 } }));
  await expect(run('plain', { resume: true })).rejects.toThrow('its tuning is no table');
});
