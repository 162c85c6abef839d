import { appendFileSync, existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { dawnlm, jsonLines, succeed, trainedRun, workshop } from '../helpers/dawnlm.ts';

const cwd = workshop();
beforeAll(() => trainedRun(cwd));

it('says in one line at the end of a training, in its report and when asked whether a run is sound', async () => {
  const { stdout } = await succeed(['checkup', '--run', 'run'], { cwd });
  expect(stdout).toMatch(/^checkup of run: .*(better than|not yet)/);
  for (const rung of ['guessing', 'token frequencies', 'bigrams', 'trigrams', '5-grams'])
    expect(stdout).toContain(rung);
  const [card] = jsonLines((await succeed(['checkup', '--run', 'run', '--json'], { cwd })).stdout);
  const { health } = JSON.parse(readFileSync(join(cwd, 'run/run.json'), 'utf8'));
  expect(card).toMatchObject({ line: health.line, withText: true });
  expect(readFileSync(join(cwd, 'run/report.html'), 'utf8')).toContain(health.line);
});

it('finds a learning rate, and leaves the run as it is', async () => {
  const before = readFileSync(join(cwd, 'run/model.safetensors'));
  const { stdout } = await succeed(['checkup', '--run', 'run', '--find-rate'], { cwd });
  expect(stdout).toMatch(/The loss falls fastest at a learning rate of .* try --learning-rate [\d.e-]+/);
  expect(readFileSync(join(cwd, 'run/rates.html'), 'utf8')).toContain('<svg');
  expect(readFileSync(join(cwd, 'run/model.safetensors'))).toEqual(before);
});

it('goes by the log alone where the text is gone, and refuses in a sentence what it cannot do', async () => {
  renameSync(join(cwd, 'text.txt'), join(cwd, 'moved.txt'));
  const alone = await succeed(['checkup', '--run', 'run'], { cwd });
  expect(alone.stderr).toContain('Without it there are no rungs');
  expect(alone.stdout).toMatch(/^checkup of run: /);
  const rates = await dawnlm(['checkup', '--run', 'run', '--find-rate'], { cwd });
  expect([rates.code, rates.stderr]).toEqual([1, expect.stringContaining('--text')]);
  renameSync(join(cwd, 'moved.txt'), join(cwd, 'text.txt'));
  const none = await dawnlm(['checkup', '--run', 'nowhere'], { cwd });
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('nowhere')]);
  expect(existsSync(join(cwd, 'nowhere'))).toBe(false);
});

it('tries what it advises', async () => {
  const { stdout } = await succeed(['checkup', '--run', 'run', '--try', '--json'], { cwd });
  const [{ trials, findings }] = jsonLines(stdout) as unknown as Record<string, { finding: string; name: string }[]>[];
  // words in an order that repeats in the end
  expect(findings.map(({ name }) => name)).toEqual(['validation-overlap', 'repeated-text']);
  expect(trials.map(({ finding }) => finding)).toEqual(['validation-overlap', 'repeated-text']);
  expect(readFileSync(join(cwd, 'run/checkup.html'), 'utf8')).toContain('Tried: validation overlap');
});

it('goes by the log alone where the text has changed', async () => {
  appendFileSync(join(cwd, 'text.txt'), 'one more line\n');
  const { stdout, stderr } = await succeed(['checkup', '--run', 'run'], { cwd });
  expect(stderr).toContain('text.txt has changed since run was trained on it');
  expect(stdout).not.toContain('bigrams');
});
