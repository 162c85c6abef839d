/** The course of a tuning that all tasks share: steps, validations, early stopping, and the best weights kept. */
import { mean } from 'simple-statistics';
import { UserError } from '../errors.ts';
import type { Parameters } from '../tensor/parameters.ts';
import type { Stepper } from '../train/stepper.ts';
import type { TuneCheckpoint, TuneState } from './tuneCheckpoint.ts';

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
  step(): void;
  evaluate(): Promise<Evaluation>;
  /** Higher is better; of equals the earlier one stays. */
  score(evaluation: Evaluation): number;
  /** Ends the tuning at the next step; the best weights so far are what is left. */
  readonly signal?: AbortSignal;
  /** Where it is kept how far the tuning is, at its beginning and at each validation, and what it goes on from. */
  readonly checkpoint?: TuneCheckpoint;
  /** Passes over the batches of the steps before, when it goes on. */
  skip?(steps: number): void;
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
 * parameters are those of the best validation.
 * @throws UserError when the loss is no number any more, or there is nothing to go on from
 */
export async function tune<Evaluation>(options: TuneOptions<Evaluation>): Promise<Tuned<Evaluation>> {
  const { stepper, course, signal } = options;
  const lookout = new Lookout(options);
  await lookout.begin();
  while (stepper.step < course.steps && !signal?.aborted && !lookout.isTired) {
    options.step();
    const due = stepper.step % course.evalEvery === 0 || stepper.step === course.steps;
    if (due || signal?.aborted) await lookout.look(due);
    else if (stepper.step % FLUSH_EVERY === 0) await stepper.metrics(1); // so that Ctrl-C is heard, and work does not pile up
  }
  const { history } = lookout;
  const best = lookout.end();
  const status = signal?.aborted ? 'stopped' : stepper.step < course.steps ? 'early' : 'finished';
  return { status, best, history };
}

/** Validates, remembers the best weights, and keeps how far the tuning is. */
class Lookout<Evaluation> {
  readonly history: TuneRecord<Evaluation>[] = [];
  private best: TuneRecord<Evaluation> | undefined;
  private readonly weights: BestWeights;

  constructor(private readonly options: TuneOptions<Evaluation>) {
    this.weights = new BestWeights(options.stepper.trained.map(({ parameters }) => parameters));
  }

  /** Goes on from the checkpoint, if it is to; else leaves one to begin from again, should it be stopped before its first validation. */
  async begin(): Promise<void> {
    const { checkpoint, stepper, skip } = this.options;
    const before = await checkpoint?.read<Evaluation>();
    if (!before) return this.keep();
    goOn(stepper, before);
    skip?.(before.step);
    this.history.push(...before.history);
    this.best = this.history.findLast(({ best }) => best);
    this.weights.kept = before.best;
  }

  /** Whether nothing was better for too long. */
  get isTired(): boolean {
    return (
      this.best !== undefined &&
      this.history.length - 1 - this.history.indexOf(this.best) >= this.options.course.patience
    );
  }

  /** @param due whether the course wants it; one that the signal brought about is none when the tuning goes on */
  async look(due: boolean): Promise<void> {
    const { stepper, score, onRecord } = this.options;
    const loss = await meanLoss(stepper, this.history.at(-1)?.step ?? 0);
    const evaluation = await this.options.evaluate();
    if (!this.best && !Number.isFinite(score(evaluation))) throw exploded(stepper);
    const best = !this.best || score(evaluation) > score(this.best.evaluation);
    const record = { step: stepper.step, loss, evaluation, best };
    if (best) {
      this.best = record;
      await this.weights.keep();
    }
    this.history.push(record);
    onRecord?.(record);
    if (due) await this.keep();
  }

  private async keep(): Promise<void> {
    const { stepper, checkpoint } = this.options;
    const { history, weights } = this;
    await checkpoint?.write({ step: stepper.step, history, stepper: await stepper.save(), best: weights.kept });
  }

  /** Puts the best weights back. */
  end(): TuneRecord<Evaluation> {
    if (!this.best) throw new UserError('the tuning was stopped before its first validation: nothing was learned');
    this.weights.restore();
    return this.best;
  }
}

/** Puts a stepper where it was. */
function goOn(stepper: Stepper, { step, stepper: { tensors } }: TuneState<unknown>): void {
  const data = new Map(tensors.map((one) => [one.name, one.data]));
  stepper.restore(step, (name) => {
    const found = data.get(name);
    if (found) return found;
    throw new UserError(`the checkpoint has no "${name}": begin anew, without --resume`);
  });
}

/** Steps that wait on the GPU at most. */
const FLUSH_EVERY = 8;

/** The mean loss of the steps after `since`; of the last 64 of them where there were more. */
async function meanLoss(stepper: Stepper, since: number): Promise<number> {
  const metrics = await stepper.metrics(stepper.step - since);
  const loss = mean(metrics.map((one) => one.loss));
  if (Number.isFinite(loss)) return loss;
  throw exploded(stepper);
}

const exploded = ({ step }: Stepper): UserError =>
  new UserError(`the loss is no number any more after step ${step}: tune again with a lower --learning-rate`);

/** Parameters as they were at one moment, on the host. */
class BestWeights {
  kept: readonly Float32Array[] = [];

  constructor(private readonly collections: readonly Parameters[]) {}

  async keep(): Promise<void> {
    this.kept = await Promise.all(this.collections.map(async ({ values }) => new Float32Array(await values.floats())));
  }

  restore(): void {
    for (const [i, values] of this.kept.entries()) this.collections[i].values.write(new Float32Array(values));
  }
}
