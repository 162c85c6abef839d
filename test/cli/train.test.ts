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

const quick = resolveConfig('quick');

/** A folder as npm start leaves it after `step` steps. */
function npmStartLeft(step: number): void {
  const folder = join(cwd, 'runs/moby-dick-quick');
  mkdirSync(folder, { recursive: true });
  const card = { version: 1, config: quick, dataCard: dataCard({ name: 'moby-dick', source: corpora[0].source }) };
  const surroundings = { adapter: { name: 'a test', software: true }, startedAt: new Date(0).toISOString() };
  writeFileSync(join(folder, 'run.json'), JSON.stringify({ ...card, ...surroundings }));
  writeFileSync(
    join(folder, 'log.jsonl'),
    `${JSON.stringify({ step, tokens: step, timeMs: 0, validationLoss: 1.9 })}\n`,
  );
  writeFileSync(join(folder, 'resume.safetensors'), '');
}

it('npm start begins, continues what is unfinished, and leaves alone what is finished', async () => {
  const folder = join('runs', 'moby-dick-quick');
  const { steps } = quick;
  expect(await planTraining(undefined, {})).toMatchObject({ folder, given: 'moby-dick', resume: false });
  npmStartLeft(100);
  expect(await planTraining(undefined, {})).toMatchObject({ folder, resume: true, config: quick });
  npmStartLeft(steps);
  expect(await planTraining(undefined, {})).toBeUndefined();
  await expect(planTraining('moby-dick', {})).rejects.toThrow(
    /holds a finished run \(\d+ steps, validation loss 1\.900/,
  );
});

it('goes on with an unfinished run only when told to', async () => {
  npmStartLeft(100);
  const flags = { preset: 'quick', dropout: 0.1 };
  await expect(planTraining('moby-dick', flags)).rejects.toThrow(
    /a run at step 100 of \d+\. Continue it with --resume/,
  );
});

it('resumes with the settings of the run where no preset is named', async () => {
  npmStartLeft(100);
  const path = join(cwd, 'runs/moby-dick-quick/run.json');
  const card = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...card, config: { ...card.config, nLayer: 2 } }));
  const plan = await planTraining(undefined, { resume: true, steps: 900 });
  expect(plan?.config).toMatchObject({ nLayer: 2, steps: 900 });
  expect(plan?.resume).toBe(true);
  const named = await planTraining(undefined, { resume: true, preset: 'quick' });
  expect(named?.config.nLayer).toBe(quick.nLayer);
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
  cpSync(join(cwd, 'runs/moby-dick-quick/run.json'), join(cwd, 'runs/early/run.json'), { recursive: true });
  const plan = await planTraining(undefined, { out: 'runs/early', resume: true });
  expect(plan?.resume).toBe(false);
  expect(existsSync(join(cwd, 'runs/early/run.json'))).toBe(false);
});
