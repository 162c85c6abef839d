import { relative, resolve } from 'node:path';
import { UserError } from '../../errors.ts';
import { GPT } from '../../model/gpt.ts';
import type { FolderLock } from '../../node/lock.ts';
import { Appraisal } from '../../report/appraisal.ts';
import type { MemoryCard } from '../../report/data.ts';
import { autotune } from '../autotune.ts';
import { saveCheckpoint } from '../checkpoint.ts';
import { modelConfig } from '../config.ts';
import { Evaluator, finalBatches } from '../evaluate.ts';
import { lockRun } from '../place.ts';
import { choosePrecision } from '../precision.ts';
import { isRunFolder, type RunCard, type RunState, readLog, readRunCard, syncLog } from '../runFolder.ts';
import { drawSamples } from '../samples.ts';
import { learningRateAt } from '../schedule.ts';
import { Trainer } from '../trainer.ts';
import { Watch } from '../watch/watch.ts';
import { diagnose } from './diagnose.ts';
import type { EndedRun, RunEvent, RunResult, TrainRunOptions } from './events.ts';
import { RunLog } from './log.ts';
import { chatMaterial, type Material, textMaterial } from './material.ts';
import { memoryPlan } from './memory.ts';
import { beginFolder, checkSameRun, type RunParts, writeCard, writeReport } from './saving.ts';

/**
 * Trains a model on a text and leaves a run folder behind; with `resume` it goes on where the folder's checkpoint stands, bit
 * for bit as if it had never stopped. A loss that is no longer a number, or explodes, ends the run with the last good
 * checkpoint kept.
 * @throws UserError for text that cannot be trained on, a folder that cannot be written or resumed, a failing device, a
 *   precision that the adapter has not; UsageError when a resumed run has other settings or another text.
 */
export async function trainRun(given: TrainRunOptions): Promise<RunResult> {
  const lock = given.lock ?? (await lockRun(given.folder, given.resume));
  return trainIn(lock, given).finally(() => {
    if (!given.lock) lock.release();
  });
}

async function trainIn(lock: FolderLock, given: TrainRunOptions): Promise<RunResult> {
  const { folder, resume, engine, adapter, base } = given;
  const before = resume ? await readRunCard(folder) : undefined;
  if (!resume && isRunFolder(folder)) {
    throw new UserError(`${folder} holds a run already; resume it, or name another folder with --out`);
  }
  const options = { ...settlePrecision(given, before), dial: given.dial ?? before?.dial };
  const { config } = options;
  const whole = await materialOf(options);
  const text = options.spoil?.(whole) ?? whole;
  if (before) checkSameRun(before, config, text.card, folder);
  options.onEvent?.({ type: 'data', card: text.card });
  // other tables would change the bits of its numbers; on another adapter they mean nothing
  if (before?.adapter.name === adapter.name) engine.tuning.use(before.tuning ?? {});
  const model = base?.model ?? new GPT(engine, modelConfig(config, text.tokenizer.vocabSize));
  const trainer = new Trainer(model, config, base?.parameters);
  if (options.autotune && !before) await tuneFor(trainer, options);
  const startedAt = before?.startedAt ?? new Date().toISOString();
  const run = new Run({ options, lock, text, trainer, startedAt, appraisal: Appraisal.parse(before ?? {}) });
  await run.begin();
  const { status, warnings } = await run.train();
  return run.end(status, warnings);
}

/** Sets the engine to what the run is trained in. What `auto` comes to is kept with the run, for when it is resumed. */
function settlePrecision(options: TrainRunOptions, before: RunCard | undefined): TrainRunOptions {
  const { engine, config } = options;
  const precision = choosePrecision(config.precision, engine.capabilities, before?.config.precision);
  engine.precision = precision;
  return { ...options, config: { ...config, precision } };
}

async function materialOf({ corpus, config, base, folder }: TrainRunOptions): Promise<Material> {
  const material = base?.from.chat
    ? await chatMaterial(corpus, config, base.tokenizer, base.from.chat)
    : await textMaterial(corpus, config, base?.tokenizer);
  if (corpus.path === undefined) return material;
  return { ...material, card: { ...material.card, path: relative(resolve(folder), corpus.path) } };
}

