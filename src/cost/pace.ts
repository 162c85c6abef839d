/** How fast a run of some settings goes on this machine, by taking a few of its very steps: exact, and some seconds each. */
import { rm } from 'node:fs/promises';
import { median } from 'simple-statistics';
import { NO_FILTERS } from '../kernels/sampling/settings.ts';
import { Generator } from '../model/generate.ts';
import { GPT } from '../model/gpt.ts';
import { temporaryFolder } from '../node/files.ts';
import type { MemoryCard } from '../report/data.ts';
import type { Engine } from '../tensor/engine.ts';
import { threefry } from '../tensor/random.ts';
import { evaluationBatches, Windows } from '../text/windows/windows.ts';
import { saveCheckpoint } from '../train/checkpoint.ts';
import { modelConfig, type TrainConfig } from '../train/config.ts';
import { Evaluator } from '../train/evaluate.ts';
import { memoryPlan } from '../train/run/memory.ts';
import { SAMPLES } from '../train/samples.ts';
import { Trainer } from '../train/trainer.ts';

/** What the pieces of a run take, in seconds. */
export interface Pace {
  /** One optimizer step, its share of the waits for losses included. */
  readonly step: number;
  /** Recording the step and compiling its kernels, beyond the step itself. */
  readonly begin: number;
  /** One batch of a validation. */
  readonly validationBatch: number;
  readonly checkpoint: number;
  /** The samples at the end, and the report. */
  readonly end: number;
  readonly memory: MemoryCard['planned'];
}

/** Validations are measured for about this long. */
const VALIDATION_SECONDS = 1;
/** Steps that are taken before the clock counts. */
const WARM_STEPS = 2;
/** Groups of steps that are measured at least, and at most. */
const GROUPS = [3, 12] as const;

const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
};

/** `count` tokens that mean nothing: how fast steps are does not depend on what is learnt. */
const someTokens = (count: number, vocabSize: number): Uint32Array =>
  Uint32Array.from({ length: count }, (_, i) => threefry(1, 3, i, 0)[0] % vocabSize);

/**
 * Seconds of the pieces of a run of these settings, by running them on fresh weights and made-up tokens: steps for about
 * `budgetSeconds`, and the others once or twice. @throws UserError for settings that the adapter cannot bear
 */
export async function measurePace(
  engine: Engine,
  config: TrainConfig,
  vocabSize: number,
  budgetSeconds = 4,
): Promise<Pace> {
  const model = new GPT(engine, modelConfig(config, vocabSize)).initialize(config.seed);
  const trainer = new Trainer(model, config);
  const { first, step } = await measureSteps(engine, trainer, config, budgetSeconds);
  const evaluator = new Evaluator(model, config.batchSize);
  const validationBatch = await measureValidation(evaluator, config, vocabSize);
  const memory = memoryPlan(trainer, evaluator);
  const checkpoint = await measureCheckpoint(trainer);
  const end = await measureEnd(model);
  trainer.dispose();
  return { step, begin: Math.max(0, first - step), validationBatch, checkpoint, end, memory };
}

/** Seconds of one step of these settings alone, and of the first one. */
export async function measureStep(
  engine: Engine,
  config: TrainConfig,
  vocabSize: number,
  budgetSeconds = 1,
): Promise<{ first: number; step: number }> {
  const model = new GPT(engine, modelConfig(config, vocabSize)).initialize(config.seed);
  const trainer = new Trainer(model, config);
  const measured = await measureSteps(engine, trainer, config, budgetSeconds);
  trainer.dispose();
  return measured;
}

/** Steps in groups, after each of which the losses are read, as a run does every `logEvery` steps. */
async function measureSteps(engine: Engine, trainer: Trainer, config: TrainConfig, budgetSeconds: number) {
  const { batchSize, blockSize, gradientAccumulation, logEvery, seed } = config;
  const { vocabSize } = trainer.model.config;
  const windows = new Windows(someTokens(4 * batchSize * blockSize + blockSize + 1, vocabSize), {
    batchSize,
    blockSize,
    seed,
  });
  const take = (steps: number) =>
    seconds(async () => {
      for (let i = 0; i < steps; i++) {
        const at = trainer.step * gradientAccumulation;
        trainer.train(Array.from({ length: gradientAccumulation }, (_, j) => windows.batch(at + j)));
      }
      await trainer.metrics(steps);
    });
  await engine.device.finish();
  const first = await take(1);
  if (first > 2 * budgetSeconds) {
    const second = await take(1);
    if (second > budgetSeconds / 2) return { first, step: second };
  }
  const warm = (await take(WARM_STEPS)) / WARM_STEPS;
  const groups = Math.min(GROUPS[1], Math.max(GROUPS[0], Math.floor(budgetSeconds / (logEvery * warm))));
  const steps = Math.max(1, Math.min(logEvery, Math.round(budgetSeconds / (groups * warm))));
  const times: number[] = [];
  for (let i = 0; i < groups; i++) times.push((await take(steps)) / steps);
  return { first, step: median(times) };
}

async function measureValidation(evaluator: Evaluator, config: TrainConfig, vocabSize: number): Promise<number> {
  const { batchSize, blockSize } = config;
  const tokens = someTokens(2 * batchSize * blockSize + 1, vocabSize);
  const score = () => seconds(() => evaluator.score(evaluationBatches(tokens, batchSize, blockSize), 2));
  const first = await score();
  const times = [];
  while (times.length < 3 || (times.length < 12 && times.length * first < VALIDATION_SECONDS))
    times.push(await score());
  return median(times) / 2;
}

async function measureCheckpoint(trainer: Trainer): Promise<number> {
  const folder = await temporaryFolder('cost');
  const state = { step: trainer.step, timeMs: 0, bestValidationLoss: null, bestStep: 0 };
  try {
    return await seconds(() => saveCheckpoint(folder, trainer, state, true));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Samples as a run draws them, and the report, which is mostly the loading of what draws its charts. */
async function measureEnd(model: GPT): Promise<number> {
  const report = await seconds(() => import('../report/trainingReport.ts'));
  const samples = await seconds(async () => {
    const generator = new Generator(model, SAMPLES.count);
    const prompts = Array.from({ length: SAMPLES.count }, () => [0]);
    for await (const _ of generator.generate(prompts, { ...NO_FILTERS, tokens: SAMPLES.tokens, seed: 1 }));
  });
  return report + samples;
}
