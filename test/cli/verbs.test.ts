import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { dawnlm, jsonLines, succeed, trainTiny, workshop } from '../helpers/dawnlm.ts';

const cwd = workshop();
let trained: Record<string, unknown>[];
beforeAll(async () => {
  trained = jsonLines((await succeed(trainTiny('run', '--json'), { cwd })).stdout);
});

it('train tells its events in JSON and leaves a run folder', () => {
  const types = trained.map(({ type }) => type);
  expect(types.slice(0, 2)).toEqual(['data', 'plan']);
  expect(new Set(types)).toEqual(new Set(['data', 'plan', 'log', 'checkpoint', 'sample', 'result']));
  const result = trained.at(-1)!;
  expect(result).toMatchObject({ type: 'result', status: 'finished', steps: 30, folder: 'run' });
  expect(result.validationLoss).toBeLessThan(Math.log(27));
  for (const file of ['config.json', 'model.safetensors', 'dawnlm-tokenizer.json', 'log.jsonl', 'report.html']) {
    expect(existsSync(join(cwd, 'run', file)), file).toBe(true);
  }
});

it('train shows a curve, samples and what to do next, with settings from preset, file and flags in this order', async () => {
  writeFileSync(join(cwd, 'settings.json'), '{ "nLayer": 3, "nEmbd": 16 }');
  const args = trainTiny('layered', '--config', 'settings.json', '--n-layer', '1', '--bias', '--steps', '10');
  const { stdout, stderr } = await succeed(args, { cwd });
  expect(stdout).toMatch(/training \d\.\d+ .*validation/);
  expect(stdout).toMatch(/Sample 3\n[\s\S]*finished after 10 of 10 steps[\s\S]*report: layered.report\.html/);
  expect(stdout).toContain('npx dawnlm sample --run layered');
  expect(stderr).toMatch(/adapter: .*\n[\s\S]*memory: [\d.]+ [KM]iB/);
  const { config } = JSON.parse(readFileSync(join(cwd, 'layered/run.json'), 'utf8'));
  expect(config).toMatchObject({ nLayer: 1, nEmbd: 16, nHead: 2, bias: true, steps: 10 });
});

it('train reads standard input', async () => {
  const args = ['train', '-', '--preset', 'tiny', '--steps', '2', '--warmup-steps', '0', '--out', 'piped', '--json'];
  const { stdout } = await succeed(args, { cwd, input: readFileSync(join(cwd, 'text.txt'), 'utf8') });
  expect(jsonLines(stdout)[0]).toMatchObject({ type: 'data', card: { name: 'stdin', bytes: expect.any(Number) } });
  for (const [args, advice] of [
    [['eval', '--run', 'piped'], 'dawnlm eval --run piped file.txt'],
    [['train', '--resume', '--out', 'piped', '--steps', '4'], 'npx dawnlm train file.txt --resume --out piped'],
  ] as const) {
    const { code, stderr } = await dawnlm(args, { cwd });
    expect(stderr).toContain('The text that piped was trained on (standard input) cannot be read again. Give');
    expect([code, stderr.includes(advice)]).toEqual([1, true]);
  }
});

it('a run finds its text from another folder, and needs none to score another one', async () => {
  mkdirSync(join(cwd, 'elsewhere'));
  cpSync(join(cwd, 'run'), join(cwd, 'again'), { recursive: true });
  cpSync(join(cwd, 'run'), join(cwd, 'far/away/run'), { recursive: true });
  const there = { cwd: join(cwd, 'elsewhere') };
  await succeed(['train', '--resume', '--out', '../again', '--steps', '31'], there);
  const { stdout } = await succeed(['eval', '--run', '../again', '--json'], there);
  expect(jsonLines(stdout)[0]).toMatchObject({ text: 'the held-out part of text' });
  const { stderr, code } = await dawnlm(['eval', '--run', '../far/away/run'], there);
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/\(text\.txt\) cannot be read again: there is no .*far.away.text\.txt\. Give a text/),
  ]);
  await succeed(['eval', '--run', '../far/away/run', '../text.txt'], there);
});