async function tuneFor(trainer: Trainer, { engine, adapter, signal, onEvent }: TrainRunOptions): Promise<void> {
  const onBegin = (unknown: number, budgetMs: number) => onEvent?.({ type: 'tuning', unknown, budgetMs });
  const summary = await autotune(engine, trainer.rehearse(), adapter, { signal, onBegin });
  if (summary) onEvent?.({ type: 'tuned', ...summary });
}

/** The course of a run. */
class Run {
  private readonly evaluator: Evaluator;
  private readonly watch: Watch | undefined;
  private readonly log: RunLog;
  private readonly memory: MemoryCard['planned'];
  /** As of the last checkpoint and the best validation. */
  private state!: RunState;
  private saved: boolean;
  private diverged = false;

  constructor(private readonly parts: RunParts) {
    const { options, lock, trainer } = parts;
    const { config, engine } = options;
    const { batchSize, blockSize, gradientAccumulation } = config;
    this.evaluator = new Evaluator(trainer.model, batchSize);
    this.log = new RunLog(lock, batchSize * blockSize * gradientAccumulation, engine.precision === 'mixed');
    this.watch = config.watch ? new Watch(trainer, config.watchEvery) : undefined;
    this.memory = memoryPlan(trainer, this.evaluator, { base: options.base, watch: this.watch });
    this.saved = options.resume;
    lock.restore = () => this.restore();
  }

  /** Writes the folder anew. What only the disk held are the best weights: the next validation is the best so far. */
  private async restore(): Promise<void> {
    const { trainer, options } = this.parts;
    const { step } = trainer;
    await writeCard(this.parts);
    await this.log.rewrite();
    const isBest = this.state.bestStep === step;
    if (!isBest) this.state = { ...this.state, bestValidationLoss: null, bestStep: 0 };
    this.state = { ...this.state, step, timeMs: this.log.timeMs };
    if (!this.diverged && step > 0) await saveCheckpoint(options.folder, trainer, this.state, isBest, options.base);
    this.emit({ type: 'restored', step });
  }

  private emit(event: RunEvent): void {
    this.parts.options.onEvent?.(event);
  }

