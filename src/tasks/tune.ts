/** The fine-tuning that all tasks share: steps, validations, early stopping, and the best weights kept. */
import { mean } from 'simple-statistics';
import { StoppedError, UserError } from '../errors.ts';
import type { Engine } from '../tensor/engine.ts';
import type { Parts } from '../text/labels/taskCard.ts';
import { type Objective, RING, Stepper, type StepSettings } from '../train/stepper.ts';
import type { Trainables } from '../train/trainable.ts';
import type { TrainingBatches } from './batches.ts';
import type { Base, ParameterCounts } from './fineTuned.ts';
import type { TunedModel } from './folder.ts';
import type { FineTuneSettings } from './settings.ts';
import type { TuneCheckpoint, Validation } from './tuneCheckpoint.ts';

/** How long a tuning goes on. */
export type TuneLimits = Pick<FineTuneSettings, 'steps' | 'evalEvery' | 'patience'>;

/** How a tuning is looked after while it goes on. */
export interface TuneControl {
  /** Ends the tuning at the next step, from where it can go on; the best weights so far are what is left, and nothing is tested. */
  readonly signal?: AbortSignal;
  /** Where it is kept how far the tuning is, at its beginning, at each validation and where it is stopped, and what it goes on from. */
  readonly checkpoint?: TuneCheckpoint;
}

/** What is tuned, and to what. */
export interface FineTuneOptions<Example, Overrides, Event> extends TuneControl {
  readonly base: Base;
  /** The test parts (all but `train` and `validation`) are looked at once, when all is decided. */
  readonly parts: Parts<Example>;
  /** What errors call the data. */
  readonly name?: string;
  readonly overrides?: Overrides;
  /** Train on so many of the training examples only, and choose by no more validation examples than that. */
  readonly labels?: number;
  readonly onEvent?: (event: Event) => void;
}

/** What is told on the way: what will be done, and each validation. */
export type FineTuneEvent<Plan, Scores> =
  | ({ type: 'plan'; examples: Readonly<Record<string, number>> } & ParameterCounts & Plan)
  | ({ type: 'validation'; step: number; loss: number; validationLoss: number; best: boolean } & Scores);

/** The event of a validation. */
export const validationEvent = <Scores>(seen: Validation<{ readonly loss: number }>, scores: Scores) => ({
  ...{ type: 'validation' as const, step: seen.step, loss: seen.loss, validationLoss: seen.evaluation.loss },
  ...scores,
  best: seen.best,
});

/** What came of it, beside the model at work. */
export interface FineTuned<Example, Settings, Evaluation> extends Tuned<Evaluation>, ParameterCounts {
  /** The classes of the head, in order. */
  readonly labels: readonly string[];
  readonly tuned: TunedModel;
  readonly settings: Settings;
  /** What it was trained, validated and tested on. */
  readonly parts: Parts<Example>;
  /** What the test parts say; nothing when it was stopped. */
  readonly report?: unknown;
}

export interface TuneOptions<Evaluation> extends TuneControl {
  readonly engine: Engine;
  readonly trained: Pick<Trainables, 'parameters'>;
  readonly limits: TuneLimits;
  readonly optimizer: StepSettings;
  readonly batches: Pick<TrainingBatches<never>, 'next' | 'skip' | 'loss'>;
  evaluate(): Promise<Evaluation>;
  /** Higher is better; of equals the earlier one stays. */
  score(evaluation: Evaluation): number;
  readonly onValidation?: (validation: Validation<Evaluation>) => void;
}

/** What a tuning came to. */
export interface Tuned<Evaluation> {
  readonly status: 'finished' | 'early' | 'stopped';
  /** The validation whose weights are kept. */
  readonly best: Validation<Evaluation>;
  readonly history: readonly Validation<Evaluation>[];
}

/**
 * Steps until the limits are reached, nothing was better for `patience` validations, or the signal says so. Afterwards the
 * trained parameters are those of the best validation.
 * @throws UserError when the loss is no number any more, or there is nothing to go on from; StoppedError before the first step
 */
export async function tune<Evaluation>(options: TuneOptions<Evaluation>): Promise<Tuned<Evaluation>> {
  const { engine, trained, batches, limits, signal } = options;
  const objective = {
    parameters: trained.parameters,
    loss: (...[state, , length]: Parameters<Objective['loss']>) => batches.loss(state, length),
  };
  const stepper = new Stepper(engine, objective, options.optimizer);
  const stopping = new EarlyStopping(stepper, options);
  await stopping.begin();
  while (stepper.step < limits.steps && !signal?.aborted && !stopping.outOfPatience) {
    stepper.run(batches.next());
    const due = stepper.step % limits.evalEvery === 0 || stepper.step === limits.steps;
    if (due) await stopping.validate();
    else if (stepper.step % FLUSH_EVERY === 0) await stepper.metrics(1); // so that Ctrl-C is heard, and work does not pile up
  }
  if (signal?.aborted) await stopping.stop(signal.reason);
  const best = stopping.end();
  stepper.dispose();
  const status = signal?.aborted ? 'stopped' : stepper.step < limits.steps ? 'early' : 'finished';
  return { status, best, history: stopping.history };
}

