/** The account of a run: what it calculated and moved, by part; how long that took; what of the machine it used; its energy. */
import { profileParts } from '../gpu/timer.ts';
import type { CostCard, PartCost } from '../report/costCard.ts';
import type { LogRecord } from '../report/logRecord.ts';
import type { EndedRun } from '../train/run/events.ts';
import type { Trainer } from '../train/trainer.ts';
import { addEnergy, EnergyMeter } from './energy.ts';
import { PARTS, type Part, stepWork } from './operations.ts';
import { roofAbove } from './roof.ts';

/** Dispatches that can be timed in one go. */
const MOST_DISPATCHES = 2048;

/**
 * What a run has cost, over all resumptions: operations and bytes by formula, times by the timestamps of one step, which takes a
 * second, and leaves the trainer as it was. `meter` is what has watched the run since it was begun or resumed.
 */
export async function accountOf(run: EndedRun, meter = new EnergyMeter(run.adapter.software)): Promise<CostCard> {
  const { log, durationMs, config, trainer, text, engine, adapter, before } = run;
  const steps = log.reduce((most, { step }) => Math.max(most, step), 0);
  const tokens = log.reduce((most, record) => Math.max(most, record.tokens), 0);
  const passedMs = Math.max(0, durationMs - (before.cost?.timeMs ?? 0));
  const energy = addEnergy(before.cost?.energy, await meter.read(passedMs));
  const work = stepWork(config, text.tokenizer.vocabSize);
  const stepsMs = timeInSteps(log, config.batchSize * config.blockSize * config.gradientAccumulation);
  const shares = steps > 0 ? await timeShares(trainer) : undefined;
  const parts = PARTS.map((part): PartCost => {
    const { operations, bytes } = work[part];
    const timeMs = shares && stepsMs * (shares.get(part) ?? 0);
    return { part, operations: steps * operations, bytes: steps * bytes, ...(timeMs !== undefined && { timeMs }) };
  });
  const card = { parts, tokens, timeMs: durationMs, energy };
  if (!(stepsMs > 0)) return card;
  const achieved = modelOperations(parts) / (stepsMs / 1000);
  const roof = await roofAbove(engine, adapter.name, achieved);
  return { ...card, stepsMs, roof, utilization: Math.min(1, achieved / roof.operationsPerSecond) };
}

/** Operations of the model alone: the optimizer's are none of those that utilization counts. */
export const modelOperations = (parts: readonly PartCost[]): number =>
  parts.reduce((sum, { part, operations }) => sum + (part === ('optimizer' satisfies Part) ? 0 : operations), 0);

/** Milliseconds of all steps: each look at the losses says how fast those since the last one went. */
export function timeInSteps(log: readonly LogRecord[], tokensPerStep: number): number {
  let [sum, waiting] = [0, 0];
  for (const { loss, tokensPerSecond } of log) {
    if (loss === undefined) continue;
    waiting++;
    if (!tokensPerSecond) continue;
    sum += (1000 * waiting * tokensPerStep) / tokensPerSecond;
    waiting = 0;
  }
  return sum;
}

/** The share of a step that each part takes, by timestamps; undefined where the adapter takes none. */
async function timeShares(trainer: Trainer): Promise<Map<string, number> | undefined> {
  const { program, model } = trainer;
  if (program.kernels.length > MOST_DISPATCHES) return undefined;
  const times = await untouched(trainer, () => profileParts(model.engine.device, program));
  if (!times) return undefined;
  const all = [...times.values()].reduce((a, b) => a + b, 0);
  return new Map([...times].map(([part, timeMs]) => [part, timeMs / all]));
}

/** Does what moves a trainer's parameters, and puts these back. */
async function untouched<T>(trainer: Trainer, work: () => Promise<T>): Promise<T> {
  const { tensors, lossScale } = await trainer.save();
  const { step } = trainer;
  const saved = new Map(tensors.map(({ name, data }) => [name, data]));
  try {
    return await work();
  } finally {
    trainer.restore(step, (name) => saved.get(name)!, lossScale);
  }
}
