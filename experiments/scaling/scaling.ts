/** The miniseries: runs of many sizes at a few budgets of operations, and one beyond them that is predicted before it is made. */
import { expectedLoss, type ScalingLaw } from '../../src/cost/law.ts';
import { WIDTHS } from '../../src/cost/rule.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import { planRuns, type RunKey, runConfig, type ScalingPlan, sizeOfWidth } from './plan.ts';
import type { Prediction, ScalingRun } from './result.ts';
import type { ScalingRecord, ScalingStore } from './store.ts';
import { type ScalingText, trainPoint } from './train.ts';

export interface ScalingOptions {
  readonly engine: Engine;
  readonly text: ScalingText;
  readonly plan: ScalingPlan;
  readonly seed: number;
  readonly store: ScalingStore;
  /** Ends the experiment soon; what was measured is kept, a training that was under way is not. */
  readonly signal: AbortSignal;
  /** The law of the runs that are there; null where they are too few. */
  readonly lawOf: (runs: readonly ScalingRun[]) => ScalingLaw | null;
  /** After each measurement: how many of all trainings are done. */
  readonly onRecord: (record: ScalingRecord, done: number, total: number) => void;
  readonly onStep?: (key: RunKey, step: number, steps: number, loss: number) => void;
}

/** The runs that a store holds. */
export const runsOf = ({ records }: ScalingStore): ScalingRun[] =>
  records.flatMap((record) => (record.kind === 'run' ? [record] : []));

const predictionOf = ({ records }: ScalingStore): Prediction | undefined =>
  records.find((record) => record.kind === 'prediction');

/** Whether a run is the one that was asked for. */
export const isRun = (run: ScalingRun, { budget, nEmbd }: RunKey): boolean =>
  run.budget === budget && run.nEmbd === nEmbd;

/** Measures whatever the store lacks. Returns whether all that was planned is there. */
export async function runScaling(options: ScalingOptions): Promise<boolean> {
  const { plan, text, store, lawOf, signal } = options;
  const keys = planRuns(plan, text.tokenizer.vocabSize);
  for (const key of keys) if (!(await measure(options, key, keys.length + 1))) return false;
  if (signal.aborted) return false;
  const law = lawOf(runsOf(store).filter((run) => keys.some((key) => isRun(run, key))));
  if (!law) return true;
  const prediction = predictionOf(store) ?? (await predict(options, law, keys.length + 1));
  return measure(options, prediction, keys.length + 1);
}

/** Says what the law expects of a run that has not been made, and writes it down before it is: the size that the law finds best. */
async function predict({ plan, text, store, onRecord }: ScalingOptions, law: ScalingLaw, total: number) {
  const budget = plan.beyond * plan.budgets.at(-1)!;
  const { blockSize, batchSize } = plan;
  const { vocabSize } = text.tokenizer;
  const candidates = WIDTHS.map((nEmbd) => {
    const { parameters } = sizeOfWidth(nEmbd, blockSize, vocabSize);
    const tokens = runConfig(plan, { budget, nEmbd }, vocabSize, 0).steps * blockSize * batchSize;
    const { loss, low, high } = expectedLoss(law, { parameters, tokens });
    return { budget, nEmbd, parameters, tokens, loss, band: [low, high] as const };
  });
  const best = candidates.reduce((one, other) => (other.loss < one.loss ? other : one));
  const prediction: Prediction = { ...best, madeAt: new Date().toISOString() };
  await store.add({ kind: 'prediction', ...prediction });
  onRecord({ kind: 'prediction', ...prediction }, runsOf(store).length, total);
  return prediction;
}

/** Trains what is not there yet. False where the signal cut it short: that is no measurement. */
async function measure(options: ScalingOptions, key: RunKey, total: number): Promise<boolean> {
  const { engine, text, plan, seed, store, signal, onRecord, onStep } = options;
  if (runsOf(store).some((run) => isRun(run, key))) return true;
  if (signal.aborted) return false;
  const config = runConfig(plan, key, text.tokenizer.vocabSize, seed);
  const start = performance.now();
  const trained = await trainPoint(engine, text, config, signal, (step, loss) =>
    onStep?.(key, step, config.steps, loss),
  );
  if (!trained) return false;
  const { nLayer, nHead, nEmbd, steps, blockSize, batchSize } = config;
  const { operations, ...size } = sizeOfWidth(nEmbd, blockSize, text.tokenizer.vocabSize);
  const tokens = steps * blockSize * batchSize;
  const run: ScalingRun = {
    ...{ budget: key.budget, nLayer, nHead, nEmbd, steps, tokens, ...size, operations: operations * tokens },
    ...trained,
    seconds: Math.round(performance.now() - start) / 1000,
  };
  await store.add({ kind: 'run', ...run });
  onRecord({ kind: 'run', ...run }, runsOf(store).length, total);
  return true;
}