/** Steps that wait on the GPU at most. */
const FLUSH_EVERY = 8;

/** Validates, remembers the best weights, and keeps how far the tuning is. */
class EarlyStopping<Evaluation> {
  readonly history: Validation<Evaluation>[] = [];
  private best: Validation<Evaluation> | undefined;
  /** The weights of the best validation, on the host: a collection each. */
  private bestWeights: readonly Float32Array[] = [];
  /** Of the steps since the last validation, the losses of those before it went on. */
  private lossesBefore: readonly number[] = [];

  constructor(
    private readonly stepper: Stepper,
    private readonly options: TuneOptions<Evaluation>,
  ) {}

  /** Goes on from the checkpoint, if it is to; else leaves one to begin from again, should it be stopped before its first validation. */
  async begin(): Promise<void> {
    const { stepper, options } = this;
    const before = await options.checkpoint?.read<Evaluation>();
    if (!before) return this.save();
    const sizes = before.history.length > 0 ? stepper.trained.map(({ parameters }) => parameters.values.size) : [];
    if (sizes.join() !== before.best.map(({ length }) => length).join()) {
      throw new UserError('the checkpoint holds other best weights than are tuned: begin anew without --resume');
    }
    stepper.restore(before.step, before.part);
    options.batches.skip(before.step);
    for (const validation of before.history) this.history.push(validation);
    this.best = this.history.findLast(({ best }) => best);
    this.bestWeights = before.best;
    this.lossesBefore = before.losses ?? [];
  }

  /** Whether nothing was better for too long. */
  get outOfPatience(): boolean {
    if (!this.best) return false;
    return this.history.length - 1 - this.history.indexOf(this.best) >= this.options.limits.patience;
  }

  async validate(): Promise<void> {
    await this.look(await this.losses());
    this.lossesBefore = [];
    await this.save();
  }

  /**
   * Keeps where it stands. A validation that is not due follows, so that what was learned since the last one is not lost to whoever
   * uses the model now: when the tuning goes on, it is as if that had not been.
   */
  async stop(exitCode: unknown): Promise<void> {
    const { stepper, history } = this;
    if (stepper.step === 0) {
      const sentence =
        'the tuning was stopped before its first step: nothing was learned, and the same command begins it again';
      throw new StoppedError(sentence, typeof exitCode === 'number' ? exitCode : undefined);
    }
    if (stepper.step === history.at(-1)?.step) return;
    const losses = await this.losses();
    await this.save(losses);
    await this.look(losses);
  }

  private async look(losses: readonly number[]): Promise<void> {
    const { stepper, history } = this;
    const { evaluate, score, onValidation } = this.options;
    const loss = mean([...losses]);
    const evaluation = await evaluate();
    if (!this.best && !Number.isFinite(score(evaluation))) throw diverged(stepper);
    const best = !this.best || score(evaluation) > score(this.best.evaluation);
    const validation = { step: stepper.step, loss, evaluation, best };
    if (best) {
      this.best = validation;
      this.bestWeights = await Promise.all(stepper.trained.map(({ parameters }) => parameters.values.floats()));
    }
    history.push(validation);
    onValidation?.(validation);
  }

  private async save(losses: readonly number[] = []): Promise<void> {
    const { stepper, history, bestWeights: best } = this;
    await this.options.checkpoint?.write({ step: stepper.step, history, best, losses }, await stepper.save());
  }

  /** The losses of the steps since the last validation, or the last of them. @throws UserError when one is no number */
  private async losses(): Promise<number[]> {
    const { stepper, history, lossesBefore } = this;
    const own = await stepper.metrics(stepper.step - (history.at(-1)?.step ?? 0));
    const losses = [...lossesBefore, ...own.map(({ loss }) => loss)].slice(-RING);
    if (losses.every(Number.isFinite)) return losses;
    throw diverged(stepper);
  }

  /** Puts the best weights back. */
  end(): Validation<Evaluation> {
    if (!this.best) throw new Error('no validation, no best weights');
    for (const [i, { parameters }] of this.stepper.trained.entries()) {
      parameters.values.write(new Float32Array(this.bestWeights[i]));
    }
    return this.best;
  }
}

const diverged = ({ step }: Stepper): UserError =>
  new UserError(`the loss is no number any more after step ${step}: tune again with a lower --learning-rate`);
