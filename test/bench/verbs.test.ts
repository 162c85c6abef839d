import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { appendRecords } from '../../bench/record.ts';
import { dawnlm, jsonLines, succeed, workshop } from '../helpers/dawnlm.ts';
import { record, records } from './records.ts';

const cwd = workshop();

it('bench train and bench sample measure a model and keep what they find', async () => {
  const args = ['--preset', 'tiny', '--seconds', '0', '--no-autotune', '--json', '--save', 'models.jsonl'];
  const train = jsonLines((await succeed(['bench', 'train', ...args], { cwd })).stdout);
  const [training] = train.filter(({ kind }) => kind === 'train');
  expect(training).toMatchObject({ op: 'training', preset: 'tiny', unit: 'tokens/s', shape: 'batch 8 x 32', runs: 3 });
  expect(training.median).toBeGreaterThan(0);
  expect(training.roofShare).toBeGreaterThan(0);
  const details = training.details as Record<string, number> & { kernels: { name: string; share: number }[] };
  expect(details.javaScriptShare).toBeGreaterThan(0);
  expect(details.javaScriptShare).toBeLessThan(1);
  expect(details.kernels.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
  expect(details.kernels.map(({ name }) => name)).toContain('adamw');

  const sample = jsonLines((await succeed(['bench', 'sample', '--weights', 'f32', 'int4', ...args], { cwd })).stdout);
  const rates = sample.filter(({ kind }) => kind === 'sample');
  const jobs = [
    'decode, 1 stream',
    'decode, 8 streams',
    'decode, 32 streams',
    'prompt, 32 tokens',
    'forward, batch 8 x 32',
  ];
  expect(rates.map(({ op, shape, variant = '' }) => `${op}, ${shape}${variant}`)).toEqual([
    ...jobs,
    ...jobs.map((job) => `${job}int4`),
  ]);
  const [plain, packed] = [rates[0], rates[5]].map(({ details }) => details as Record<string, number>);
  expect(plain.bandwidthShare).toBeGreaterThan(0);
  expect(packed.sizeBytes).toMatchObject({ others: (plain.sizeBytes as unknown as { others: number }).others });
  for (const { median } of rates) expect(median).toBeGreaterThan(0);
  expect(jsonLines(readFileSync(join(cwd, 'models.jsonl'), 'utf8'))).toEqual([...train, ...sample]);
});

it('bench report and bench compare read what was kept', async () => {
  await appendRecords(join(cwd, 'before.jsonl'), records);
  await appendRecords(join(cwd, 'after.jsonl'), [record({ median: 1 })]);
  await succeed(['bench', 'report', 'before.jsonl', '--out', 'speed.html'], { cwd });
  expect(readFileSync(join(cwd, 'speed.html'), 'utf8')).toMatch(/^<!doctype html>[\s\S]*From naive to best/);
  const { stdout } = await succeed(['bench', 'compare', 'before.jsonl', 'after.jsonl'], { cwd });
  expect(stdout).toMatch(/kernel matmul best, forward nano .* ms +2 +1 +2\.00x/);
  const [pair, ...rest] = jsonLines(
    (await succeed(['bench', 'compare', 'before.jsonl', 'after.jsonl', '--json'], { cwd })).stdout,
  );
  expect(pair).toMatchObject({ before: 2, after: 1, ratio: 2 });
  expect(rest).toEqual([]);
});

it('bench ladder shows the WGSL of a rung', async () => {
  const { stdout } = await succeed(['bench', 'ladder', 'softmax', '--show', 'naive'], { cwd });
  expect(stdout).toMatch(/^\/\/ softmax_naive\n[\s\S]*@compute/);
});

it.each([
  ['a shape without its op', 2, ['ladder', '--shape', '3x4'], /--shape and --show need the op/],
  ['an unknown preset', 2, ['train', '--preset', 'huge'], /unknown preset "huge"; the presets are/],
  ['no server', 2, ['serve'], /Give a run with --run, or a server with --url/],
  ['no such commit', 1, ['compare', 'abc', 'def', '--results', 'text.txt'], /text\.txt:1 is no benchmark record/],
])('%s gets one sentence', async (_, code, args, sentence) => {
  const outcome = await dawnlm(['bench', ...args], { cwd });
  expect(outcome.stderr).toMatch(sentence);
  expect(outcome.code).toBe(code);
  expect(existsSync(join(cwd, 'report.html'))).toBe(false);
});
