/** The log of a run: the figures of every step and validation, and the clock that they go by. */
import type { LogRecord } from '../../report/logRecord.ts';
import { appendLog, writeLog } from '../runFolder.ts';
import type { StepMetrics } from '../stepper.ts';

export class RunLog {
  records: LogRecord[] = [];
  private startedAt = performance.now();
  /** When the losses were last read, moved on by what took time aside from the steps since. */
  private readAt = performance.now();

  /** @param mixed whether the run is in mixed precision: then there is a loss scale, and steps may be skipped */
  constructor(
    private readonly folder: string,
    private readonly tokensPerStep: number,
    private readonly mixed: boolean,
  ) {}

  /** Begins the file anew with the records that hold: those before the point where a run resumes. */
  async begin(records: readonly LogRecord[]): Promise<void> {
    this.records = [...records];
    await writeLog(this.folder, records);
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

  /** Logs steps that the GPU is done with, the learning rate of the last with it; returns how long each took. */
  async addSteps(steps: readonly StepMetrics[], learningRate: number): Promise<{ stepMs: number }> {
    const stepMs = (performance.now() - this.readAt) / steps.length;
    const { timeMs } = this;
    const records = steps.map(
      (one): LogRecord => ({ tokens: this.tokensAt(one.step), timeMs, ...this.figuresOf(one) }),
    );
    const last = { ...records.pop()!, learningRate, tokensPerSecond: (1000 * this.tokensPerStep) / stepMs };
    await this.add(...records, last);
    this.readAt = performance.now();
    return { stepMs };
  }

  async addValidation(step: number, validationLoss: number): Promise<void> {
    await this.add({ step, tokens: this.tokensAt(step), timeMs: this.timeMs, validationLoss });
  }

  private async add(...records: LogRecord[]): Promise<void> {
    this.records.push(...records);
    await appendLog(this.folder, records);
  }

  private tokensAt(step: number): number {
    return step * this.tokensPerStep;
  }

  /** Without mixed precision there is no scale, and a norm that is no number is a mistake and no skipped step. */
  private figuresOf({ step, loss, gradientNorm, lossScale }: StepMetrics): Omit<LogRecord, 'tokens' | 'timeMs'> {
    if (!this.mixed) return { step, loss, gradientNorm };
    return { step, loss, lossScale, ...(Number.isFinite(gradientNorm) ? { gradientNorm } : { skipped: true }) };
  }
}
