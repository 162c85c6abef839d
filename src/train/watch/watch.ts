/** Measurements inside a run, on one step in many, without a bit of the run being changed. */
import type { Inside } from '../../report/logRecord.ts';
import type { Recording } from '../../tensor/engine.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Batch } from '../../text/windows/windows.ts';
import type { Trainer } from '../trainer.ts';
import { Gathered } from './gathered.ts';
import { PassMeasures } from './pass.ts';
import { WatchedParameters } from './weights.ts';

/** What a step tells by itself; the noise scale needs those before. */
export type Measured = Omit<Inside, 'noiseScale'>;

/** Before the first step. */
const NONE = -1;

/** Tokens of the step's batch that heads and units are watched at, about. */
const MOST_TOKENS = 4096;

/**
 * Trains as a trainer does, with the same recorded step, and looks into every so manieth: values are copied before it, and after it
 * a second recording measures how far they moved, gradients, and one more forward pass over windows of the batch. Gradients of
 * the step before are kept to tell their noise.
 */
export class Watch {
  private readonly results = new Gathered();
  private readonly parameters: readonly WatchedParameters[];
  private readonly pass: PassMeasures;
  private readonly ids: Tensor; // (W, T) u32, of the first batch
  private recording: Recording<{ all: Tensor }> | undefined;
  /** The last step that was measured, whether there were gradients of the one before, and the last whose gradients were kept. */
  private measured = NONE;
  private isPair = false;
  private kept = NONE;

  constructor(
    private readonly trainer: Trainer,
    private readonly every: number,
  ) {
    this.parameters = trainer.trained.map(({ parameters }, i) => new WatchedParameters(parameters, i));
    const [{ ids }] = trainer.batches;
    const [B, T] = ids.shape;
    const W = Math.min(B, Math.max(1, Math.floor(MOST_TOKENS / T)));
    this.ids = ids.part(0, [W, T]);
    this.pass = new PassMeasures(trainer.model, this.results, W * T);
  }

  /** Bytes of copies and of what the measurements take on their way. */
  get sizeBytes(): number {
    const copies = this.parameters.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return copies + this.work.transientBytes;
  }

  /** Whether the last step was watched. */
  get due(): boolean {
    return this.measured === this.trainer.step;
  }

  /** Submits one step as `Trainer.train` does, and measures it if it is one that is watched. */
  train(batches: readonly Batch[]): void {
    const { trainer, parameters } = this;
    const step = trainer.step + 1;
    const watched = this.isWatched(step);
    if (watched) for (const one of parameters) one.keepValues();
    trainer.train(batches);
    if (watched) {
      this.work.run();
      this.measured = step;
      this.isPair = this.kept === step - 1;
    }
    if (!this.isWatched(step + 1)) return;
    for (const one of parameters) one.keepGradients();
    this.kept = step;
  }

  /** Waits for the GPU and returns what was seen of the last step; undefined if it was not watched. */
  async read(): Promise<Measured | undefined> {
    if (!this.due) return undefined;
    const pair = this.trainer.metrics(2); // asked for before the next step can run
    const result = this.results.split(await this.work.outputs.all.floats());
    const [lossScale, scaleBefore] = (await pair).toReversed().map((one) => one.lossScale);
    const weights = this.parameters.flatMap((one) => one.weights(result, lossScale));
    return { weights, ...this.pass.figures(result), gradientProduct: this.product(result, lossScale * scaleBefore) };
  }

  private product(result: (name: string) => Float32Array, scale: number): number | null {
    const product = this.parameters.reduce((sum, one) => sum + one.product(result), 0) / scale;
    return this.isPair && Number.isFinite(product) ? product : null;
  }

  private isWatched(step: number): boolean {
    return step % this.every === 0;
  }

  private get work(): Recording<{ all: Tensor }> {
    const { model } = this.trainer;
    this.recording ??= model.engine.withoutGradients(() => model.engine.record(() => ({ all: this.measure() })));
    return this.recording;
  }

  private measure(): Tensor {
    const { results, trainer, pass } = this;
    for (const one of this.parameters) one.measure(results);
    trainer.model.hidden(this.ids, { observer: pass });
    return results.gather(trainer.model.engine);
  }
}
