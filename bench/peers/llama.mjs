/** llama.cpp through node-llama-cpp: decoding, greedy, f32 weights, on the CPU (Metal on a Mac). */
import { writeFileSync } from 'node:fs';
import { ggufFile } from './ggufModel.mjs';
import { CHECKED, loadModule, readWeights, versionOf } from './inputs.ts';
import { serve } from './serve.ts';

const { getLlama, LlamaLogLevel } = await loadModule('node-llama-cpp/dist/index.js');
const llama = await getLlama({ build: 'never', logLevel: LlamaLogLevel.error });
const adapter = llama.gpu
  ? { name: (await llama.getGpuDeviceNames()).join(), software: false, driver: llama.gpu }
  : undefined;

async function* decoded(sequence, first, tokens) {
  for (;;) {
    await sequence.clearHistory();
    let made = 0;
    for await (const token of sequence.evaluate([first], { temperature: 0, yieldEogToken: true })) {
      yield token;
      if (++made === tokens) break;
    }
  }
}

async function decode({ model: job }) {
  const modelPath = `${job.weights}.gguf`;
  writeFileSync(modelPath, ggufFile(readWeights(job), job.sizes));
  const model = await llama.loadModel({ modelPath });
  const { blockSize } = job.sizes;
  // a token of so small a model is microseconds of work between barriers: two threads that spin there are 100 times slower
  const context = await model.createContext({ contextSize: blockSize, threads: 1 });
  const tokens = decoded(context.getSequence(), job.inputs[0], blockSize - 1);
  const next = async () => (await tokens.next()).value;
  const check = [];
  while (check.length < CHECKED.tokens) check.push(await next());
  const run = async (count) => {
    for (let i = 0; i < count; i++) await next();
  };
  return { amount: 1, unit: 'tokens/s', note: 'cache; one thread; biases of zero added', check, run };
}

await serve({ version: versionOf('node-llama-cpp'), adapter, works: { decode } });