const sample = (...more: string[]) => ['sample', '--run', 'run', '--tokens', '24', ...more];

it('sample writes the prompt and as many tokens as asked, the same for a seed', async () => {
  const first = await succeed(sample('--prompt', 'the whale', '--seed', '7'), { cwd });
  expect(first.stdout).toMatch(/^the whale/);
  expect(first.stdout).toHaveLength('the whale'.length + 24 + 1);
  const piped = await succeed(sample('--prompt', '-', '--seed', '7'), { cwd, input: 'the whale\n' }); // as `echo` writes it
  expect(piped.stdout).toBe(first.stdout);
});

it('sample writes several samples as JSON, up to a stop text', async () => {
  const { stdout } = await succeed(sample('--count', '3', '--seed', '1', '--stop', 'e', '\\n', '--json'), { cwd });
  const samples = jsonLines(stdout);
  expect(samples).toHaveLength(3);
  expect(new Set(samples.map(({ text }) => text)).size).toBeGreaterThan(1);
  for (const { prompt, text, tokens, seed } of samples) {
    expect({ prompt, seed }).toEqual({ prompt: '', seed: 1 });
    expect(text).not.toMatch(/[e\n]/);
    expect(tokens).toBeLessThanOrEqual(24);
  }
});

it('sample shows what each token was drawn from', async () => {
  const args = sample('--prompt', 'the', '--show-probabilities', '--top-k', '3', '--tokens', '4', '--seed', '1');
  const [{ steps, text }] = jsonLines((await succeed([...args, '--json'], { cwd })).stdout) as [
    { steps: { text: string; candidates: { text: string; probability: number }[] }[]; text: string },
  ];
  expect(steps.map((step) => step.text).join('')).toBe(text);
  for (const { text, candidates } of steps) {
    expect(candidates.map((candidate) => candidate.text)).toContain(text);
    const total = candidates.reduce((sum, { probability }) => sum + probability, 0);
    expect(Math.abs(total - 1)).toBeLessThan(1e-6);
  }
  const { stdout } = await succeed(args, { cwd });
  expect(stdout.match(/^\d\. /gm)).toHaveLength(4);
  expect(stdout.match(/ {2}<$/gm)).toHaveLength(4);
  expect(stdout).toContain(`the${text}\n`);
});