  async begin(): Promise<void> {
    const { engine, config, folder, resume } = this.parts.options;
    const { trainer } = this.parts;
    this.state = await beginFolder(this.parts);
    const { step } = this.state;
    await this.log.begin(resume ? (await readLog(folder)).filter((record) => record.step <= step) : []);
    this.emit({
      ...{ type: 'plan', parameters: trainer.model.parameters.count, trained: trainer.trainedCount },
      ...{ memoryBytes: this.memory.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), memory: this.memory },
      ...{ precision: engine.precision, steps: config.steps, firstStep: step },
    });
  }

  /** Trains to the end, or until the signal, or until the loss explodes (then a sentence says why). */
  async train(): Promise<Pick<RunResult, 'status' | 'warnings'>> {
    const { trainer, text, options } = this.parts;
    const { config, signal, base } = options;
    const { steps, gradientAccumulation: count } = config;
    this.log.start(this.state.timeMs);
    // a base that tuning does not better is the best there is
    if (base && !this.saved) await this.save(await this.validate());
    while (trainer.step < steps && !signal?.aborted) {
      const batches = Array.from({ length: count }, (_, i) => text.train.batch(trainer.step * count + i));
      (this.watch ?? trainer).train(batches);
      const due = (every: number): boolean => trainer.step % every === 0 || trainer.step === steps;
      const [validates, saves] = [due(config.evalEvery), due(config.checkpointEvery)];
      // what is saved is known to be sound, and its losses are in the log before
      const warning = (due(config.logEvery) || validates || saves || this.watch?.due) && (await this.readLosses());
      if (warning) return { status: 'diverged', warnings: [warning] };
      const improved = validates && (await this.validate());
      if (saves || improved) await this.save(improved);
    }
    return this.stop();
  }

  /** Saves where it stands, if it ends between two checkpoints: without a validation, which the run would not have had. */
  private async stop(): Promise<Pick<RunResult, 'status' | 'warnings'>> {
    const { trainer, options } = this.parts;
    if (trainer.step > this.state.step) {
      const warning = await this.readLosses();
      if (warning) return { status: 'diverged', warnings: [warning] };
      await this.save(false);
    }
    return { status: trainer.step < options.config.steps ? 'stopped' : 'finished', warnings: [] };
  }

  /** Draws samples, has the run appraised, and writes the report. */
  async end(status: RunResult['status'], warnings: readonly string[]): Promise<RunResult> {
    const { trainer, lock, text, options } = this.parts;
    const isDone = status === 'finished';
    const samples = isDone ? await drawSamples(trainer.model, text.tokenizer, options.config.seed) : [];
    for (const { prompt, text } of samples) this.emit({ type: 'sample', prompt, text });
    const { records: log, timeMs: durationMs } = this.log;
    const memory = { planned: this.memory, peakBytes: options.engine.device.pool.peakBytes };
    const ended = { status, warnings, durationMs, log, samples, memory };
    const outcome = { ...ended, warnings: [...warnings, ...(await this.appraise(ended))] };
    const report = await lock.write(() => writeReport(this.parts, outcome));
    return {
      ...{ folder: options.folder, steps: trainer.step, saved: this.saved, appraisal: this.parts.appraisal },
      ...{ status, log, samples, warnings: outcome.warnings },
      validationLoss: log.findLast(({ validationLoss }) => validationLoss !== undefined)?.validationLoss ?? Number.NaN,
      bestValidationLoss: this.state.bestValidationLoss ?? Number.NaN,
      report,
    };
  }

  /** Keeps what is said of the run, and returns why nothing could be said. */
  private async appraise(ended: Pick<EndedRun, 'status' | 'warnings' | 'durationMs' | 'log' | 'samples' | 'memory'>) {
    const { options, trainer, text, startedAt, appraisal: before } = this.parts;
    const { appraise, engine, adapter, config, folder, corpus } = options;
    if (!appraise) return [];
    const isFresh = options.base === undefined;
    const run = { ...ended, engine, adapter, config, folder, corpus, trainer, text, startedAt, before, isFresh };
    try {
      this.parts.appraisal = await appraise(run);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return [`The run could not be appraised: ${error.message}`];
    }
    await this.parts.lock.write(() => writeCard(this.parts));
    return [];
  }

  /** Logs the losses of the steps since the last time, and judges them. */
  private async readLosses(): Promise<string | undefined> {
    const { trainer, text, options } = this.parts;
    const { config } = options;
    const steps = await trainer.metrics(trainer.step - this.log.lastStep);
    if (steps.length === 0) return undefined;
    const measured = await this.watch?.read();
    const { record, stepMs } = await this.log.addSteps(steps, learningRateAt(trainer.step - 1, config), measured);
    const remainingMs = (config.steps - trainer.step) * stepMs;
    this.emit({ type: 'log', record, plannedSteps: config.steps, remainingMs });
    const warning = diagnose(this.log.records, config, text.tokenizer.vocabSize, this.saved);
    this.diverged = warning !== undefined;
    return warning;
  }

  /** Scores the held-out text; true when it is the best so far. At the end all of it is scored, or what `finalBatches` says. */
  private validate(): Promise<boolean> {
    const { trainer, text, options } = this.parts;
    const { evalBatches, steps: plannedSteps } = options.config;
    const batches = trainer.step >= plannedSteps ? finalBatches(options.config) : evalBatches;
    return this.log.aside(async () => {
      const { loss } = await this.evaluator.score(text.validation, batches);
      const record = await this.log.addValidation(trainer.step, loss);
      this.emit({ type: 'log', record, plannedSteps });
      const { bestValidationLoss: best } = this.state;
      if (best !== null && !(loss < best)) return false;
      this.state = { ...this.state, bestValidationLoss: loss, bestStep: trainer.step };
      return true;
    });
  }

  private async save(best: boolean): Promise<void> {
    const { trainer, lock, options } = this.parts;
    const { step } = trainer;
    this.state = { ...this.state, step, timeMs: this.log.timeMs };
    await this.log.aside(() =>
      lock.write(async () => {
        await syncLog(lock.folder);
        await saveCheckpoint(lock.folder, trainer, this.state, best, options.base);
      }),
    );
    this.saved = true;
    this.emit({ type: 'checkpoint', step, best });
  }
}
