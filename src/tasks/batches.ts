/** Token sequences in padded batches, through a model and the head that a task puts on it: to train them, and to use them. */
import { crossEntropy } from '../kernels/loss/loss.ts';
import { BatchInputs, type Inputs, RecordedPasses, type Values } from '../model/passes.ts';
import type { Engine } from '../tensor/engine.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { batchesByLength, type TokenSequence, trainingBatches } from '../text/labels/labelledBatches.ts';

/** A padded batch: the length T of its rows, and what the forward pass reads. */
export interface Batch<Name extends string> {
  readonly length: number;
  readonly values: Values<Name>;
}

/** A model and a head, as batches of a task's sequences go through them. */
export interface BatchModel<Item, Name extends string> {
  readonly engine: Engine;
  /** Rows of a batch: B. */
  readonly batchSize: number;
  /** At most B sequences as a batch. */
  pad(items: readonly Item[]): Batch<Name>;
  /** Scores of the classes: (B, K), or (B, T, K).   state: (2) u32 [seed, step], for dropout in training */
  logits(inputs: Inputs<Name>, state?: Tensor): Tensor;
}

/** What a model gives for sequences, without dropout and gradients; those of like length share a batch. */
export class Predictor<Item extends TokenSequence, Name extends string> {
  private readonly passes: RecordedPasses<Name>;

  constructor(private readonly model: BatchModel<Item, Name>) {
    this.passes = new RecordedPasses(model.engine, (inputs) => model.logits(inputs));
  }

  /** Each sequence's row of the output, in their order: all of its numbers, padding included. */
  async rows(items: readonly Item[]): Promise<Float32Array[]> {
    const { batchSize } = this.model;
    const rows = new Array<Float32Array>(items.length);
    for (const batch of batchesByLength(items, batchSize)) {
      const { values } = this.model.pad(batch.map((i) => items[i]));
      const output = split(await this.passes.run(values), batchSize);
      for (const [b, i] of batch.entries()) rows[i] = output[b];
    }
    return rows;
  }

  /** Hands back the memory of what was recorded; a later call records anew. */
  dispose(): void {
    this.passes.dispose();
  }
}

/** Numbers as so many rows of the same length. */
export function split(numbers: Float32Array, rows: number): Float32Array[] {
  const width = numbers.length / rows;
  return Array.from({ length: rows }, (_, i) => numbers.slice(i * width, (i + 1) * width));
}

/** Training batches without end: each step's inputs and targets, and the loss over them. */
export class TrainingBatches<Name extends string> {
  private readonly inputs: BatchInputs<Name | 'targets' | 'weights'>;
  private readonly indices: Iterator<number[], never>;

  /**
   * @param batch the examples of these indices with their `targets` and, where they do not all count for the same, their `weights`
   * @param logits what is computed from a batch's inputs, as in `BatchModel`
   */
  constructor(
    engine: Engine,
    examples: readonly TokenSequence[],
    settings: { readonly batchSize: number; readonly seed: number },
    private readonly batch: (indices: readonly number[]) => Batch<Name | 'targets'>,
    private readonly logits: (inputs: Inputs<Name>, state?: Tensor) => Tensor,
  ) {
    this.inputs = new BatchInputs(engine);
    this.indices = trainingBatches(examples, settings.batchSize, settings.seed);
  }

  /** Uploads the next batch. Returns its length, by which a step is recorded. */
  next(): number {
    const { length, values } = this.batch(this.indices.next().value);
    this.inputs.write(length, values as Values<Name | 'targets' | 'weights'>);
    return length;
  }

  /** Passes over the batches of so many steps. */
  skip(steps: number): void {
    for (let i = 0; i < steps; i++) this.indices.next();
  }

  /** Mean cross-entropy over the last batch of that length: (). */
  loss(state: Tensor, length: number): Tensor {
    const inputs = this.inputs.at(length);
    return crossEntropy({ logits: this.logits(inputs, state), targets: inputs.targets, weights: inputs.weights });
  }
}
