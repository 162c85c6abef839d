/** dawnlm among its peers. Before each work it measures the forms of kernels that no table knows, as training does. */

import { readFileSync } from 'node:fs';
import { openEngine } from '../../src/cli/engine.ts';
import { matmul } from '../../src/kernels/matmul/matmul.ts';
import { NO_FILTERS } from '../../src/kernels/sampling/settings.ts';
import { isSmallWork } from '../../src/model/decodeStep.ts';
import { Generator } from '../../src/model/generate.ts';
import { GPT } from '../../src/model/gpt.ts';
import type { Recording } from '../../src/tensor/engine.ts';
import type { Dispatched } from '../../src/tensor/kernel.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { autotune } from '../../src/train/autotune.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { CHECKED, ends, firstTokens, matmulAmount, matrices, matrix, readWeights } from './inputs.ts';
import type { Form, Job, ModelJob } from './job.ts';
import { type Prepared, serve } from './serve.ts';

const { engine, adapter } = await openEngine();
const finish = () => engine.device.finish();

function makeModel(job: ModelJob, on = engine): GPT {
  const model = new GPT(on, job.sizes);
  const weights = new Map(readWeights(job).map(({ name, data }) => [name, data]));
  model.parameters.values.write(model.parameters.join((name) => weights.get(name)!));
  return model;
}

/** Measures the forms of kernels that no table knows. */
const tune = (dispatches: readonly Dispatched[], on = engine) => autotune(on, dispatches, adapter, {});

async function train({ model: job }: Job): Promise<Prepared> {
  const trainer = new Trainer(makeModel(job), job.settings);
  const batch = { inputs: Uint32Array.from(job.inputs), targets: Uint32Array.from(job.targets) };
  await tune(trainer.rehearse());
  const step = () => trainer.train([batch]);
  for (let i = 0; i < CHECKED.steps; i++) step();
  const check = (await trainer.metrics(CHECKED.steps)).map(({ loss }) => loss);
  return { amount: job.inputs.length, unit: 'tokens/s', check, step, finish };
}

/** Records a work without gradients, with its kernels tuned. */
async function record<T extends Record<string, Tensor>>(work: () => T): Promise<Recording<T>> {
  await tune(engine.observe(() => engine.withoutGradients(() => engine.device.capture(work))));
  return engine.withoutGradients(() => engine.record(work));
}

async function forward({ model: job }: Job): Promise<Prepared> {
  const model = makeModel(job);
  const { batchSize, blockSize } = job.sizes;
  const ids = engine.tensor(Uint32Array.from(job.inputs), [batchSize, blockSize]); // (B, T)
  const pass = await record(() => ({ logits: model.logits(model.hidden(ids)) }));
  pass.run();
  const check = ends(await pass.outputs.logits.floats());
  return { amount: job.inputs.length, unit: 'tokens/s', check, step: () => pass.run(), finish };
}

async function decode({ model: job }: Job): Promise<Prepared> {
  const own = await openEngine(undefined, { smallWork: isSmallWork(job.sizes, 1) }); // as the verb `sample` does
  const model = makeModel(job, own.engine);
  await tune(
    own.engine.observe(() => new Generator(model)),
    own.engine,
  );
  const generator = new Generator(model);
  const greedy = { ...NO_FILTERS, temperature: 0, seed: 0 };
  const texts = (async function* () {
    for (;;) yield* generator.generate([[job.inputs[0]]], { ...greedy, tokens: job.sizes.blockSize });
  })();
  const next = async (): Promise<number> => (await texts.next()).value!.tokens[0];
  return { amount: 1, unit: 'tokens/s', note: 'cache', check: await firstTokens(next), step: next };
}

/** A matrix on both sides of the bus. */
interface Operand {
  tensor: Tensor;
  data: Float32Array<ArrayBuffer>;
}

const operand = (shape: number[], data: Float32Array<ArrayBuffer>): Operand => ({ tensor: engine.zeros(shape), data });

/** Products, each with its operands uploaded anew. `amount` is 10^9 operations. */
async function multiply(pairs: readonly { a: Operand; b: Operand }[], amount: number, form?: Form): Promise<Prepared> {
  const attributes = { transposeA: form === 'TN', transposeB: form === 'NT' };
  const pass = await record(() =>
    Object.fromEntries(pairs.map(({ a, b }, i) => [i, matmul({ a: a.tensor, b: b.tensor }, attributes)])),
  );
  const step = (): void => {
    for (const { tensor, data } of pairs.flatMap(({ a, b }) => [a, b])) tensor.write(data);
    pass.run();
  };
  step();
  const check: number[] = [];
  for (const c of Object.values(pass.outputs)) check.push(...ends(await c.floats()));
  return { amount, unit: 'GFLOP/s', note: 'with uploads', check, step, finish };
}

function product({ n }: Job): Promise<Prepared> {
  const [a, b] = matrices(n!).map((data) => operand([n!, n!], data));
  return multiply([{ a, b }], matmulAmount(n!));
}

/** The products of a step. */
function products({ form, shapes }: Job): Promise<Prepared> {
  const pairs = shapes!.map(([M, N, K], i) => ({
    a: operand(form === 'TN' ? [K, M] : [M, K], matrix(M * K, i)),
    b: operand(form === 'NT' ? [N, K] : [K, N], matrix(N * K, i + 1)),
  }));
  const amount = shapes!.reduce((sum, [M, N, K]) => sum + (2 * M * N * K) / 1e9, 0);
  return multiply(pairs, amount, form);
}

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
await serve({
  version,
  adapter: { ...adapter, driver: engine.capabilities.name },
  works: { train, forward, decode, matmul: product, products },
});
