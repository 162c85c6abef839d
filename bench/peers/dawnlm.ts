/** dawnlm among its peers. Before each work it measures the forms of kernels that no table knows, as training does. */
import { readFileSync } from 'node:fs';
import { openEngine } from '../../src/cli/engine.ts';
import { matmul } from '../../src/kernels/matmul/matmul.ts';
import { isSmallWork } from '../../src/model/decodeStep.ts';
import { Generator } from '../../src/model/generate.ts';
import { GPT } from '../../src/model/gpt.ts';
import type { Recording } from '../../src/tensor/engine.ts';
import type { Dispatched } from '../../src/tensor/kernel.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { autotune } from '../../src/train/autotune.ts';
import { modelConfig, resolveConfig, type TrainConfig } from '../../src/train/config.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { CHECKED, ends, matmulAmount, matrices, matrix, readWeights } from './inputs.ts';
import type { Job, ModelJob } from './job.ts';
import { type Prepared, serve } from './serve.ts';

const { engine, adapter } = await openEngine();

/** The job's settings as those of a run. */
function configOf({ sizes: { vocabSize, ...sizes }, settings }: ModelJob): TrainConfig {
  return resolveConfig('nano', { ...sizes, ...settings, schedule: 'constant', warmupSteps: 0 });
}

function makeModel(job: ModelJob, on = engine): GPT {
  const model = new GPT(on, modelConfig(configOf(job), job.sizes.vocabSize));
  const weights = new Map(readWeights(job).map(({ name, data }) => [name, data]));
  model.parameters.values.write(model.parameters.join((name) => weights.get(name)!));
  return model;
}

/** Measures the forms of kernels that no table knows. */
const tune = (dispatches: readonly Dispatched[], on = engine) => autotune(on, dispatches, adapter, {});

async function train({ model: job }: Job): Promise<Prepared> {
  const trainer = new Trainer(makeModel(job), configOf(job));
  const batch = { inputs: Uint32Array.from(job.inputs), targets: Uint32Array.from(job.targets) };
  await tune(trainer.rehearse());
  const run = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) trainer.train([batch]);
    await engine.device.finish();
  };
  await run(CHECKED.steps);
  const check = (await trainer.metrics(CHECKED.steps)).map(({ loss }) => loss);
  return { amount: job.inputs.length, unit: 'tokens/s', check, run };
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
  const run = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) pass.run();
    await engine.device.finish();
  };
  await run(1);
  return { amount: job.inputs.length, unit: 'tokens/s', check: ends(await pass.outputs.logits.floats()), run };
}

async function decode({ model: job }: Job): Promise<Prepared> {
  const config = modelConfig(configOf(job), job.sizes.vocabSize);
  const own = await openEngine(undefined, { smallWork: isSmallWork(config, 1) }); // as the verb `sample` does
  const model = makeModel(job, own.engine);
  await tune(
    own.engine.observe(() => new Generator(model)),
    own.engine,
  );
  const generator = new Generator(model);
  const greedy = { temperature: 0, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1, seed: 0 };
  const texts = (async function* () {
    for (;;) yield* generator.generate([[job.inputs[0]]], { ...greedy, tokens: job.sizes.blockSize });
  })();
  const next = async (): Promise<number> => (await texts.next()).value!.tokens[0];
  const check: number[] = [];
  while (check.length < CHECKED.tokens) check.push(await next());
  const run = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await next();
  };
  return { amount: 1, unit: 'tokens/s', note: 'cache', check, run };
}

async function product({ n }: Job): Promise<Prepared> {
  const [left, right] = matrices(n!);
  const [a, b] = [engine.zeros([n!, n!]), engine.zeros([n!, n!])];
  const pass = engine.withoutGradients(() => engine.record(() => ({ c: matmul({ a, b }) })));
  const run = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      a.write(left);
      b.write(right);
      pass.run();
    }
    await engine.device.finish();
  };
  await run(1);
  const check = ends(await pass.outputs.c.floats());
  return { amount: matmulAmount(n!), unit: 'GFLOP/s', note: 'with uploads', check, run };
}

/** The products of a step, each with its operands uploaded anew. */
async function products({ form, shapes }: Job): Promise<Prepared> {
  const [transposeA, transposeB] = [form === 'TN', form === 'NT'];
  const operands = shapes!.map(([M, N, K], i) => ({
    a: { tensor: engine.zeros(transposeA ? [K, M] : [M, K]), data: matrix(M * K, i) },
    b: { tensor: engine.zeros(transposeB ? [N, K] : [K, N]), data: matrix(N * K, i + 1) },
  }));
  const pass = await record(() =>
    Object.fromEntries(
      operands.map(({ a, b }, i) => [i, matmul({ a: a.tensor, b: b.tensor }, { transposeA, transposeB })]),
    ),
  );
  const run = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      for (const { tensor, data } of operands.flatMap(({ a, b }) => [a, b])) tensor.write(data);
      pass.run();
    }
    await engine.device.finish();
  };
  await run(1);
  const check: number[] = [];
  for (const c of Object.values(pass.outputs)) check.push(...ends(await c.floats()));
  const amount = shapes!.reduce((sum, [M, N, K]) => sum + (2 * M * N * K) / 1e9, 0);
  return { amount, unit: 'GFLOP/s', note: 'with uploads', check, run };
}

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
await serve({
  version,
  adapter: { ...adapter, driver: engine.capabilities.name },
  works: { train, forward, decode, matmul: product, products },
});
