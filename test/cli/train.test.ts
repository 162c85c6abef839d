import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { corpora } from '../../data/corpora.ts';
import { planTraining } from '../../src/cli/trainPlan.ts';
import { resolveConfig } from '../../src/train/config.ts';
import { dataCard } from '../helpers/cards.ts';
import { dawnlm, succeed, trainTiny, workshop } from '../helpers/dawnlm.ts';

const cwd = workshop();
const before = process.cwd();
beforeAll(() => process.chdir(cwd)); // planTraining speaks of runs/ where the user stands
afterAll(() => process.chdir(before));

it('stops at Ctrl-C with everything saved, says how to go on, and goes on', async () => {
  let asked = false;
  const stopped = await dawnlm(trainTiny('long', '--steps', '1000000'), {
    cwd,
    onError: (stderr, child) => {
      if (asked || !/step +\d+\/1000000/.test(stderr)) return;
      asked = true;
      child.kill('SIGINT');
      child.kill('SIGINT'); // npm repeats what the terminal has sent: no second Ctrl-C
    },
  });
  expect(stopped.code).toBe(130);
  expect(stopped.stderr).toContain('Stopping');
  const [, step] = /stopped after (\d+) of 1000000 steps/.exec(stopped.stdout)!;
  expect(stopped.stdout).toContain('npx dawnlm train --resume --out long');
  const steps = String(Number(step) + 10);
  const resumed = await succeed(['train', '--resume', '--out', 'long', '--steps', steps], { cwd });
  expect(resumed.stderr).toContain(`steps ${Number(step) + 1} to ${steps}`);
  expect(resumed.stdout).toContain(`finished after ${steps} of ${steps} steps`);
});

const recipe = resolveConfig('fast');

/** A folder as npm start leaves it after `step` steps. */
function npmStartLeft(step: number): void {
  const folder = join(cwd, 'runs/moby-dick');
  mkdirSync(folder, { recursive: true });
  const card = { version: 1, config: recipe, dataCard: dataCard({ name: 'moby-dick', source: corpora[0].source }) };
  const surroundings = { adapter: { name: 'a test', software: true }, startedAt: new Date(0).toISOString() };
  writeFileSync(join(folder, 'run.json'), JSON.stringify({ ...card, ...surroundings }));
  writeFileSync(
    join(folder, 'log.jsonl'),
    `${JSON.stringify({ step, tokens: step, timeMs: 0, validationLoss: 1.9 })}\n`,
  );
  writeFileSync(join(folder, 'resume.safetensors'), '');
}

