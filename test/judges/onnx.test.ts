import { expect, it } from 'vitest';
import { encodeOnnx } from '../../src/export/onnx.ts';
import { exportRun } from '../../src/tasks/text/export.ts';
import { weightsOf } from '../../src/train/runFolder.ts';
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
