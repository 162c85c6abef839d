/** What the scaling experiment trains. Pure functions. */
import { RECIPE, settingsOf, WIDTHS } from '../../src/cost/rule.ts';
import { modelSize } from '../../src/cost/size.ts';
import { modelConfig, resolveConfig, type TrainConfig } from '../../src/train/config.ts';

export interface ScalingPlan {
  /** Operations of training, from least to most. */
  readonly budgets: readonly number[];
  /** Sizes with each budget, in units of the size that is guessed to be best. */
  readonly sizes: readonly number[];
  /** How many times the largest budget one point is predicted at, and then measured. */
  readonly beyond: number;
  /** The same for all runs: context and batch in tokens and windows, and how many held-out tokens score them. */
  readonly blockSize: number;
  readonly batchSize: number;
  readonly heldOut: number;
  /**
   * Runs of fewer optimizer steps are left out of the fits: they have not converged. Of first runs, those of 58 to 162 steps ended up to
   * 0.3 nats above what all others agree on within 0.4%.
   */
  readonly leastSteps: number;
}

const SAME = { beyond: 3, blockSize: 64, batchSize: 12, heldOut: 2 ** 16, leastSteps: 250 };

/** Some 90 minutes on two cores. */
const PLAN: ScalingPlan = { ...SAME, budgets: [1e12, 2e12, 4e12, 8e12], sizes: [1 / 3, 1 / 1.7, 1, 2.5, 8] };
/** A tenth of the operations. */
const QUICK: ScalingPlan = { ...SAME, budgets: [1e11, 2e11, 4e11, 8e11], sizes: [1 / 2, 1 / 1.4, 1, 1.7, 3] };

export const scalingPlan = (quick: boolean): ScalingPlan => (quick ? QUICK : PLAN);

/** A run that is planned. */
export interface RunKey {
  /** Operations that it may take. */
  readonly budget: number;
  readonly nEmbd: number;
}

/** The settings of a run: as many steps as its budget has operations for, everything else by rule. */
export function runConfig(
  { blockSize, batchSize }: Pick<ScalingPlan, 'blockSize' | 'batchSize'>,
  { budget, nEmbd }: RunKey,
  vocabSize: number,
  seed: number,
): TrainConfig {
  const batch = { blockSize, batchSize };
  const { operations } = sizeOfWidth(nEmbd, blockSize, vocabSize);
  const steps = Math.max(1, Math.round(budget / (operations * blockSize * batchSize)));
  return resolveConfig(RECIPE, { ...settingsOf(nEmbd, steps), ...batch, seed });
}

/** What the model of a width counts. */
export const sizeOfWidth = (nEmbd: number, blockSize: number, vocabSize: number) =>
  modelSize(modelConfig(resolveConfig(RECIPE, { ...settingsOf(nEmbd, 1000), blockSize }), vocabSize));

/** About the best size, so that the sizes tried lie around it: what first runs of 1e11 to 4e11 operations on Moby Dick said. */
const guess = (budget: number): number => 7.5e4 * (budget / 1e12) ** 0.58;

/** All runs, budget by budget, the cheap ones first: whatever is there when somebody stops it is a smaller experiment. */
export function planRuns({ budgets, sizes, blockSize }: ScalingPlan, vocabSize: number): RunKey[] {
  return budgets.flatMap((budget) => {
    const left = new Set<number>(WIDTHS);
    const widths = sizes.map((size) => {
      const width = nearestWidth([...left], size * guess(budget), blockSize, vocabSize);
      left.delete(width);
      return width;
    });
    return widths.sort((a, b) => a - b).map((nEmbd) => ({ budget, nEmbd }));
  });
}

/** The width whose model has the number of parameters that is nearest by ratio. */
export function nearestWidth(
  widths: readonly number[],
  parameters: number,
  blockSize: number,
  vocabSize: number,
): number {
  const distance = (width: number): number =>
    Math.abs(Math.log(sizeOfWidth(width, blockSize, vocabSize).parameters / parameters));
  return widths.reduce((best, width) => (distance(width) < distance(best) ? width : best));
}
