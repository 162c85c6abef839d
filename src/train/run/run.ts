import { basename, join, resolve } from 'node:path';
import { UserError } from '../../errors.ts';
import { GPT } from '../../model/gpt.ts';
import { sweepTemporary, writeAtomic } from '../../node/files.ts';
import type { MemoryCard, Sample } from '../../report/data.ts';
import type { LogRecord } from '../../report/logRecord.ts';
import { renderReport } from '../../report/trainingReport.ts';
import type { Engine } from '../../tensor/engine.ts';
import type { Precision } from '../../tensor/operands/half.ts';
import type { DataCard } from '../../text/windows/dataset.ts';
import { type AutotuneSummary, autotune } from '../autotune.ts';
import { restoreCheckpoint, saveCheckpoint } from '../checkpoint.ts';
import { modelConfig, type TrainConfig } from '../config.ts';
import { Evaluator } from '../evaluate.ts';
import { modelTable } from '../modelTable.ts';
import { choosePrecision } from '../precision.ts';
import * as folders from '../runFolder.ts';
import { drawSamples } from '../samples.ts';
import { writeAdapterConfig } from '../savedRun.ts';
import { learningRateAt } from '../schedule.ts';
import type { TextTuning } from '../trainable.ts';
import { Trainer } from '../trainer.ts';
import { diagnose } from './diagnose.ts';
import { RunLog } from './log.ts';
import { type CorpusSource, chatMaterial, type Material, textMaterial } from './material.ts';
import { checkSameRun, takeTablesOf } from './resume.ts';

export interface TrainRunOptions {
  engine: Engine;
  adapter: { name: string; software: boolean };
  corpus: CorpusSource;
  config: TrainConfig;
  folder: string;
  /** Continue the run in `folder`. */
  resume: boolean;
  /** Measure, for at most a few seconds, what kernels do best where the engine's tables do not know; and keep it for others. */
  autotune?: boolean;
  /** A trained model to go on from, in place of fresh weights and a tokenizer of the text's own. */
  base?: TextTuning;
  /** Stops the run at the next step, with everything saved. */
  signal?: AbortSignal;
  onEvent?: (event: RunEvent) => void;
}

export type RunEvent =
  | { type: 'data'; card: DataCard }
  | { type: 'tuning'; unknown: number; budgetMs: number }
  | ({ type: 'tuned' } & AutotuneSummary)
  | {
      type: 'plan';
      parameters: number;
      /** Of them, or of adapters beside them, those that are trained. */
      trained: number;
      memoryBytes: number;
      memory: MemoryCard['planned'];
      precision: Precision;
      steps: number;
      firstStep: number;
    }
  | { type: 'log'; record: LogRecord; plannedSteps: number; remainingMs?: number }
  | { type: 'checkpoint'; step: number; best: boolean }
  | { type: 'sample'; prompt: string; text: string };

export interface RunResult {
  status: 'finished' | 'stopped' | 'diverged';
  folder: string;
  steps: number;
  validationLoss: number;
  bestValidationLoss: number;
  log: readonly LogRecord[];
  samples: readonly Sample[];
  warnings: readonly string[];
  /** Path of report.html. */
  report: string;
}

/** Held-out tokens that the last validation scores at most, spread over all of them: a large corpus would take minutes. */
const FINAL_TOKENS = 2 ** 18;

/** One training run, from the text to the report. */
class Run {
  private readonly evaluator: Evaluator;
  private readonly log: RunLog;
  private readonly memory: MemoryCard['planned'];
  private state: folders.RunState = { step: 0, timeMs: 0, bestValidationLoss: null, bestStep: 0 };
  private samples: readonly Sample[] = [];

  constructor(
    private readonly options: TrainRunOptions,
    private readonly text: Material,
    private readonly trainer: Trainer,
    private readonly startedAt: string,
  ) {
    const { config, engine, folder, base } = options;
    const { batchSize, blockSize, gradientAccumulation } = config;
    this.evaluator = new Evaluator(trainer.model, batchSize);
    this.log = new RunLog(folder, batchSize * blockSize * gradientAccumulation, engine.precision === 'mixed');
    this.memory = planOf(trainer, this.evaluator, base);
  }

  private emit(event: RunEvent): void {
    this.options.onEvent?.(event);
  }

  private emitLog(remainingMs?: number): void {
    const record = this.log.records.at(-1)!;
    this.emit({
      type: 'log',
      record,
      plannedSteps: this.options.config.steps,
      ...(remainingMs !== undefined && { remainingMs }),
    });
  }

