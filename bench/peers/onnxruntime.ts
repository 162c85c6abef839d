/**
 * onnxruntime-node on the CPU or by its WebGPU provider (DAWNLM_PEER_BACKEND): the forward pass, as a graph that it optimizes
 * itself, and products. The provider has a Dawn of its own, which takes the first adapter that Vulkan shows.
 */
import { availableParallelism } from 'node:os';
import { encodeOnnx } from '../../src/export/onnx.ts';
import { FLOAT, OnnxGraph } from '../../src/export/onnxGraph.ts';
import { backend, ends, load, matmulAmount, matrices, openGpu, readWeights, versionOf } from './inputs.ts';
import type { Job } from './job.ts';
import { type Prepared, serve } from './serve.ts';

/** What is used of the library. */
interface OnnxRuntime {
  InferenceSession: { create(file: Uint8Array, options: object): Promise<Session> };
  Tensor: new (type: string, data: ArrayBufferView, shape: readonly number[]) => { data: Float32Array };
}
interface Session {
  outputNames: string[];
  run(feeds: object): Promise<Record<string, { data: Float32Array }>>;
}

const { adapter } = await openGpu();
const { InferenceSession, Tensor } = load('onnxruntime-node') as OnnxRuntime;

/** A work that runs a graph on inputs. */
async function prepare(file: Uint8Array, feeds: object, amount: number, unit: string): Promise<Prepared> {
  // threads that spin between operators take cores from one another where others work too: 3 times slower on two busy cores
  const extra = { session: { intra_op: { allow_spinning: '0' } } };
  const threads = { intraOpNumThreads: availableParallelism(), extra };
  const options = { graphOptimizationLevel: 'all', executionProviders: [backend], ...threads };
  const session = await InferenceSession.create(file, options);
  const step = () => session.run(feeds);
  const note = adapter && 'with uploads, results read back';
  return { amount, unit, note, check: ends((await step())[session.outputNames[0]].data), step };
}

function forward({ model: job }: Job): Promise<Prepared> {
  const { sizes, inputs } = job;
  const window = [sizes.batchSize, sizes.blockSize] as const;
  const int64 = (numbers: number[]) => new Tensor('int64', BigInt64Array.from(numbers, BigInt), window);
  const feeds = { input_ids: int64(inputs), attention_mask: int64(inputs.map(() => 1)) };
  return prepare(encodeOnnx(sizes, readWeights(job)), feeds, inputs.length, 'tokens/s');
}

function matmul({ n }: Job): Promise<Prepared> {
  const shape = [n!, n!];
  const [a, b] = matrices(n!).map((data) => new Tensor('float32', data, shape));
  const graph = new OnnxGraph();
  const [left, right, product] = ['a', 'b', graph.add('MatMul', ['a', 'b'])].map(
    (name) => ({ name, type: FLOAT, shape }) as const,
  );
  return prepare(graph.encode('matmul', [left, right], [product]), { a, b }, matmulAmount(n!), 'GFLOP/s');
}

await serve({ version: versionOf('onnxruntime-node'), adapter, works: { forward, matmul } });
