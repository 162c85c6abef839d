import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { dawnlm, jsonLines, succeed, trainedRun, workshop } from '../helpers/dawnlm.ts';

const cwd = workshop();
beforeAll(async () => {
  await trainedRun(cwd);
  cpSync(join(cwd, 'run'), join(cwd, 'old'), { recursive: true });
  const file = join(cwd, 'old/run.json');
  const { cost, ...card } = JSON.parse(readFileSync(file, 'utf8'));
  expect(cost).toBeDefined();
  writeFileSync(file, JSON.stringify(card));
});

it('shows the account of a run, with carbon and money as they are asked for, and the report has it', async () => {
  const { stdout } = await succeed(['cost', '--run', 'run', '--grid', '100', '--price-hour', '2'], { cwd });
  for (const part of ['embedding', 'attention', 'MLP', 'norms', 'head', 'optimizer']) expect(stdout).toContain(part);
  expect(stdout).toMatch(/^energy: .* \(\w+.*\)$/m);
  expect(stdout).toMatch(/^CO2: .* g at 100 g a kWh$/m);
  expect(stdout).toMatch(/^money: \S+ at 2 an hour$/m);
  const [figures] = jsonLines((await succeed(['cost', '--run', 'run', '--json'], { cwd })).stdout);
  expect(figures.utilization).toBeLessThanOrEqual(1);
  expect(figures.carbonGrams).toHaveLength(2);
  expect(readFileSync(join(cwd, 'run/report.html'), 'utf8')).toContain('What it cost');
});

it('forecasts a run that is not made', async () => {
  const args = ['cost', 'text.txt', '--preset', 'tiny', '--steps', '40', '--price-kwh', '0.3', '--json'];
  const [figures] = jsonLines((await succeed(args, { cwd })).stdout);
  expect(figures.tokens).toBe(40 * 256);
  const seconds = Object.values(figures.seconds as Record<string, number>).reduce((a, b) => a + b);
  expect(figures.timeMs).toBeCloseTo(1000 * seconds);
  expect(figures.money).toHaveLength(2);
});

it('measures what generating costs, by sequences at once and what stands before them', async () => {
  const args = ['cost', '--run', 'run', '--generate', '--weights', 'int8', '--price-hour', '2', '--json'];
  const rows = jsonLines((await succeed(args, { cwd })).stdout);
  expect(rows.map(({ batch }) => batch)).toEqual(expect.arrayContaining([1, 8, 32]));
  for (const { tokensPerSecond, cacheBytes, weightBytes, million } of rows) {
    for (const figure of [tokensPerSecond, cacheBytes, weightBytes]) expect(figure).toBeGreaterThan(0);
    expect(million).toHaveProperty('money');
  }
});

it.each([
  ['generating without a run', 2, ['--generate'], /--generate needs the run/],
  ['an unknown preset', 2, ['--preset', 'huge'], /unknown preset "huge"; the presets are/],
  ['a folder that is no run', 1, ['--run', 'nowhere'], /There is no run folder nowhere/],
  ['a run without an account', 1, ['--run', 'old'], /old has no account/],
  ['a negative price', 2, ['--price-hour', '-1'], /must be a number of 0 or more/],
  ['two prices', 2, ['--price-hour', '1', '--price-kwh', '1'], /cannot be used with option/],
  ['a run and a text', 2, ['text.txt', '--run', 'run'], /give a run or a text to forecast, not both/],
])('explains %s', async (_, code, args, sentence) => {
  const outcome = await dawnlm(['cost', ...args], { cwd });
  expect(outcome.code).toBe(code);
  expect(outcome.stderr).toMatch(sentence);
});
