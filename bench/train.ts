/** How fast is training, and where does its time go? */

import { asRate, timingOf } from '../src/check/measure.ts';
import { benchConfig } from '../src/check/workloads.ts';
import { type KernelTime, profile } from '../src/gpu/timer.ts';
import type { Engine } from '../src/tensor/engine.ts';
import { ELEMENT_BYTES } from '../src/tensor/tensor.ts';
import type { Batch } from '../src/text/windows/windows.ts';
import { autotune } from '../src/train/autotune.ts';
import type { TrainConfig } from '../src/train/config.ts';
import { Trainer } from '../src/train/trainer.ts';
import { flopsPerToken, freshModel, type ModelBenchOptions, roundsIn, someTokens } from './models.ts';
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
  const clock = new StepClock(engine, trainer, config);
  const firstStepMs = (await clock.group(1)).timeMs;
  const { result: groups, roof } = await underRoof(engine, () => takeGroups(clock, seconds));
  const kernels = withShares((await profile(engine.device, trainer.program)) ?? []);
  const timing = timingOf(groups.map(({ timeMs, steps }) => timeMs / steps));
  const { batchSize, blockSize, gradientAccumulation } = config;
  const rate = asRate(timing, batchSize * blockSize * gradientAccumulation);
  const gflopsPerSecond = (rate.median * flopsPerToken(trainer.model)) / 1e9;
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

/** Warms up, then takes groups of steps that are long enough each, for about `seconds`. */
async function takeGroups(clock: StepClock, seconds: number): Promise<Group[]> {
  const stepMs = (await clock.group(WARM_STEPS)).timeMs / WARM_STEPS;
  const steps = Math.max(1, Math.ceil(GROUP_MS / stepMs));
  const groups: Group[] = [];
  for (let left = roundsIn(seconds, steps * stepMs); left > 0; left--) groups.push(await clock.group(steps));
  return groups;
}

const sumOf = (groups: readonly Group[], part: keyof Group): number =>
  groups.reduce((total, group) => total + group[part], 0);

/** What a group of steps took, and what of it JavaScript spent handing the steps over. */
interface Group {
  steps: number;
  timeMs: number;
  scriptMs: number;
}

/** Takes steps, in groups that are waited for at their end. */
class StepClock {
  private seed = 0;

  constructor(
    private readonly engine: Engine,
    private readonly trainer: Trainer,
    private readonly config: TrainConfig,
  ) {}

  async group(steps: number): Promise<Group> {
    const batches = Array.from({ length: steps }, () => this.batches());
    let scriptMs = 0;
    const startedAt = performance.now();
    for (const batch of batches) {
      const before = performance.now();
      this.trainer.train(batch);
      scriptMs += performance.now() - before;
    }
    await this.engine.device.finish();
    return { steps, timeMs: performance.now() - startedAt, scriptMs };
  }

  private batches(): Batch[] {
    const { batchSize, blockSize, gradientAccumulation } = this.config;
    const size = batchSize * blockSize;
    return Array.from({ length: gradientAccumulation }, () => ({
      inputs: someTokens(size, this.seed++),
      targets: someTokens(size, this.seed++),
    }));
  }
}

function withShares(times: readonly KernelTime[]): (KernelTime & { share: number })[] {
  const all = times.reduce((sum, { timeMs }) => sum + timeMs, 0);
  return times.map((time) => ({ ...time, share: time.timeMs / all }));
}
