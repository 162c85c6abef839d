/** How fast are decoding, prompts and forward passes? */

import { asRate, timingOf } from '../src/check/measure.ts';
import { benchConfig } from '../src/check/workloads.ts';
import { NO_FILTERS } from '../src/kernels/sampling/settings.ts';
import { isSmallWork } from '../src/model/decodeStep.ts';
import { Generator } from '../src/model/generate.ts';
import type { GPT } from '../src/model/gpt.ts';
import type { Engine } from '../src/tensor/engine.ts';
import { autotune } from '../src/train/autotune.ts';
import { flopsPerToken, freshModel, inRounds, type ModelBenchOptions, someTokens, timeOf } from './models.ts';
import type { Measurement } from './record.ts';
import { underRoof } from './roof.ts';

/** Streams that are decoded at once. */
export const BATCHES = [1, 8, 32] as const;

export interface SampleBenchOptions extends ModelBenchOptions {
  /** The same adapter as the verb `sample` opens it for a small model. */
  openForSmallWork: () => Promise<Engine>;
}

/** Work that takes turns with the others. */
interface Job {
  op: string;
  shape: string;
  /** Tokens of one run. */
  tokens: number;
  /** Whether its tokens take the operations of a forward pass at full context. */
  full: boolean;
  run(): Promise<void>;
}

/**
 * Tokens a second of decoding with the cache for some batches, of a prompt that fills the context, and of forward passes
 * over a batch: all taking turns, with the roof.
 */
export async function benchSample(
  engine: Engine,
  adapter: { name: string; software: boolean },
  { preset, seconds, autotune: tuned, openForSmallWork }: SampleBenchOptions,
): Promise<Measurement[]> {
  const config = benchConfig(preset);
  const model = freshModel(engine, config);
  const small = freshModel(await openForSmallWork(), config);
  if (tuned) await tuneFor(engine, adapter, model, config.batchSize);
  const jobs = [
    ...BATCHES.map((batch) => decoding(isSmallWork(model.config, batch) ? small : model, batch)),
    prompt(isSmallWork(model.config, 1) ? small : model),
    forwardPass(engine, model, config.batchSize),
  ];
  const round = async (): Promise<number[]> => {
    const times: number[] = [];
    for (const { run } of jobs) times.push(await timeOf(run));
    return times;
  };
  const firstMs = await round();
  const { result: rounds, roof } = await underRoof(engine, () => inRounds(seconds, round));
  const forwardFlops = flopsPerToken(model) / 3;
  const measurements = jobs.map(({ op, shape, tokens, full }, i): Measurement => {
    const rate = asRate(timingOf(rounds.map((times) => times[i])), tokens);
    const gflopsPerSecond = (rate.median * forwardFlops) / 1e9;
    const rates = full ? { gflopsPerSecond, roofShare: gflopsPerSecond / roof.gflopsPerSecond } : {};
    const details = { tokens, firstMs: firstMs[i] };
    return { kind: 'sample', op, preset, shape, unit: 'tokens/s', ...rate, ...rates, details };
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
function decoding(model: GPT, batch: number): Job {
  const tokens = model.config.blockSize - 1;
  const prompts = Array.from({ length: batch }, (_, i) => someTokens(1, i));
  const shape = `${batch} ${batch === 1 ? 'stream' : 'streams'}`;
  return { op: 'decode', shape, tokens: batch * tokens, full: false, run: generation(model, prompts, tokens) };
}

/** A prompt that fills the context, and the first token after it. */
function prompt(model: GPT): Job {
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
function forwardPass(engine: Engine, model: GPT, batch: number): Job {
  const { blockSize } = model.config;
  const pass = record(engine, model, batch);
  const run = async (): Promise<void> => {
    pass.run();
    await engine.device.finish();
  };
  return { op: 'forward', shape: `batch ${batch} x ${blockSize}`, tokens: batch * blockSize, full: true, run };
}
