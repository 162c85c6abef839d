/**
 * onnxruntime-node on the CPU or by its WebGPU provider (DAWNLM_PEER_BACKEND): the forward pass, as a graph that it optimizes
 * itself, and products. The provider has a Dawn of its own, which takes the first adapter that Vulkan shows.
 */
import { availableParallelism } from 'node:os';
import { openAdapter } from '../../src/node/drivers.ts';
import { ends, load, matmulAmount, matrices, readWeights, versionOf } from './inputs.ts';
import { matmulFile, modelFile } from './onnxModel.mjs';
import { serve } from './serve.ts';

const backend = process.env.DAWNLM_PEER_BACKEND;
/** Opening an adapter sets the driver in this process's environment; the provider then finds the same one. */
const opened = backend === 'webgpu' ? await openAdapter() : undefined;
const adapter = opened && { name: opened.description, software: opened.software, driver: opened.driver };
const note = opened && 'with uploads, results read back';
const { InferenceSession, Tensor } = load('onnxruntime-node');

/** A work that runs a graph on inputs. */
async function prepare(file, feeds, amount, unit) {
  // threads that spin between operators take cores from one another where others work too: 3 times slower on two busy cores
  const extra = { session: { intra_op: { allow_spinning: '0' } } };
  const threads = { intraOpNumThreads: availableParallelism(), extra };
  const options = { graphOptimizationLevel: 'all', executionProviders: [backend], ...threads };
  const session = await InferenceSession.create(file, options);
  const [output] = session.outputNames;
  const run = async (count) => {
    for (let i = 0; i < count; i++) await session.run(feeds);
  };
  return { amount, unit, note, check: ends((await session.run(feeds))[output].data), run };
}

function forward({ model: job }) {
  const { batchSize, blockSize } = job.sizes;
  const ids = new Tensor('int64', BigInt64Array.from(job.inputs, BigInt), [batchSize, blockSize]);
  return prepare(modelFile(readWeights(job), job.sizes), { ids }, job.inputs.length, 'tokens/s');
}

function matmul({ n }) {
  const [a, b] = matrices(n).map((data) => new Tensor('float32', data, [n, n]));
  return prepare(matmulFile(n), { a, b }, matmulAmount(n), 'GFLOP/s');
}

await serve({ version: versionOf('onnxruntime-node'), adapter, works: { forward, matmul } });