  /** Fresh weights, or those of the checkpoint. */
  async begin(resume: boolean): Promise<void> {
    const { folder, config, base } = this.options;
    const { model } = this.trainer;
    if (resume) this.state = await restoreCheckpoint(folder, this.trainer);
    else if (!base) model.initialize(config.seed);
    const before = resume ? await folders.readLog(folder) : [];
    await sweepTemporary(folder);
    if (base?.adapters) await writeAdapterConfig(folder, base.adapters, base.from, model.config);
    await folders.writeRunCard(folder, this.card(), this.text.tokenizer, model);
    await this.log.begin(before.filter(({ step }) => step <= this.state.step));
    this.emitPlan();
  }

  private card(): folders.RunCard {
    const { config, adapter, engine, base } = this.options;
    const { card: dataCard } = this.text;
    const { table: tuning } = engine.tuning;
    return { version: 1, config, dataCard, adapter, startedAt: this.startedAt, tuning, tunedFrom: base?.from };
  }

  private emitPlan(): void {
    const { config, engine } = this.options;
    const { trainer, memory } = this;
    const memoryBytes = memory.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const { count: parameters } = trainer.model.parameters;
    this.emit({
      ...{ type: 'plan', parameters, trained: trainer.trainedCount, memoryBytes, memory },
      ...{ precision: engine.precision, steps: config.steps, firstStep: this.state.step },
    });
  }

  /** Trains to the end, or until the signal, or until the loss explodes (then the sentence says why). */
  async train(): Promise<{ status: RunResult['status']; warning?: string }> {
    const { config, signal, base } = this.options;
    const { trainer } = this;
    this.log.start(this.state.timeMs);
    // a base that tuning does not better is the best there is
    if (base && trainer.step === 0) await this.save(await this.validate());
    while (trainer.step < config.steps && !signal?.aborted) {
      trainer.train(this.nextBatches());
      const due = (every: number): boolean => trainer.step % every === 0 || trainer.step === config.steps;
      if (due(config.logEvery)) {
        const warning = await this.readLosses();
        if (warning) return { status: 'diverged', warning };
      }
      const improved = due(config.evalEvery) && (await this.validate());
      if (due(config.checkpointEvery) || improved) await this.save(improved);
    }
    return { status: trainer.step < config.steps ? 'stopped' : 'finished' };
  }

  /** Saves what is not saved yet, draws samples and writes the report. */
  async end(status: RunResult['status'], warning: string | undefined): Promise<RunResult> {
    const { folder, config } = this.options;
    const { trainer, log } = this;
    if (status === 'stopped' && trainer.step > this.state.step) {
      await this.readLosses();
      await this.save(await this.validate());
    }
    if (status === 'finished') {
      this.samples = await drawSamples(trainer.model, this.text.tokenizer, config.seed);
      for (const { prompt, text } of this.samples) this.emit({ type: 'sample', prompt, text });
    }
    const warnings = warning ? [warning] : [];
    await this.report(status, warnings);
    const validations = log.records.flatMap(({ validationLoss }) => validationLoss ?? []);
    return {
      ...{ status, folder, steps: trainer.step, log: log.records, samples: this.samples, warnings },
      validationLoss: validations.at(-1) ?? Number.NaN,
      bestValidationLoss: this.state.bestValidationLoss ?? Number.NaN,
      report: join(folder, folders.FILES.report),
    };
  }

  private nextBatches() {
    const { gradientAccumulation: count } = this.options.config;
    return Array.from({ length: count }, (_, i) => this.text.train.batch(this.trainer.step * count + i));
  }

  /** Logs the losses of the steps since the last time, and judges them. */
  private async readLosses(): Promise<string | undefined> {
    const { config } = this.options;
    const { log, trainer } = this;
    const steps = await trainer.metrics(trainer.step - log.lastStep);
    if (steps.length === 0) return undefined;
    const { stepMs } = await log.addSteps(steps, learningRateAt(trainer.step - 1, config));
    this.emitLog((config.steps - trainer.step) * stepMs);
    return diagnose(log.records, config, this.text.tokenizer.vocabSize);
  }

  /** Scores the held-out text; true when it is the best so far. At the end all of it is scored, or FINAL_TOKENS of it. */
  private validate(): Promise<boolean> {
    const { step } = this.trainer;
    const { batchSize, blockSize, evalBatches, steps } = this.options.config;
    const final = Math.ceil(FINAL_TOKENS / (batchSize * blockSize));
    const batches = step >= steps && evalBatches > 0 ? Math.max(final, evalBatches) : evalBatches; // 0 means all
    return this.log.aside(async () => {
      const { loss } = (await this.evaluator.score(this.text.validation, batches))!;
      await this.log.addValidation(step, loss);
      this.emitLog();
      const { bestValidationLoss: best } = this.state;
      if (best !== null && !(loss < best)) return false;
      this.state = { ...this.state, bestValidationLoss: loss, bestStep: step };
      return true;
    });
  }

