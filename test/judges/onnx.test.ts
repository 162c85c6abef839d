import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeOnnx } from '../../src/export/onnx.ts';
import { exportRun } from '../../src/tasks/text/export.ts';
import { resolveConfig } from '../../src/train/config.ts';
import { trainRun } from '../../src/train/run/run.ts';
import { weightsOf } from '../../src/train/runFolder.ts';
import { loadRun, type SavedRun } from '../../src/train/savedRun.ts';
import { TEXT } from '../helpers/dawnlm.ts';
import { testEngine } from '../helpers/engine.ts';
import { greedy, judge, logitsOf, MODELS, runOf, scratch, tokenizerOf } from './judges.ts';

const folder = scratch();

it.each(MODELS)(
  '$style, biases $bias: logits in onnxruntime, two texts at once, one of them padded',
  async (config) => {
    const { model } = await runOf(config, await tokenizerOf('byte'));
    const { InferenceSession, Tensor } = (await judge('onnxruntime-node')).default;
    const session = await InferenceSession.create(encodeOnnx(model.config, await weightsOf(model.parameters)));
    const texts = [[...'a long one, of 21 byte'], [...'short']].map((text) =>
      text.map((letter) => letter.charCodeAt(0)),
    );
    const [T, gap] = [texts[0].length, texts[0].length - texts[1].length];
    const padded = [...texts[0], ...Array<number>(gap).fill(0), ...texts[1]];
    const mask = padded.map((_, i) => (i >= T && i < T + gap ? 0 : 1));
    const int64 = (numbers: number[]) => new Tensor('int64', BigInt64Array.from(numbers, BigInt), [2, T]);
    const { logits } = await session.run({ input_ids: int64(padded), attention_mask: int64(mask) });
    const theirs = [logits.data.subarray(0, T * 256), logits.data.subarray((T + gap) * 256)];
    for (const [i, ids] of texts.entries()) {
      const errors = (await logitsOf(model, ids)).map((value, at) => Math.abs(theirs[i][at] - value));
      expect(Math.max(...errors)).toBeLessThan(1e-4);
    }
  },
);

it.each(MODELS)('$style, biases $bias: transformers.js goes on as we do, with its cache', async (config) => {
  const run = await runOf(config, await tokenizerOf('bpe:400'));
  const out = `${folder}/${config.style}-${config.bias}`;
  await exportRun(run, 'onnx', out, 'f32');
  const { env, pipeline } = await judge('@huggingface/transformers', 'dist/transformers.node.mjs');
  env.allowRemoteModels = false;
  const write = await pipeline('text-generation', out, { dtype: 'fp32' });
  const [{ generated_text }] = await write('the white whale', { max_new_tokens: 64, do_sample: false });
  const prompt = run.tokenizer.encode('the white whale');
  expect(generated_text).toBe(run.tokenizer.decode([...prompt, ...(await greedy(run.model, prompt, 64))]));
});

/** Trains a run of a style, once. */
async function trained(style: string): Promise<SavedRun> {
  const corpus = {
    ...{ name: 'words', source: 'this test', licence: 'none' },
    async *bytes() {
      yield new TextEncoder().encode(TEXT);
    },
  };
  const config = resolveConfig('tiny', { style, nEmbd: 64, blockSize: 96, tokenizer: 'bpe:300', steps: 100 });
  const [engine, at] = [await testEngine(), join(folder, style)];
  const adapter = { name: 'the test adapter', software: true };
  if (!existsSync(at)) await trainRun({ engine, adapter, corpus, config, folder: at, resume: false });
  return loadRun(engine, at);
}

/** The logits of a text by a file of ours in onnxruntime, (T, V): its build for Node, or that of wasm, which browsers run. */
async function logitsIn(build: 'onnxruntime-node' | 'onnxruntime-web', file: Uint8Array, ids: readonly number[]) {
  const { InferenceSession, Tensor } = (await judge(build)).default;
  const session = await InferenceSession.create(file);
  const int64 = (numbers: readonly number[]) =>
    new Tensor('int64', BigInt64Array.from(numbers, BigInt), [1, ids.length]);
  const { logits } = await session.run({ input_ids: int64(ids), attention_mask: int64(ids.map(() => 1)) });
  return logits.data as Float32Array;
}

const norm = (numbers: Float32Array): number => Math.sqrt(numbers.reduce((sum, value) => sum + value ** 2, 0));
const apart = (a: Float32Array, b: Float32Array): number => norm(a.map((value, i) => value - b[i])) / norm(a);

it.each(['gpt2', 'llama'])('%s in 8 bits: a quarter of the bytes, and nearly our logits', async (style) => {
  const { model, tokenizer } = await trained(style);
  const ids = tokenizer.encode(TEXT).slice(0, 96);
  const weights = await weightsOf(model.parameters);
  const [whole, small] = [false, true].map((quantized) => encodeOnnx(model.config, weights, { quantized }));
  expect(small.length / whole.length).toBeLessThan(0.3);
  const ours = await logitsOf(model, ids);
  for (const build of ['onnxruntime-node', 'onnxruntime-web'] as const) {
    const errors = [apart(ours, await logitsIn(build, whole, ids)), apart(ours, await logitsIn(build, small, ids))];
    console.log(
      `${style} in ${build}: logits are off by ${errors.map((one) => one.toExponential(1)).join(', 8 bits ')}`,
    );
    expect(errors[0]).toBeLessThan(1e-5);
    expect(errors[1]).toBeLessThan(0.03);
  }
});

it.each(['gpt2', 'llama'])(
  'a trained %s: our greedy text in fp32, and in q8 until two tokens are nearly as likely',
  async (style) => {
    const run = await trained(style);
    const { model, tokenizer } = run;
    const out = `${folder}/${style} in 8 bits`;
    await exportRun(run, 'onnx', out, 'f32');
    const { env, pipeline } = await judge('@huggingface/transformers', 'dist/transformers.node.mjs');
    env.allowRemoteModels = false;
    const options = { max_new_tokens: 64, do_sample: false };
    const [fp32, q8] = await Promise.all(['fp32', 'q8'].map((dtype) => pipeline('text-generation', out, { dtype })));
    const all = tokenizer.encode(TEXT);
    const agreed: number[] = [];
    for (let start = 0; start < 200; start += 50) {
      const prompt = all.slice(start, start + 16);
      const ours = [...prompt, ...(await greedy(model, prompt, 64))];
      const text = tokenizer.decode(prompt);
      const [[whole], [small]] = [await fp32(text, options), await q8(text, options)];
      expect(whole.generated_text).toBe(tokenizer.decode(ours));
      const theirs = tokenizer.encode(small.generated_text);
      const parted = ours.findIndex((id, at) => id !== theirs[at]);
      agreed.push((parted < 0 ? ours.length : parted) - prompt.length);
      if (parted < 0) continue;
      const row = (await logitsOf(model, ours.slice(0, parted))).subarray(-model.config.vocabSize);
      expect(row[ours[parted]] - row[theirs[parted]]).toBeLessThan(0.2);
    }
    console.log(`${style}: of 64 tokens ${agreed.join(', ')} are the same in 8 bits`);
  },
);