it('npm start begins, continues what is unfinished, and leaves alone what is finished', async () => {
  const folder = join('runs', 'moby-dick');
  const { steps } = recipe;
  expect(await planTraining(undefined, {})).toMatchObject({ folder, given: 'moby-dick', resume: false });
  npmStartLeft(100);
  expect(await planTraining(undefined, {})).toMatchObject({ folder, resume: true, config: recipe });
  npmStartLeft(steps);
  expect(await planTraining(undefined, {})).toBeUndefined();
  await expect(planTraining('moby-dick', {})).rejects.toThrow(
    /holds a finished run \(\d+ steps, validation loss 1\.900/,
  );
});

it('a training of which nothing is said is sized by the dial, and goes on as it was begun', async () => {
  const dial = { by: { minutes: 3 }, given: {} };
  expect(await planTraining('text.txt', { out: 'sized' })).toMatchObject({ dial, resume: false });
  expect((await planTraining('text.txt', { out: 'sized', seed: 5, watch: true }))?.dial).toEqual({
    by: { minutes: 3 },
    given: { seed: 5, watch: true },
  });
  for (const said of [{ preset: 'quick' }, { steps: 10 }, { nLayer: 2 }, { resume: true }])
    expect((await planTraining('text.txt', { out: 'sized', ...said }))?.dial).toBeUndefined();
  npmStartLeft(100);
  const path = join(cwd, 'runs/moby-dick/run.json');
  const card = JSON.parse(readFileSync(path, 'utf8'));
  const config = { ...card.config, nLayer: 2, nEmbd: 64, steps: 700 };
  writeFileSync(path, JSON.stringify({ ...card, config, dial: { minutes: 3 } }));
  const plan = await planTraining(undefined, {});
  expect(plan).toMatchObject({ resume: true, config });
  expect(plan?.dial).toBeUndefined();
  await expect(planTraining('moby-dick', {})).rejects.toThrow(/a run at step 100 of 700/);
});

it.each<[Parameters<typeof planTraining>[1], RegExp]>([
  [{ minutes: 3, operations: 1e12 }, /--minutes and --operations both say how much to train/],
  [{ minutes: 3, steps: 100 }, /--minutes chooses the number of steps: leave --steps away/],
  [{ operations: 1e12, preset: 'nano' }, /--operations chooses what a preset would say/],
  [{ depth: 3, nEmbd: 64 }, /--depth says the size, and nEmbd does too/],
  [{ minutes: 1, resume: true }, /--minutes is for a new run/],
])('refuses what contradicts the dial: %j', async (flags, sentence) => {
  await expect(planTraining('text.txt', { out: 'none', ...flags })).rejects.toThrow(sentence);
});

it('steps in a config file contradict the dial too', async () => {
  writeFileSync(join(cwd, 'steps.json'), '{"steps": 5}');
  await expect(planTraining('text.txt', { out: 'none', minutes: 1, config: 'steps.json' })).rejects.toThrow(
    /--minutes chooses the number of steps/,
  );
});

it('--depth and --minutes choose, say why, and keep with the run what they chose', async () => {
  const deep = await succeed(['train', 'text.txt', '--depth', '1', '--eval-batches', '1', '--out', 'deep'], { cwd });
  expect(deep.stderr).toMatch(/chosen: 1 layer of width 32 .*So long a training goes with this size/);
  const card = JSON.parse(readFileSync(join(cwd, 'deep/run.json'), 'utf8'));
  expect(card).toMatchObject({ dial: { depth: 1 }, config: { nLayer: 1, nEmbd: 32, nHead: 1, evalBatches: 1 } });
  const given = ['--minutes', '0.01', '--seed', '3', '--batch-size', '2'];
  const timed = await succeed(['train', 'text.txt', ...given, '--out', 'timed'], { cwd });
  expect(timed.stderr).toMatch(
    /chosen: 2 layers of width 16 .*\b1 step:.*no other size does better in 0\.01 minutes.*too short/,
  );
  const { config, dial } = JSON.parse(readFileSync(join(cwd, 'timed/run.json'), 'utf8'));
  expect(config).toMatchObject({ steps: 1, seed: 3, batchSize: 2 });
  expect(dial).toEqual({ minutes: 0.01 });
  const on = await succeed(['train', '--resume', '--out', 'timed', '--steps', '2'], { cwd });
  expect(on.stdout).toContain('finished after 2 of 2 steps');
  expect(JSON.parse(readFileSync(join(cwd, 'timed/run.json'), 'utf8')).dial).toEqual({ minutes: 0.01 });
});

it('goes on with an unfinished run only when told to', async () => {
  npmStartLeft(100);
  const flags = { dropout: 0.1 };
  await expect(planTraining('moby-dick', flags)).rejects.toThrow(
    /a run at step 100 of \d+\. Continue it with --resume/,
  );
});

it('resumes with the settings of the run where no preset is named', async () => {
  npmStartLeft(100);
  const path = join(cwd, 'runs/moby-dick/run.json');
  const card = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...card, config: { ...card.config, nLayer: 2 } }));
  const plan = await planTraining(undefined, { resume: true, steps: 900 });
  expect(plan?.config).toMatchObject({ nLayer: 2, steps: 900 });
  expect(plan?.resume).toBe(true);
  const named = await planTraining(undefined, { resume: true, preset: 'fast' });
  expect(named?.config.nLayer).toBe(recipe.nLayer);
});

it('takes a config file that names its schema, which --print-schema writes, and few steps with a warm-up that fits', async () => {
  const { stdout } = await succeed(['train', '--print-schema'], { cwd });
  writeFileSync(join(cwd, 'schema.json'), stdout);
  const nLayer = { type: 'integer', minimum: 1, default: 4, description: 'transformer blocks' };
  expect(JSON.parse(stdout)).toMatchObject({ properties: { nLayer, $schema: { type: 'string' } } });
  writeFileSync(join(cwd, 'settings.json'), JSON.stringify({ $schema: './schema.json', nLayer: 1 }));
  const args = [
    'train',
    'text.txt',
    '--preset',
    'tiny',
    '--steps',
    '20',
    '--config',
    'settings.json',
    '--out',
    'short',
  ];
  await succeed(args, { cwd });
  const { config } = JSON.parse(readFileSync(join(cwd, 'short/run.json'), 'utf8'));
  expect(config).toEqual(resolveConfig('tiny', { nLayer: 1, steps: 20, warmupSteps: 2, precision: 'float32' }));
});

it('begins anew where a run ended before its first checkpoint', async () => {
  npmStartLeft(3);
  cpSync(join(cwd, 'runs/moby-dick/run.json'), join(cwd, 'runs/early/run.json'), { recursive: true });
  const plan = await planTraining(undefined, { out: 'runs/early', resume: true });
  expect(plan?.resume).toBe(false);
  expect(existsSync(join(cwd, 'runs/early/run.json'))).toBe(false);
});