  private async save(best: boolean): Promise<void> {
    const { step } = this.trainer;
    const { folder, base } = this.options;
    this.state = { ...this.state, step, timeMs: this.log.timeMs };
    await this.log.aside(() => saveCheckpoint(folder, this.trainer, this.state, best, base));
    this.emit({ type: 'checkpoint', step, best });
  }

  private async report(status: RunResult['status'], warnings: readonly string[]): Promise<void> {
    const { folder, config, adapter, engine } = this.options;
    const { model } = this.trainer;
    const page = renderReport({
      ...{ name: basename(resolve(folder)), status, warnings, adapter, startedAt: this.startedAt },
      ...{ durationMs: this.log.timeMs, plannedSteps: config.steps, train: { ...config }, log: this.log.records },
      ...{ samples: this.samples, dataCard: this.text.card, model: model.config },
      parameters: modelTable(model.config, model.parameters.specs),
      memory: { planned: this.memory, peakBytes: engine.device.pool.allocatedBytes },
    });
    await writeAtomic(join(folder, folders.FILES.report), page);
  }
}

/** What the parts of a run take of the device's memory. */
function planOf(trainer: Trainer, evaluator: Evaluator, base?: TextTuning): MemoryCard['planned'] {
  const { gradientBytes, transientBytes, model } = trainer;
  const { adapters } = base ?? {};
  return [
    { what: 'parameters', sizeBytes: 4 * model.parameters.values.size },
    ...(adapters ? [{ what: 'adapters', sizeBytes: 4 * adapters.parameters.values.size }] : []),
    { what: 'gradients', sizeBytes: gradientBytes },
    { what: 'moments of the optimizer', sizeBytes: 2 * gradientBytes },
    { what: 'activations in training', sizeBytes: transientBytes },
    { what: 'activations in validation', sizeBytes: evaluator.transientBytes },
  ];
}

/**
 * Trains a model on a text and leaves a run folder behind; with `resume` it goes on where the folder's checkpoint stands, bit
 * for bit as if it had never stopped. A loss that is no longer a number, or explodes, ends the run with the last good
 * checkpoint kept.
 * @throws UserError for text that cannot be trained on, a folder that cannot be written or resumed, a failing device, a
 *   precision that the adapter has not; UsageError when a resumed run has other settings or another text.
 */
export async function trainRun(given: TrainRunOptions): Promise<RunResult> {
  const { folder, resume } = given;
  const before = resume ? await folders.readRunCard(folder) : undefined;
  if (!resume && folders.isRunFolder(folder)) {
    throw new UserError(`${folder} holds a run already; resume it, or name another folder with --out`);
  }
  const options = settlePrecision(given, before);
  const text = await materialOf(options);
  if (before) checkSameRun(before, options.config, text.card, folder);
  options.onEvent?.({ type: 'data', card: text.card });
  if (before) takeTablesOf(before, options.engine, options.adapter);
  const trainer = trainerFor(options, text);
  if (options.autotune && !before) await tuneFor(trainer, options);
  const run = new Run(options, text, trainer, before?.startedAt ?? new Date().toISOString());
  await run.begin(resume);
  const { status, warning } = await run.train();
  return run.end(status, warning);
}

/** Sets the engine to what the run is trained in. What `auto` comes to is kept with the run, for when it is resumed. */
function settlePrecision(options: TrainRunOptions, before: folders.RunCard | undefined): TrainRunOptions {
  const { engine, config } = options;
  const precision = choosePrecision(config.precision, engine.capabilities, before?.config.precision);
  engine.precision = precision;
  return { ...options, config: { ...config, precision } };
}

const materialOf = ({ corpus, config, base }: TrainRunOptions): Promise<Material> =>
  base?.from.chat
    ? chatMaterial(corpus, config, base.tokenizer, base.from.chat)
    : textMaterial(corpus, config, base?.tokenizer);

function trainerFor({ engine, config, base }: TrainRunOptions, { tokenizer }: Material): Trainer {
  const model = base?.model ?? new GPT(engine, modelConfig(config, tokenizer.vocabSize));
  return new Trainer(model, config, base?.parameters);
}

async function tuneFor(trainer: Trainer, { engine, adapter, signal, onEvent }: TrainRunOptions): Promise<void> {
  const onBegin = (unknown: number, budgetMs: number) => onEvent?.({ type: 'tuning', unknown, budgetMs });
  const summary = await autotune(engine, trainer.rehearse(), adapter, { signal, onBegin });
  if (summary) onEvent?.({ type: 'tuned', ...summary });
}