it('sample answers one prompt after the other, and survives those that it cannot read, or not all of', async () => {
  const long = 'the whale '.repeat(4);
  const input = `the \nñ\n${long}\nold `;
  const { stdout, stderr } = await succeed(sample('--interactive', '--seed', '3'), { cwd, input });
  expect(stdout).toContain(`\n${long}`);
  expect(stderr).toMatch(/^the prompt has 40 tokens, and the model's context holds 32: only the last 32 are read$/m);
  expect(stdout.split('\n').length).toBeGreaterThan(2);
  expect(stdout).toMatch(/^the /);
  expect(stdout).toMatch(/^old /m);
  expect(stderr).toMatch(/character "ñ"/);
});

it('eval scores the held-out text as training did, in comparable units', async () => {
  const [figures] = jsonLines(
    (await succeed(['eval', '--run', 'run', '--checkpoint', 'last', '--json'], { cwd })).stdout,
  );
  const loss = figures.loss as number;
  expect(Math.abs(loss - (trained.at(-1)!.validationLoss as number))).toBeLessThan(1e-6);
  expect(figures.perplexity).toBeCloseTo(Math.exp(loss), 9);
  expect(figures.bitsPerByte).toBeCloseTo(loss / Math.LN2, 9); // ASCII characters: a byte a token
  const packed = await succeed(['eval', '--run', 'run', '--checkpoint', 'last', '--weights', 'int8', '--json'], {
    cwd,
  });
  const difference = (jsonLines(packed.stdout)[0].loss as number) - loss;
  expect(Math.abs(difference)).toBeLessThan(0.01);
  expect(difference).not.toBe(0);
  const { stdout } = await succeed(['eval', '--run', 'run', 'text.txt'], { cwd });
  expect(stdout).toMatch(/nats a token +\d\.\d+\nperplexity +\d+\.\d+\nbits a byte .* \d\.\d+\n$/);
});

it('tokenize trains a tokenizer or takes that of a run', async () => {
  writeFileSync(join(cwd, 'known.txt'), 'aaabdaaabac');
  const { stdout } = await succeed(['tokenize', 'known.txt', '--tokenizer', 'bpe:259', '--json'], { cwd });
  const [summary, start, ...tokens] = jsonLines(stdout);
  expect(summary).toMatchObject({ type: 'summary', tokenizer: 'bpe', vocabularySize: 259, bytes: 11, tokens: 5 });
  expect((start.tokens as { id: number }[]).map(({ id }) => id)).toEqual([258, 100, 258, 97, 99]);
  expect(tokens[0]).toEqual({ type: 'token', id: 258, text: 'aaab', hex: '61616162', count: 2 });
  const own = await succeed(['tokenize', '--run', 'run', '--text', 'the sea'], { cwd });
  expect(own.stdout).toMatch(/^char tokenizer[\s\S]*7 bytes are 7 tokens: 1\.00 bytes a token[\s\S]*"t" "h" "e"/);
});

it('doctor finds the adapter, and every kernel right', async () => {
  const { stdout } = await succeed(['doctor', '--json'], { cwd });
  const facts = new Map(jsonLines(stdout).map((line) => [line.type, line]));
  expect(facts.get('machine')).toMatchObject({ node: process.version });
  expect((facts.get('adapters')!.adapters as object[]).length).toBeGreaterThan(0);
  expect(facts.get('device')).toMatchObject({ limits: { maxBufferSize: expect.any(Number) } });
  expect(facts.get('selfTest')).toMatchObject({ failed: [] });
  expect(facts.get('selfTest')!.passed).toBeGreaterThan(20);
  expect(facts.get('speed')!.gflopsPerSecond).toBeGreaterThan(0);
});

it('bench kernels prints figures of the adapter and keeps them', async () => {
  const args = ['bench', 'kernels', '--op', 'scale', '--quick'];
  const rows = jsonLines((await succeed([...args, '--json', '--save', 'figures.jsonl'], { cwd })).stdout);
  const kernels = rows.filter(({ kind }) => kind === 'kernel');
  expect(new Set(kernels.map(({ op }) => op))).toEqual(new Set(['scale']));
  for (const { median, error, adapter } of kernels) {
    expect(median).toBeGreaterThan(0);
    expect(error).toBeLessThan(1e-6);
    expect(adapter).toMatchObject({ name: expect.any(String), software: expect.any(Boolean) });
  }
  expect(jsonLines(readFileSync(join(cwd, 'figures.jsonl'), 'utf8'))).toEqual(rows);
});

it('every verb explains itself with an example', async () => {
  for (const verb of [['train'], ['sample'], ['eval'], ['tokenize'], ['doctor'], ['bench', 'kernels']]) {
    const { stdout } = await succeed([...verb, '--help'], { cwd });
    expect(stdout).toMatch(/--json [\s\S]*Examples?:\n {2}\$ dawnlm/);
  }
});

it('ends quietly when the reader of its output goes away', async () => {
  const gone = await dawnlm(['tokenize', 'text.txt', '--tokenizer', 'byte', '--json'], {
    cwd,
    onError: (_, child) => child.stdout!.destroy(),
  });
  expect(gone.code).toBe(0);
  expect(gone.stderr).not.toMatch(/EPIPE|should not/);
});
