import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../src/export/safetensors.ts';
import { dawnlm, succeed, trainedRun, workshop } from '../helpers/dawnlm.ts';

/** That the files are right is what test/judges asks the programs that read them. */

const cwd = workshop();
beforeAll(() => trainedRun(cwd));

it('all formats, each in a folder of its own, with the line that loads it; what one cannot hold is said', async () => {
  const args = ['export', '--run', 'run', '--to', 'all', '--type', 'q8_0', '--out', 'for others'];
  const { stdout, stderr } = await succeed(args, { cwd });
  const files = [
    'hf/model.safetensors',
    'hf/tokenizer.json',
    'gguf/model.gguf',
    'ollama/Modelfile',
    'onnx/onnx/model.onnx',
  ];
  for (const file of files) {
    expect(existsSync(join(cwd, 'for others', file)), file).toBe(true);
    expect(stdout).toContain(join('for others', file));
  }
  expect(stdout).toContain("llama-cli -m 'for others/gguf/model.gguf'");
  expect(readFileSync(join(cwd, 'for others/ollama/Modelfile'), 'utf8')).toMatch(/^FROM \.\/model\.gguf\n/);
  expect(stderr).toMatch(/note: hf has no q8_0: its weights are f32/);
  expect(stderr).toMatch(/llama\.cpp stops at "." unless it is told --ignore-eos/);
});

it('goes on in PyTorch: with the text and the state of the optimizer, or a fresh one where there is none', async () => {
  const export_ = (run: string) => succeed(['export', '--run', run, '--to', 'torch', '--out', run], { cwd });
  const { stdout, stderr } = await export_('run');
  expect(stdout).toMatch(/torchrun --nproc_per_node=2 run\/torch\/train\.py/);
  expect(stderr).toMatch(/note: all of the 30 steps are done: raise STEPS in train\.py to train on/);
  const files = ['model.py', 'train.py', 'checkpoint.safetensors', 'train.bin', 'validation.bin', 'README.md'];
  for (const file of files) expect(existsSync(join(cwd, 'run/torch', file)), file).toBe(true);
  cpSync(join(cwd, 'run'), join(cwd, 'bare'), { recursive: true });
  for (const gone of ['resume.safetensors', 'torch']) rmSync(join(cwd, 'bare', gone), { recursive: true });
  expect((await export_('bare')).stderr).toMatch(/no resume\.safetensors: the optimizer begins anew, at step 0 of 30/);
});

it('says why PyTorch cannot go on: a text that is another by now', async () => {
  cpSync(join(cwd, 'run'), join(cwd, 'elsewhere/run'), { recursive: true });
  writeFileSync(join(cwd, 'elsewhere/text.txt'), 'another text');
  const args = ['export', '--run', 'run', '--to', 'torch'];
  const { code, stderr } = await dawnlm(args, { cwd: join(cwd, 'elsewhere') });
  expect(stderr).toMatch(/text\.txt has changed since run was trained on it\. .*--to torch --text file\.txt/);
  expect(code).toBe(1);
  await succeed([...args, '--text', join(cwd, 'text.txt')], { cwd: join(cwd, 'elsewhere') });
});

it('does not write over what PyTorch has trained since', async () => {
  const file = join(cwd, 'run/torch/checkpoint.safetensors');
  const { tensors, metadata } = decodeSafetensors(readFileSync(file), file);
  const later = { ...metadata, state: JSON.stringify({ ...JSON.parse(metadata.state), step: 31 }) };
  const named = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
  writeFileSync(file, Buffer.concat(encodeSafetensors(named, later)));
  const { code, stderr } = await dawnlm(['export', '--run', 'run', '--to', 'torch', '--out', 'run'], { cwd });
  expect(stderr).toMatch(/in run\/torch PyTorch has gone on to step 31, and this run is at step 30/);
  expect(code).toBe(1);
});

it.each([
  ['a type that a format has not', 2, ['--to', 'hf', '--type', 'q8_0'], /hf holds weights as f32 or f16, not as q8_0/],
  ['a format that there is not', 2, ['--to', 'tf'], /Allowed choices are hf, gguf, ollama, onnx, torch, all/],
  ['no format', 2, [], /required option '--to/],
])('%s is refused', async (_, code, more, sentence) => {
  const outcome = await dawnlm(['export', '--run', 'run', ...more], { cwd });
  expect(outcome.stderr).toMatch(sentence);
  expect(outcome.code).toBe(code);
});
