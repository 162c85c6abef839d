import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { peersFolder } from '../../bench/peers/catalog.ts';
import { encodeGguf } from '../../src/export/gguf.ts';
import { encodeOnnx } from '../../src/export/onnx.ts';
import type { ModelConfig } from '../../src/model/config.ts';
import { Generator } from '../../src/model/generate.ts';
import { GPT } from '../../src/model/gpt.ts';
import { GPT2, LLAMA, weightsOf } from '../export/exported.ts';
import { testEngine } from '../helpers/engine.ts';

/** Libraries that others come from npm on demand (dawnlm bench peers --install): where they are, they judge the files. */
const inPeers = (...path: string[]): string => join(peersFolder(), 'node_modules', ...path);
const hasNot = (name: string): boolean => !existsSync(inPeers(name, 'package.json'));

async function modelOf(config: ModelConfig) {
  const weights = weightsOf(config);
  const engine = await testEngine();
  const model = new GPT(engine, config);
  const data = new Map(weights.map((weight) => [weight.name, weight.data as Float32Array<ArrayBuffer>]));
  model.parameters.values.write(model.parameters.join((name) => data.get(name)!));
  return { engine, model, weights };
}

const CONFIGS = [
  GPT2,
  { ...GPT2, bias: true, tieEmbeddings: false },
  LLAMA,
  { ...LLAMA, nKvHead: 2, tieEmbeddings: true },
];

describe.each(CONFIGS)(
  'a model of the $style style, biases $bias, $nKvHead key heads, tied $tieEmbeddings',
  (config) => {
    it.skipIf(hasNot('onnxruntime-node'))('has its logits in onnxruntime', async () => {
      const { engine, model, weights } = await modelOf(config);
      const { InferenceSession, Tensor } = createRequire(inPeers('package.json'))('onnxruntime-node');
      const ids = Uint32Array.from({ length: 14 }, (_, i) => (i * i) % 11);
      const logits = engine.withoutGradients(() => model.logits(model.hidden(engine.tensor(ids, [2, 7])))); // T below blockSize
      const session = await InferenceSession.create(encodeOnnx(config, weights, [2, 7]));
      const results = await session.run({ ids: new Tensor('int64', BigInt64Array.from(ids, BigInt), [2, 7]) });
      const theirs: Float32Array = results[session.outputNames[0]].data;
      const errors = (await logits.floats()).map((value, i) => Math.abs(theirs[i] - value));
      expect(Math.max(...errors)).toBeLessThan(1e-4);
    });

    it.skipIf(hasNot('node-llama-cpp'))('goes on alike in llama.cpp', async () => {
      const { model, weights } = await modelOf(config);
      const folder = mkdtempSync(join(tmpdir(), 'dawnlm-gguf-'));
      const modelPath = join(folder, 'model.gguf');
      const tokens = [...'abcdefghijk'];
      const named = { model: 'gpt2', pre: 'gpt-2', tokens, merges: ['a b'] };
      const vocabulary = Object.entries(named).map(([name, value]) => [`tokenizer.ggml.${name}`, value]);
      writeFileSync(modelPath, Buffer.concat(encodeGguf(config, weights, Object.fromEntries(vocabulary))));
      const { getLlama } = await import(pathToFileURL(inPeers('node-llama-cpp', 'dist', 'index.js')).href);
      const llama = await getLlama({ build: 'never', gpu: false, logLevel: 'error' });
      const context = await (await llama.loadModel({ modelPath })).createContext({ contextSize: 8, threads: 1 });
      const theirs: number[] = [];
      for await (const token of context.getSequence().evaluate([1, 2], { temperature: 0, yieldEogToken: true })) {
        if (theirs.push(token) === 6) break;
      }
      await llama.dispose();
      rmSync(folder, { recursive: true });
      const greedy = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0, tokens: 6 };
      const ours: number[] = [];
      for await (const step of new Generator(model).generate([[1, 2]], greedy)) ours.push(step.tokens[0]);
      expect(ours).toEqual(theirs);
    });
  },
);
