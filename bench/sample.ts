/** How fast are decoding, prompts and forward passes, with weights of which format? */

import { asRate, timingOf } from '../src/check/measure.ts';
import { benchConfig, VOCABULARY } from '../src/check/workloads.ts';
import { NO_FILTERS } from '../src/kernels/sampling/settings.ts';
import { isSmallWork } from '../src/model/decodeStep.ts';
import { Generator } from '../src/model/generate.ts';
import type { GPT } from '../src/model/gpt.ts';
import { quantizeModel, weightBytes } from '../src/model/quantized.ts';
import type { Engine } from '../src/tensor/engine.ts';
import type { WeightFormat } from '../src/tensor/operands/packing.ts';
import { autotune } from '../src/train/autotune.ts';
import { modelConfig, type TrainConfig } from '../src/train/config.ts';
import { flopsPerToken, freshModel, inRounds, type ModelBenchOptions, someTokens, timeOf } from './models.ts';
import type { Measurement } from './record.ts';
import { underRoof } from './roof.ts';

/** Streams that are decoded at once. */
export const BATCHES = [1, 8, 32] as const;

export interface SampleBenchOptions extends ModelBenchOptions {
  /** The same adapter as the verb `sample` opens it for a small model. */
  openForSmallWork: () => Promise<Engine>;
  /** How weights are held: models of all of these formats take turns. */
  weights: readonly WeightFormat[];
}

/** Work that takes turns with the others. */
interface Job {
  op: string;
  shape: string;
  /** Tokens of one run. */
  tokens: number;
  /** Whether its tokens take the operations of a forward pass at full context. */
  full: boolean;
  weights: WeightFormat;
  /** Of the model's weights (see `weightBytes`), and how often a run reads them, where that is what it takes time for. */
  sizeBytes: ReturnType<typeof weightBytes>;
  steps?: number;
  run(): Promise<void>;
}

type Unweighted = Omit<Job, 'weights' | 'sizeBytes'>;

/** The model of some settings, its weights held in a format. */
async function modelOf(engine: Engine, config: TrainConfig, weights: WeightFormat): Promise<GPT> {
  const model = freshModel(engine, config);
  return weights === 'f32' ? model : quantizeModel(model, weights);
}

/**
 * Tokens a second of decoding with the cache for some batches, of a prompt that fills the context, and of forward passes
 * over a batch: all taking turns, with the roof.
 */
export async function benchSample(
  engine: Engine,
  adapter: { name: string; software: boolean },
  { preset, seconds, autotune: tuned, openForSmallWork, weights: formats }: SampleBenchOptions,
): Promise<Measurement[]> {
  const config = benchConfig(preset);
  const smallEngine = await openForSmallWork();
  const jobs: Job[] = [];
  for (const weights of formats) {
    const model = await modelOf(engine, config, weights);
    const small = await modelOf(smallEngine, config, weights);
    if (tuned) await tuneFor(engine, adapter, model, config.batchSize);
    const chosen = (batch: number) => (isSmallWork(model.config, batch) ? small : model);
    const made = [
      ...BATCHES.map((batch) => decoding(chosen(batch), batch)),
      prompt(chosen(1)),
      forwardPass(engine, model, config.batchSize),
    ];
    jobs.push(...made.map((job) => ({ ...job, weights, sizeBytes: weightBytes(model) })));
  }
  const round = async (): Promise<number[]> => {
    const times: number[] = [];
    for (const { run } of jobs) times.push(await timeOf(run));
    return times;
  };
  const firstMs = await round();
  const { result: rounds, roof } = await underRoof(engine, () => inRounds(seconds, round));
  const forwardFlops = flopsPerToken(modelConfig(config, VOCABULARY)) / 3;
  const measurements = jobs.map(({ op, shape, tokens, full, weights, sizeBytes, steps }, i): Measurement => {
    const timing = timingOf(rounds.map((times) => times[i]));
    const rate = asRate(timing, tokens);
    const gflopsPerSecond = (rate.median * forwardFlops) / 1e9;
    const rates = full ? { gflopsPerSecond, roofShare: gflopsPerSecond / roof.gflopsPerSecond } : {};
    const gigabytesPerSecond = steps && asRate(timing, (steps * sizeBytes.read) / 1e9).median;
    const bandwidthShare = gigabytesPerSecond && gigabytesPerSecond / roof.gigabytesPerSecond;
    const details = { tokens, firstMs: firstMs[i], weights, sizeBytes, ...(bandwidthShare && { bandwidthShare }) };
    const variant = weights === 'f32' ? {} : { variant: weights };
    return {
      kind: 'sample',
      op,
      preset,
      shape,
      ...variant,
      unit: 'tokens/s',
      ...rate,
      ...rates,
      gigabytesPerSecond,
      details,
    };
  });
  return [...roof.measurements, ...measurements];
}

/** Measures the forms of the kernels that the jobs dispatch. */
async function tuneFor(engine: Engine, adapter: { name: string; software: boolean }, model: GPT, batch: number) {
  const works = [...BATCHES.map((streams) => () => new Generator(model, streams)), () => record(engine, model, batch)];
  const dispatches = works.flatMap((work) => engine.observe(work));
  await autotune(engine, dispatches, adapter, {});
}

/** Texts that go on from prompts, with the cache. */
function generation(model: GPT, prompts: readonly ArrayLike<number>[], tokens: number): Job['run'] {
  const generator = new Generator(model, prompts.length);
  return async () => {
    for await (const _ of generator.generate(prompts, { ...NO_FILTERS, seed: 1, tokens }));
  };
}

/** Streams that begin with a token and fill the context. */
function decoding(model: GPT, batch: number): Unweighted {
  const tokens = model.config.blockSize - 1;
  const prompts = Array.from({ length: batch }, (_, i) => someTokens(1, i));
  const shape = `${batch} ${batch === 1 ? 'stream' : 'streams'}`;
  const run = generation(model, prompts, tokens);
  return { op: 'decode', shape, tokens: batch * tokens, full: false, steps: tokens, run };
}

/** A prompt that fills the context, and the first token after it. */
function prompt(model: GPT): Unweighted {
  const { blockSize: tokens } = model.config;
  const run = generation(model, [someTokens(tokens, 1)], 1);
  return { op: 'prompt', shape: `${tokens} tokens`, tokens, full: true, run };
}

function record(engine: Engine, model: GPT, batch: number) {
  const { blockSize } = model.config;
  const ids = engine.tensor(someTokens(batch * blockSize, 1), [batch, blockSize]); // (B, T)
  return engine.withoutGradients(() => engine.record(() => ({ logits: model.logits(model.hidden(ids)) })));
}

/** The logits of every position of a batch, which stay on the GPU. */
function forwardPass(engine: Engine, model: GPT, batch: number): Unweighted {
  const { blockSize } = model.config;
  const pass = record(engine, model, batch);
  const run = async (): Promise<void> => {
    pass.run();
    await engine.device.finish();
  };
  return { op: 'forward', shape: `batch ${batch} x ${blockSize}`, tokens: batch * blockSize, full: true, run };
}
