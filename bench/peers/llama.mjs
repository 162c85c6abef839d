/** llama.cpp through node-llama-cpp: decoding, greedy, f32 weights, on the CPU (Metal on a Mac). */
import { writeFileSync } from 'node:fs';
import { encodeGguf } from '../../src/export/gguf.ts';
import { firstTokens, loadModule, readWeights, versionOf } from './inputs.ts';
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

/** A made-up vocabulary, which llama.cpp asks for: nothing is tokenized. */
function vocabulary(size) {
  const tokens = Array.from({ length: size }, (_, i) => String.fromCodePoint(33 + i));
  const named = { model: 'gpt2', pre: 'gpt-2', tokens, merges: [`${tokens[0]} ${tokens[1]}`] };
  return Object.fromEntries(Object.entries(named).map(([name, value]) => [`tokenizer.ggml.${name}`, value]));
}

async function decode({ model: { weights, sizes, ...job } }) {
  const modelPath = `${weights}.gguf`;
  const pieces = encodeGguf(sizes, readWeights({ weights, ...job }), vocabulary(sizes.vocabSize));
  writeFileSync(modelPath, Buffer.concat(pieces));
  const model = await llama.loadModel({ modelPath });
  // a token of so small a model is microseconds of work between barriers: two threads that spin there are 100 times slower
  const context = await model.createContext({ contextSize: sizes.blockSize, threads: 1 });
  const tokens = decoded(context.getSequence(), job.inputs[0], sizes.blockSize - 1);
  const next = async () => (await tokens.next()).value;
  const note = 'cache; one thread; biases of zero added';
  return { amount: 1, unit: 'tokens/s', note, check: await firstTokens(next), step: next };
}

await serve({ version: versionOf('node-llama-cpp'), adapter, works: { decode } });
