/** What the transfer experiment trains, and in which order. Pure functions. */
import { UsageError } from '../../src/errors.ts';
import { LEARNERS, type Learner, type TransferCell } from './result.ts';

export interface TransferPlan {
  /** Numbers of labels; a task with fewer stops at all that it has. */
  readonly sizes: readonly number[];
  /** Whether all labels are one more size, trained on with the first seed alone. */
  readonly all: boolean;
  readonly seeds: readonly number[];
  readonly learners: readonly Learner[];
  /** Test texts or sentences that are asked about. */
  readonly tested: number;
  /** Solved examples in prompts, each with every seed; texts that are prompted with. */
  readonly shots: readonly number[];
  readonly prompted: number;
  /** Optimizer steps at most. */
  readonly mostSteps: number;
  /** Validation texts at most, and tokens that transformers read of a text, from its beginning: so that an hour suffices. */
  readonly validated: number;
  readonly maxTokens: number;
}

const PLAN: TransferPlan = {
  ...{ sizes: [8, 32, 128, 512], all: true, seeds: [1, 2, 3, 4, 5], learners: LEARNERS, tested: 400 },
  ...{ shots: [0, 1, 2, 4, 8], prompted: 100, mostSteps: 600, validated: 100, maxTokens: 64 },
};
const QUICK: TransferPlan = {
  ...{ sizes: [8, 64], all: false, seeds: [1, 2], learners: LEARNERS, tested: 200 },
  ...{ shots: [0, 4], prompted: 40, mostSteps: 300, validated: 50, maxTokens: 64 },
};

/** The plan with what somebody wants otherwise. @throws UsageError for sizes that cannot be */
export function transferPlan(quick: boolean, wishes: { sizes?: readonly number[]; seeds?: number }): TransferPlan {
  const plan = quick ? QUICK : PLAN;
  const sizes = [...new Set(wishes.sizes ?? plan.sizes)].sort((a, b) => a - b);
  if (sizes.length === 0 || sizes[0] < 2) throw new UsageError('--sizes wants numbers of labels, 2 or more');
  const seeds = wishes.seeds ? Array.from({ length: wishes.seeds }, (_, i) => i + 1) : plan.seeds;
  return { ...plan, sizes, seeds };
}

/** What a measurement depends on beside its cell. */
export type CellSettings = Pick<TransferPlan, 'tested' | 'mostSteps' | 'validated' | 'maxTokens'>;

export type CellKey = Pick<TransferCell, 'task' | 'learner' | 'n' | 'seed'>;

export const sameCell = (a: CellKey, b: CellKey): boolean =>
  a.task === b.task && a.learner === b.learner && a.n === b.n && a.seed === b.seed;

/**
 * All trainings, seed by seed, so that whatever is there when somebody stops it is a whole picture with fewer seeds; the
 * longest ones, on all labels, come last.
 */
export function planCells(plan: TransferPlan, tasks: readonly { name: string; labels: number }[]): CellKey[] {
  const cells = (seed: number, sizesOf: (labels: number) => readonly number[]): CellKey[] =>
    tasks.flatMap(({ name, labels }) =>
      sizesOf(labels).flatMap((n) => plan.learners.map((learner) => ({ task: name, learner, n, seed }))),
    );
  const few = (labels: number): number[] => plan.sizes.filter((n) => n < labels);
  const all = plan.all ? cells(plan.seeds[0], (labels) => [labels]) : [];
  return [...plan.seeds.flatMap((seed) => cells(seed, few)), ...all];
}
