/** The course of a tuning that all tasks share: steps, validations, early stopping, and the best weights kept. */
import { UserError } from '../../errors.ts';
import type { Parameters } from '../../tensor/parameters.ts';
import type { Stepper } from '../stepper.ts';

/** How long a tuning goes on. */
export interface TuneCourse {
  /** Optimizer steps at most. */
  readonly steps: number;
  /** Steps between two validations. */
  readonly evalEvery: number;
  /** Validations without a better one after which it ends. */
  readonly patience: number;
}

/** What was seen at a validation. */
export interface TuneRecord<Evaluation> {
  readonly step: number;
  /** Mean training loss of the steps since the validation before. */
  readonly loss: number;
  readonly evaluation: Evaluation;
  /** Whether it is the best so far. */
  readonly best: boolean;
}

export interface TuneOptions<Evaluation> {
  readonly stepper: Stepper;
  readonly course: TuneCourse;
  /** Fills the tensors that the next step reads, and submits the step. */
  step(index: number): void;
  evaluate(): Promise<Evaluation>;
  /** Higher is better; of equals the earlier one stays. */
  score(evaluation: Evaluation): number;
  /** Ends the tuning at the next step; the best weights so far are what is left. */
  readonly signal?: AbortSignal;
  readonly onRecord?: (record: TuneRecord<Evaluation>) => void;
}

/** What a tuning came to. */
export interface Tuned<Evaluation> {
  readonly status: 'finished' | 'early' | 'stopped';
  /** The validation whose weights are kept. */
  readonly best: TuneRecord<Evaluation>;
  readonly history: readonly TuneRecord<Evaluation>[];
}

/**
 * Steps until the course ends, nothing was better for `patience` validations, or the signal says so. Afterwards the trained
 * parameters are those of the best validation.   @throws UserError when the loss is no number any more
 */
export async function tune<Evaluation>(options: TuneOptions<Evaluation>): Promise<Tuned<Evaluation>> {
  const { stepper, course, signal, onRecord } = options;
  const weights = new BestWeights(stepper.trained.map(({ parameters }) => parameters));
  const history: TuneRecord<Evaluation>[] = [];
  let best: TuneRecord<Evaluation> | undefined;
  while (stepper.step < course.steps && !signal?.aborted) {
    options.step(stepper.step);
    const due = stepper.step % course.evalEvery === 0 || stepper.step === course.steps || signal?.aborted;
    if (!due) {
      if (stepper.step % FLUSH_EVERY === 0) await stepper.metrics(1); // so that Ctrl-C is heard, and work does not pile up
      continue;
    }
    const loss = await meanLoss(stepper, history.at(-1)?.step ?? 0);
    const evaluation = await options.evaluate();
    const better = !best || options.score(evaluation) > options.score(best.evaluation);
    const record = { step: stepper.step, loss, evaluation, best: better };
    if (better) {
      best = record;
      await weights.keep();
    }
    history.push(record);
    onRecord?.(record);
    if (history.length - 1 - history.indexOf(best!) >= course.patience) break;
  }
  if (!best) throw new UserError('the tuning was stopped before its first validation: nothing was learned');
  weights.restore();
  const status = signal?.aborted ? 'stopped' : stepper.step < course.steps ? 'early' : 'finished';
  return { status, best, history };
}

/** Steps that wait on the GPU at most. */
const FLUSH_EVERY = 8;

/** The mean loss of the steps after `since`; of the last 64 of them where there were more. */
async function meanLoss(stepper: Stepper, since: number): Promise<number> {
  const metrics = await stepper.metrics(stepper.step - since);
  const mean = metrics.reduce((sum, { loss }) => sum + loss, 0) / metrics.length;
  if (Number.isFinite(mean)) return mean;
  throw new UserError(
    `the loss is no number any more after step ${stepper.step}: tune again with a lower --learning-rate`,
  );
}

/** Parameters as they were at one moment, on the host. */
class BestWeights {
  private kept: Float32Array<ArrayBuffer>[] = [];

  constructor(private readonly collections: readonly Parameters[]) {}

  async keep(): Promise<void> {
    this.kept = await Promise.all(this.collections.map(async ({ values }) => new Float32Array(await values.floats())));
  }

  restore(): void {
    for (const [i, values] of this.kept.entries()) this.collections[i].values.write(values);
  }
}
