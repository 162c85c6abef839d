import type { FolderLock } from '../../node/lock.ts';
import { noiseScaleOf } from '../../report/inside.ts';
import type { LogRecord } from '../../report/logRecord.ts';
import { appendLog, writeLog } from '../runFolder.ts';
import type { StepMetrics } from '../stepper.ts';
import type { Measured } from '../watch/watch.ts';

/** The log of a run, in memory and in its folder: the figures of every step and validation, and the clock that they go by. */
export class RunLog {
  records: LogRecord[] = [];
  /** Of the records, those that are in the file. */
  private written = 0;
  private startedAt = performance.now();
  /** When the losses were last read, moved on by what took time aside from the steps since. */
  private readAt = performance.now();

  /** @param mixed whether the run is in mixed precision: then there is a loss scale, and steps may be skipped */
  constructor(
    private readonly lock: FolderLock,
    private readonly tokensPerStep: number,
    private readonly mixed: boolean,
  ) {}

  /** Begins the file anew with the records that hold: those before the point where a run resumes. */
  async begin(records: LogRecord[]): Promise<void> {
    this.records = records;
    await this.rewrite();
  }

  /** Writes the whole file. */
  async rewrite(): Promise<void> {
    await writeLog(this.lock.folder, this.records);
    this.written = this.records.length;
  }

  /** Sets the clock to what was spent on training before. */
  start(timeMs: number): void {
    this.readAt = performance.now();
    this.startedAt = this.readAt - timeMs;
  }

  /** Time spent on training, over all resumptions. */
  get timeMs(): number {
    return performance.now() - this.startedAt;
  }

  /** The last step whose loss is logged, 0 before the first. */
  get lastStep(): number {
    return this.records.findLast(({ loss }) => loss !== undefined)?.step ?? 0;
  }

  /** Does what takes no time of the steps. */
  async aside<T>(work: () => Promise<T>): Promise<T> {
    const before = performance.now();
    const result = await work();
    this.readAt += performance.now() - before;
    return result;
  }

  /** Logs steps that the GPU is done with, and of the last the learning rate and what was seen inside. Returns that one, and the time that each took. */
  async addSteps(
    steps: readonly StepMetrics[],
    learningRate: number,
    measured?: Measured,
  ): Promise<{ record: LogRecord; stepMs: number }> {
    const stepMs = (performance.now() - this.readAt) / steps.length;
    const tokensPerSecond = this.tokensPerStep / (stepMs / 1000);
    const { timeMs, tokensPerStep } = this;
    const records = steps.map((one, i): LogRecord => {
      const figures = { tokens: one.step * tokensPerStep, timeMs, ...this.figuresOf(one) };
      return i < steps.length - 1 ? figures : { ...figures, learningRate, tokensPerSecond };
    });
    if (measured) this.addInside(records, measured);
    await this.add(records);
    this.readAt = performance.now();
    return { record: records.at(-1)!, stepMs };
  }

  /** Gives the last record what was measured, and the noise scale as of then. */
  private addInside(records: LogRecord[], measured: Measured): void {
    const last = records.pop()!;
    const known = { ...last, inside: { ...measured, noiseScale: null } };
    const noiseScale = noiseScaleOf([...this.records, ...records, known]) ?? null;
    records.push({ ...last, inside: { ...measured, noiseScale } });
  }

  async addValidation(step: number, validationLoss: number): Promise<LogRecord> {
    const record = { step, tokens: step * this.tokensPerStep, timeMs: this.timeMs, validationLoss };
    await this.add([record]);
    return record;
  }

  private async add(records: readonly LogRecord[]): Promise<void> {
    for (const record of records) this.records.push(record);
    await this.lock.write(async () => {
      await appendLog(this.lock.folder, this.records.slice(this.written));
      this.written = this.records.length;
    });
  }

  /** Without mixed precision there is no scale, and a norm that is no number is a mistake and no skipped step. */
  private figuresOf({ step, loss, gradientNorm, lossScale }: StepMetrics): Omit<LogRecord, 'tokens' | 'timeMs'> {
    if (!this.mixed) return { step, loss, gradientNorm };
    return { step, loss, lossScale, ...(Number.isFinite(gradientNorm) ? { gradientNorm } : { skipped: true }) };
  }
}
