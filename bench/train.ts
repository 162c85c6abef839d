/** How fast is training, and where does its time go? */

import { asRate, timingOf } from '../src/check/measure.ts';
import { benchConfig } from '../src/check/workloads.ts';
import { type KernelTime, profile } from '../src/gpu/timer.ts';
import type { Engine } from '../src/tensor/engine.ts';
import { ELEMENT_BYTES } from '../src/tensor/tensor.ts';
import { autotune } from '../src/train/autotune.ts';
import type { TrainConfig } from '../src/train/config.ts';
import { Trainer } from '../src/train/trainer.ts';
import { flopsPerToken, freshModel, inRounds, type ModelBenchOptions, someTokens, timeOf } from './models.ts';
import type { Measurement } from './record.ts';
import { underRoof } from './roof.ts';

/** Steps before the clock counts: caches, memory and clock rates settle. */
const WARM_STEPS = 3;
/** A group of steps takes this long at least, so that the wait at its end hardly counts. */
const GROUP_MS = 250;

/** Training as it was measured. Median and spread are of groups of steps. */
export interface TrainMeasurement extends Measurement {
  details: {
    batchSize: number;
    blockSize: number;
    parameters: number;
    /** Of a step, in a group. */
    stepMs: number;
    stepsInGroup: number;
    /** The first step, which records it and compiles its kernels, and tuning before it. */
    firstStepMs: number;
    autotuneMs: number;
    /** Share of a step that the JavaScript thread spends in it; the rest of the time it is free. */
    javaScriptShare: number;
    dispatches: number;
    /** Parameters, gradients, moments and activations. */
    memoryBytes: number;
    /** Time of each kernel in one step, slowest first, with its share of them all; empty where the adapter has no timestamps. */
    kernels: (KernelTime & { share: number })[];
  };
}

/** Measures training on a preset, and the roof that model FLOPs utilization (`roofShare`) is the share of, in one run. */
export async function benchTrain(
  engine: Engine,
  adapter: { name: string; software: boolean },
  { preset, seconds, autotune: tuned }: ModelBenchOptions,
): Promise<Measurement[]> {
  const config = benchConfig(preset);
  const trainer = new Trainer(freshModel(engine, config), config);
  const tuning = tuned ? await autotune(engine, trainer.rehearse(), adapter, {}) : undefined;
  const take = groupsOf(engine, trainer, config);
  const firstStepMs = (await take(1)).timeMs;
  const { result: groups, roof } = await underRoof(engine, async () => {
    const stepMs = (await take(WARM_STEPS)).timeMs / WARM_STEPS;
    return inRounds(seconds, () => take(Math.ceil(GROUP_MS / stepMs)));
  });
  const kernels = withShares((await profile(engine.device, trainer.program)) ?? []);
  const timing = timingOf(groups.map(({ timeMs, steps }) => timeMs / steps));
  const { batchSize, blockSize, gradientAccumulation } = config;
  const rate = asRate(timing, batchSize * blockSize * gradientAccumulation);
  const gflopsPerSecond = (rate.median * flopsPerToken(trainer.model.config)) / 1e9;
  const { parameters } = trainer.model;
  const details: TrainMeasurement['details'] = {
    ...{ batchSize, blockSize, parameters: parameters.count, stepMs: timing.median, stepsInGroup: groups[0].steps },
    ...{ firstStepMs, autotuneMs: tuning?.timeMs ?? 0 },
    javaScriptShare: sumOf(groups, 'scriptMs') / sumOf(groups, 'timeMs'),
    dispatches: trainer.program.kernels.length,
    memoryBytes: 4 * ELEMENT_BYTES * parameters.values.size + trainer.transientBytes,
    kernels,
  };
  const training: TrainMeasurement = {
    ...{ kind: 'train', op: 'training', preset, shape: `batch ${batchSize} x ${blockSize}`, unit: 'tokens/s', ...rate },
    ...{ gflopsPerSecond, roofShare: gflopsPerSecond / roof.gflopsPerSecond, details },
  };
  return [...roof.measurements, training];
}

const sumOf = (groups: readonly Group[], part: keyof Group): number =>
  groups.reduce((total, group) => total + group[part], 0);

/** What a group of steps took, and what of it JavaScript spent handing the steps over. */
interface Group {
  steps: number;
  timeMs: number;
  scriptMs: number;
}

/** A function that takes steps on tokens of their own, and waits for them at their end. */
function groupsOf(engine: Engine, trainer: Trainer, config: TrainConfig): (steps: number) => Promise<Group> {
  const { batchSize, blockSize, gradientAccumulation } = config;
  let seed = 0;
  const tokens = () => someTokens(batchSize * blockSize, seed++);
  const batches = () => Array.from({ length: gradientAccumulation }, () => ({ inputs: tokens(), targets: tokens() }));
  return async (steps) => {
    const made = Array.from({ length: steps }, batches);
    let scriptMs = 0;
    const timeMs = await timeOf(async () => {
      for (const batch of made) {
        const before = performance.now();
        trainer.train(batch);
        scriptMs += performance.now() - before;
      }
      await engine.device.finish();
    });
    return { steps, timeMs, scriptMs };
  };
}

function withShares(times: readonly KernelTime[]): (KernelTime & { share: number })[] {
  const all = times.reduce((sum, { timeMs }) => sum + timeMs, 0);
  return times.map((time) => ({ ...time, share: time.timeMs / all }));
}
