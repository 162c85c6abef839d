import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { decodeSafetensors } from '../../src/export/safetensors.ts';
import { dawnlm, jsonLines, succeed, workshop } from '../helpers/dawnlm.ts';

const HF = new URL('../golden/data/hf', import.meta.url).pathname;
const cwd = workshop();
cpSync(join(HF, 'gpt2-own-head'), join(cwd, 'a model'), { recursive: true });
rmSync(join(cwd, 'a model', 'expected.safetensors'));
cpSync(join(HF, 'tokenizer.json'), join(cwd, 'a model', 'tokenizer.json'));

it('a model of others is imported, samples, scores, is tuned and goes out again with its weights', async () => {
  const { stdout, stderr } = await succeed(['import', 'a model', '--out', 'run'], { cwd });
  expect(stdout).toMatch(
    /^run: a gpt2 model of 6,144 parameters \(24\.0 KiB as float32\)\n {2}weights: BF16 from 2 files\n/,
  );
  expect(stdout).toMatch(/tokenizer: byte-level BPE, 268 tokens\n\nnpx dawnlm sample --run run /);
  expect(stderr).toMatch(/note: lm_head\.weight is not the token embedding/);
  const sampled = await succeed(['sample', '--run', 'run', '--prompt', ' the whale', '--seed', '1', '--json'], { cwd });
  const [{ text, tokens }] = jsonLines(sampled.stdout) as { text: string; tokens: number }[];
  expect(text).not.toContain('<|endoftext|>'); // where it ends
  expect(tokens).toBeGreaterThan(0);
  const scored = await succeed(['eval', 'text.txt', '--run', 'run', '--json'], { cwd });
  expect(jsonLines(scored.stdout)[0].loss).toBeGreaterThan(1);
  const tuning = ['--run', 'run', '--steps', '2', '--batch-size', '2'];
  await succeed(['finetune', 'text', 'text.txt', ...tuning, '--method', 'lora', '--out', 'tuned'], { cwd });
  await succeed(['export', '--run', 'run', '--to', 'hf', '--out', 'out'], { cwd });
  const { tensors } = decodeSafetensors(readFileSync(join(cwd, 'out/hf/model.safetensors')), 'exported');
  const parts = ['1', '2'].map((part) => join(cwd, `a model/model-0000${part}-of-00002.safetensors`));
  const given = parts.flatMap((file) => [...decodeSafetensors(readFileSync(file), file).tensors]);
  expect(new Set(tensors.keys())).toEqual(new Set(given.map(([name]) => name)));
  for (const [name, { data }] of given) expect(tensors.get(name)?.data, name).toEqual(data);
});

it.each([
  ['a run that is there', ['import', 'a model', '--out', 'run'], 1, /run holds a run already: choose another folder/],
  ['the folder of the model', ['import', 'a model', '--out', './a model'], 2, /holds the model itself/],
  ['the text that it was trained on', ['eval', '--run', 'run'], 1, /run was imported, without the text/],
  ['to be trained on', ['train', 'text.txt', '--resume', '--out', 'run'], 1, /Tune it \(npx dawnlm finetune text/],
])('%s is refused', async (_, args, code, sentence) => {
  const outcome = await dawnlm(args, { cwd });
  expect(outcome.stderr).toMatch(sentence);
  expect(outcome.code).toBe(code);
});
