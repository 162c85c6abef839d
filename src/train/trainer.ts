import type { GPT } from '../model/gpt.ts';
import type { Dispatched } from '../tensor/kernel.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Batch } from '../text/windows/windows.ts';
import type { TrainConfig } from './config.ts';
import { type StepMetrics, Stepper, type TrainableParameters } from './stepper.ts';

export type { StepMetrics } from './stepper.ts';

/**
 * Teaches a model to predict the next token: the stepper of the mean cross-entropy of windows of text. Targets that are IGNORE
 * count for nothing.
 */
export class Trainer {
  readonly stepper: Stepper;
  private readonly batches: { ids: Tensor; targets: Tensor }[]; // (B, T) u32 each

  /** Trains all of the model, unless `trainable` says what of it, or of its adapters. */
  constructor(
    readonly model: GPT,
    config: TrainConfig,
    trainable: readonly TrainableParameters[] = [{ parameters: model.parameters }],
  ) {
    const { engine } = model.parameters;
    const window = [config.batchSize, config.blockSize];
    this.batches = Array.from({ length: config.gradientAccumulation }, () => ({
      ids: engine.zeros(window, 'u32'),
      targets: engine.zeros(window, 'u32'),
    }));
    const { recompute } = config;
    const loss = (state: Tensor, i: number): Tensor => {
      const { ids, targets } = this.batches[i];
      return model.loss(ids, targets, { state, recompute });
    };
    this.stepper = new Stepper(engine, { parameters: trainable, batches: this.batches.length, loss }, config);
  }

  /** Optimizer steps done, skipped ones included. */
  get step(): number {
    return this.stepper.step;
  }

  /** In mixed precision, the state of loss scaling: (5). Checkpoints hold it. */
  get lossScale(): Tensor | undefined {
    return this.stepper.lossScale;
  }

  /** What a step dispatches, without a step being taken or its memory allocated: for tuning. */
  rehearse(): Dispatched[] {
    return this.stepper.rehearse();
  }

  /** Bytes of activations and gradients between parameters and loss. */
  get transientBytes(): number {
    return this.stepper.transientBytes;
  }

  /** The recorded step, for profiles. */
  get program() {
    return this.stepper.program;
  }

  /** Submits one step; `batches` are as many as gradientAccumulation says. Returns without waiting for the GPU. */
  train(batches: readonly Batch[]): void {
    batches.forEach(({ inputs, targets }, i) => {
      this.batches[i].ids.write(inputs as Uint32Array<ArrayBuffer>);
      this.batches[i].targets.write(targets as Uint32Array<ArrayBuffer>);
    });
    this.stepper.run();
  }

  /** Waits for the GPU and returns the metrics of the last `count` steps, oldest first; at most 64 are kept. */
  metrics(count: number): Promise<StepMetrics[]> {
    return this.stepper.metrics(count);
  }
}
