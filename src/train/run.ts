import { basename, join, resolve } from 'node:path';
import { UsageError, UserError } from '../errors.ts';
import { GPT } from '../model/gpt.ts';
import { sweepTemporary, writeAtomic } from '../node/files.ts';
import type { MemoryCard, Sample } from '../report/data.ts';
import type { LogRecord } from '../report/logRecord.ts';
import type { Engine } from '../tensor/engine.ts';
import type { Precision } from '../tensor/operands/half.ts';
import type { DataCard } from '../text/windows/dataset.ts';
import { type AutotuneSummary, autotune } from './autotune.ts';
import { restoreCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { modelConfig, type TrainConfig } from './config.ts';
import { diagnose } from './diagnose.ts';
import { Evaluator } from './evaluate.ts';
import { type CorpusSource, chatMaterial, type Material, textMaterial } from './material.ts';
import { modelTable } from './modelTable.ts';
import { choosePrecision } from './precision.ts';
import * as folders from './runFolder.ts';
import { drawSamples } from './samples.ts';
import { writeAdapterConfig } from './savedRun.ts';
import { learningRateAt } from './schedule.ts';
import type { TextTuning } from './trainable.ts';
import { type StepMetrics, Trainer } from './trainer.ts';

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

/** Settings that a resumed run may change without becoming another run. */
const FREE: ReadonlySet<keyof TrainConfig> = new Set([
  'steps',
  'recompute',
  'logEvery',
  'evalEvery',
  'evalBatches',
  'checkpointEvery',
]);

/** @throws UsageError when a run would resume under other settings or on another text. */
function checkSameRun(before: folders.RunCard, config: TrainConfig, card: DataCard, folder: string): void {
  const other = (Object.keys(config) as (keyof TrainConfig)[]).find(
    (key) => !FREE.has(key) && config[key] !== before.config[key],
  );
  if (other) {
    throw new UsageError(
      `${folder} was trained with ${other} = ${before.config[other]}, not ${config[other]}; resume with the same settings, or train into another folder with --out`,
    );
  }
  if (before.dataCard.sha256 !== card.sha256) {
    throw new UsageError(
      `${folder} was trained on another text (${before.dataCard.name}); resume with that one, or use another --out`,
    );
  }
}

/**
 * Makes an engine go by the tables that a run began with: another choice of kernels would change the bits of its numbers. On
 * another adapter they mean nothing.
 */
function takeTablesOf({ adapter, tuning }: folders.RunCard, { engine, adapter: { name } }: TrainRunOptions): void {
  if (adapter.name === name) engine.tuning.use(tuning ?? {});
}

async function tuneFor(trainer: Trainer, { engine, adapter, signal, onEvent }: TrainRunOptions): Promise<void> {
  const onBegin = (unknown: number, budgetMs: number) => onEvent?.({ type: 'tuning', unknown, budgetMs });
  const summary = await autotune(engine, trainer.rehearse(), adapter, { signal, onBegin });
  if (summary) onEvent?.({ type: 'tuned', ...summary });
}

/** One training run, from the text to the report. */
class Run {
  private readonly evaluator: Evaluator;
  private readonly memory: MemoryCard['planned'];
  private log: LogRecord[] = [];
  private samples: readonly Sample[] = [];
  private state: folders.RunState = { step: 0, timeMs: 0, bestValidationLoss: null, bestStep: 0 };
  private resumedAt = performance.now();
  /** When the last look at the losses ended, moved on by the time that validations and checkpoints took since. */
  private loggedAt = performance.now();

  constructor(
    private readonly options: TrainRunOptions,
    private readonly text: Material,
    private readonly trainer: Trainer,
    private readonly startedAt: string,
  ) {
    const { config } = options;
    this.evaluator = new Evaluator(trainer.model, config.batchSize);
    this.memory = this.planMemory();
  }

  private get model(): GPT {
    return this.trainer.model;
  }

  private emit(event: RunEvent): void {
    this.options.onEvent?.(event);
  }

  private planMemory(): MemoryCard['planned'] {
    const { gradientBytes } = this.trainer.stepper;
    const { adapters } = this.options.base ?? {};
    return [
      { what: 'parameters', sizeBytes: 4 * this.model.parameters.values.size },
      ...(adapters ? [{ what: 'adapters', sizeBytes: 4 * adapters.parameters.values.size }] : []),
      { what: 'gradients', sizeBytes: gradientBytes },
      { what: 'moments of the optimizer', sizeBytes: 2 * gradientBytes },
      { what: 'activations in training', sizeBytes: this.trainer.transientBytes },
      { what: 'activations in validation', sizeBytes: this.evaluator.transientBytes },
    ];
  }

  /** Fresh weights, or those of the checkpoint. */
  async begin(resume: boolean): Promise<void> {
    const { folder, config, adapter, engine, base } = this.options;
    if (resume) {
      this.state = await restoreCheckpoint(folder, this.trainer);
      this.log = (await folders.readLog(folder)).filter(({ step }) => step <= this.state.step);
    } else if (!base) this.model.initialize(config.seed);
    await sweepTemporary(folder);
    const { table: tuning } = engine.tuning;
    const card = {
      config,
      dataCard: this.text.card,
      adapter,
      startedAt: this.startedAt,
      tuning,
      tunedFrom: base?.from,
    };
    if (base?.adapters) await writeAdapterConfig(folder, base.adapters, base.from, this.model.config);
    await folders.writeRunCard(folder, { version: 1, ...card }, this.text.tokenizer, this.model);
    await folders.writeLog(folder, this.log);
    const memoryBytes = this.memory.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const { count: parameters } = this.model.parameters;
    this.emit({
      type: 'plan',
      parameters,
      trained: this.trainer.stepper.trainedCount,
      memoryBytes,
      memory: this.memory,
      precision: engine.precision,
      steps: config.steps,
      firstStep: this.state.step,
    });
  }

  /** Trains to the end, or until the signal, or until the loss explodes (then the sentence says why). */
  async train(): Promise<{ status: RunResult['status']; warning?: string }> {
    const { config, signal } = this.options;
    const { trainer } = this;
    this.loggedAt = performance.now();
    this.resumedAt = this.loggedAt - this.state.timeMs;
    // a base that tuning does not better is the best there is
    if (this.options.base && trainer.step === 0) await this.save(await this.validate());
    while (trainer.step < config.steps && !signal?.aborted) {
      trainer.train(this.nextBatches());
      const due = (every: number): boolean => trainer.step % every === 0 || trainer.step === config.steps;
      if (due(config.logEvery)) {
        const warning = await this.look();
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
    const { trainer } = this;
    if (status === 'stopped' && trainer.step > this.state.step) {
      await this.look();
      await this.save(await this.validate());
    }
    if (status === 'finished') {
      this.samples = await drawSamples(this.model, this.text.tokenizer, config.seed);
      for (const { prompt, text } of this.samples) this.emit({ type: 'sample', prompt, text });
    }
    const warnings = warning ? [warning] : [];
    await this.report(status, warnings);
    const validations = this.log.flatMap(({ validationLoss }) => validationLoss ?? []);
    return {
      ...{ status, folder, steps: trainer.step, log: this.log, samples: this.samples, warnings },
      validationLoss: validations.at(-1) ?? Number.NaN,
      bestValidationLoss: this.state.bestValidationLoss ?? Number.NaN,
      report: join(folder, folders.FILES.report),
    };
  }

  private nextBatches() {
    const { gradientAccumulation: count } = this.options.config;
    return Array.from({ length: count }, (_, i) => this.text.train.batch(this.trainer.step * count + i));
  }

  /** Reads the losses since the last look, logs them and judges them. */
  private async look(): Promise<string | undefined> {
    const { config, folder } = this.options;
    const { trainer } = this;
    const since = this.log.findLast(({ loss }) => loss !== undefined)?.step ?? 0;
    const metrics = await trainer.metrics(trainer.step - since);
    const elapsedMs = performance.now() - this.loggedAt; // the metrics were waited for, so the steps are done
    const perStep = config.batchSize * config.blockSize * config.gradientAccumulation;
    const timeMs = performance.now() - this.resumedAt;
    const records = metrics.map((one): LogRecord => ({ tokens: one.step * perStep, timeMs, ...this.figuresOf(one) }));
    const last = records.pop();
    if (!last) return undefined;
    const tokensPerSecond = (perStep * metrics.length) / (elapsedMs / 1000);
    const record = { ...last, learningRate: learningRateAt(last.step - 1, config), tokensPerSecond };
    this.log.push(...records, record);
    await folders.appendLog(folder, [...records, record]);
    const remainingMs = ((config.steps - trainer.step) * elapsedMs) / metrics.length;
    this.emit({ type: 'log', record, plannedSteps: config.steps, remainingMs });
    this.loggedAt = performance.now();
    return diagnose(this.log, config, this.text.tokenizer.vocabSize);
  }

  /** Without mixed precision there is no scale, and a norm that is no number is a mistake and no skipped step. */
  private figuresOf({ step, loss, gradientNorm, lossScale }: StepMetrics): Omit<LogRecord, 'tokens' | 'timeMs'> {
    if (this.options.engine.precision === 'float32') return { step, loss, gradientNorm };
    return { step, loss, lossScale, ...(Number.isFinite(gradientNorm) ? { gradientNorm } : { skipped: true }) };
  }

  /** Scores the held-out text; true when it is the best so far. At the end all of it is scored, or FINAL_TOKENS of it. */
  private async validate(): Promise<boolean> {
    const { config, folder } = this.options;
    const { step } = this.trainer;
    const startedAt = performance.now();
    const final = Math.ceil(FINAL_TOKENS / (config.batchSize * config.blockSize));
    const { evalBatches } = config; // 0 means all, also at the end
    const batches = step >= config.steps && evalBatches > 0 ? Math.max(final, evalBatches) : evalBatches;
    const { loss: validationLoss } = (await this.evaluator.score(this.text.validation, batches))!;
    const tokens = step * config.batchSize * config.blockSize * config.gradientAccumulation;
    const record = { step, tokens, timeMs: performance.now() - this.resumedAt, validationLoss };
    this.log.push(record);
    await folders.appendLog(folder, [record]);
    this.emit({ type: 'log', record, plannedSteps: config.steps });
    this.loggedAt += performance.now() - startedAt;
    const { bestValidationLoss: best } = this.state;
    if (best !== null && !(validationLoss < best)) return false;
    this.state = { ...this.state, bestValidationLoss: validationLoss, bestStep: step };
    return true;
  }

  private async save(best: boolean): Promise<void> {
    const { step } = this.trainer;
    const startedAt = performance.now();
    this.state = { ...this.state, step, timeMs: performance.now() - this.resumedAt };
    const { folder, base } = this.options;
    await saveCheckpoint(folder, this.trainer, this.state, best, base);
    this.loggedAt += performance.now() - startedAt;
    this.emit({ type: 'checkpoint', step, best });
  }

  private async report(status: RunResult['status'], warnings: readonly string[]): Promise<void> {
    const { folder, config, adapter, engine } = this.options;
    const { renderReport } = await import('../report/trainingReport.ts'); // takes a second, for its charts
    const page = renderReport({
      ...{
        name: basename(resolve(folder)),
        status,
        warnings,
        startedAt: this.startedAt,
        durationMs: performance.now() - this.resumedAt,
      },
      ...{ plannedSteps: config.steps, train: { ...config }, adapter, log: this.log, samples: this.samples },
      model: this.model.config,
      parameters: modelTable(this.model.config, this.model.parameters.specs),
      dataCard: this.text.card,
      memory: { planned: this.memory, peakBytes: engine.device.pool.allocatedBytes },
    });
    await writeAtomic(join(folder, folders.FILES.report), page);
  }
}

/**
 * Trains a model on a text and leaves a run folder behind; with `resume` it goes on where the folder's checkpoint stands, bit
 * for bit as if it had never stopped. A loss that is no longer a number, or explodes, ends the run with the last good
 * checkpoint kept.
 * @throws UserError for text that cannot be trained on, a folder that cannot be written or resumed, a failing device, a
 *   precision that the adapter has not; UsageError when a resumed run has other settings or another text.
 */
export async function trainRun(options: TrainRunOptions): Promise<RunResult> {
  const { folder, resume } = options;
  const before = resume ? await folders.readRunCard(folder) : undefined;
  if (!resume && folders.isRunFolder(folder)) {
    throw new UserError(`${folder} holds a run already; resume it, or name another folder with --out`);
  }
  return trainFrom(before, settlePrecision(options, before));
}

/** Sets the engine to what the run is trained in. What `auto` comes to is kept with the run, for when it is resumed. */
function settlePrecision(options: TrainRunOptions, before: folders.RunCard | undefined): TrainRunOptions {
  const { engine, config } = options;
  const precision = choosePrecision(config.precision, engine.capabilities, before?.config.precision);
  engine.precision = precision;
  return { ...options, config: { ...config, precision } };
}

async function trainFrom(before: folders.RunCard | undefined, options: TrainRunOptions): Promise<RunResult> {
  const { engine, folder, config, resume, onEvent } = options;
  const { corpus, base } = options;
  const text = base?.from.chat
    ? await chatMaterial(corpus, config, base.tokenizer, base.from.chat)
    : await textMaterial(corpus, config, base?.tokenizer);
  if (before) checkSameRun(before, config, text.card, folder);
  onEvent?.({ type: 'data', card: text.card });
  if (before) takeTablesOf(before, options);
  const model = base?.model ?? new GPT(engine, modelConfig(config, text.tokenizer.vocabSize));
  const trainer = new Trainer(model, config, base?.parameters);
  if (options.autotune && !before) await tuneFor(trainer, options);
  const run = new Run(options, text, trainer, before?.startedAt ?? new Date().toISOString());
  await run.begin(resume);
  const { status, warning } = await run.train();
  return run.end(status, warning);
}
