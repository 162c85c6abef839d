/** How long a step takes on this machine, without a run being made. */
import { GPT } from '../model/gpt.ts';
import type { Engine } from '../tensor/engine.ts';
import { modelConfig, type TrainConfig } from '../train/config.ts';
import { Evaluator } from '../train/evaluate.ts';
import { Trainer } from '../train/trainer.ts';

/** Steps before the clock runs: shaders are compiled in the first. */
const WARM_UP = 2;
/** Steps are timed until so much time is over, three of them at least. */
const LEAST_MS = 1000;
const LEAST_STEPS = 3;

/** Seconds of a training step, and of scoring one batch. */
export interface MeasuredSpeed {
  readonly step: number;
  readonly scoredBatch: number;
}

/** A speed, and the operations a token of the model that it was measured with. */
export type ProbedSpeed = MeasuredSpeed & { readonly operations: number };

/** The speed of a model of other `operations` a token: on the line through two that were measured, never below a quarter of the smaller's time. */
export function speedBetween(small: ProbedSpeed, large: ProbedSpeed, operations: number): MeasuredSpeed {
  const share = (operations - small.operations) / (large.operations - small.operations);
  const at = (a: number, b: number): number => Math.max(a / 4, a + share * Math.max(0, b - a));
  return { step: at(small.step, large.step), scoredBatch: at(small.scoredBatch, large.scoredBatch) };
}

/** Measures a model of these settings for a second. The weights and the tokens are made up. */
export async function measureSpeed(engine: Engine, config: TrainConfig, vocabSize: number): Promise<MeasuredSpeed> {
  const model = new GPT(engine, modelConfig(config, vocabSize)).initialize(config.seed);
  const trainer = new Trainer(model, { ...config, learningRate: 0, minLearningRate: 0 });
  const evaluator = new Evaluator(model, config.batchSize);
  const size = config.batchSize * config.blockSize;
  const tokens = Uint16Array.from({ length: size + 1 }, (_, i) => (i * 7919) % vocabSize);
  const batch = { inputs: Uint32Array.from(tokens.subarray(0, size)), targets: Uint32Array.from(tokens.subarray(1)) };
  const batches = Array.from({ length: config.gradientAccumulation }, () => batch);
  try {
    const step = await secondsOf(async () => {
      trainer.train(batches);
      await trainer.metrics(1);
    });
    const scoredBatch = await secondsOf(() => evaluator.run(tokens));
    return { step, scoredBatch };
  } finally {
    trainer.dispose();
    evaluator.dispose();
  }
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < WARM_UP; i++) await work();
  const start = performance.now();
  let count = 0;
  while (count < LEAST_STEPS || performance.now() - start < LEAST_MS / 2) {
    await work();
    count++;
  }
  return (performance.now() - start) / 1000 / count;
}
