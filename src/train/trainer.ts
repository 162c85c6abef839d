import type { GPT } from '../model/gpt.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Batch } from '../text/windows/windows.ts';
import type { TrainConfig } from './config.ts';
import { contextHalvings } from './schedule.ts';
import { Stepper, type TrainableParameters } from './stepper.ts';

/**
 * Teaches a model to predict the next token: the stepper of the mean cross-entropy of windows of text. Targets that are IGNORE
 * count for nothing.
 */
export class Trainer extends Stepper {
  /** What the next step reads: (B, T) u32 each. */
  readonly batches: readonly { ids: Tensor; targets: Tensor }[];
  private readonly course: Parameters<typeof contextHalvings>[1];

  /** Trains all of the model, unless `trainable` says what of it, or of its adapters. */
  constructor(
    readonly model: GPT,
    config: TrainConfig,
    trainable: readonly TrainableParameters[] = [{ parameters: model.parameters }],
  ) {
    const { engine } = model.parameters;
    const { batchSize, blockSize, gradientAccumulation, recompute } = config;
    const tokens = (): Tensor => engine.zeros([batchSize, blockSize], 'u32');
    const batches = Array.from({ length: gradientAccumulation }, () => ({ ids: tokens(), targets: tokens() }));
    const loss = (state: Tensor, i: number, halvings: number): Tensor => {
      const pieces = 2 ** halvings; // each window is as many windows one after the other
      const cut = (tokens: Tensor): Tensor => tokens.reshape([batchSize * pieces, blockSize / pieces]);
      return model.loss(cut(batches[i].ids), cut(batches[i].targets), { state, recompute });
    };
    super(engine, { parameters: trainable, batches: gradientAccumulation, loss }, config);
    this.batches = batches;
    this.course = config;
  }

  /** Submits one step; `batches` are as many as gradientAccumulation says. Returns without waiting for the GPU. */
  train(batches: readonly Batch[]): void {
    batches.forEach(({ inputs, targets }, i) => {
      this.batches[i].ids.write(inputs as Uint32Array<ArrayBuffer>);
      this.batches[i].targets.write(targets as Uint32Array<ArrayBuffer>);
    });
    this.runOnly(contextHalvings(this.step, this.course));
  }
}
