/** What a classifier learns from, step by step: whole texts through the model, or, when the model is frozen, states computed once. */
import { crossEntropy } from '../../kernels/loss/loss.ts';
import type { Head } from '../../model/heads.ts';
import { pool, poolingPlaces } from '../../model/heads.ts';
import type { Engine, Recording } from '../../tensor/engine.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type EncodedText, padTexts } from '../../text/labels/labelledBatches.ts';
import { TextPasses, type TextReader } from '../textPasses.ts';

/** Texts with the index of their class. */
export interface Examples {
  readonly texts: readonly EncodedText[];
  readonly classes: readonly number[];
}

/** The middle of an objective: which tensors a step reads, and the loss over them. */
export interface Learner {
  /** Fills the tensors with some of the training examples, as many as a batch holds. Returns the form of the step. */
  write(indices: readonly number[]): number;
  /** Mean loss of what was written: (). */
  loss(state: Tensor, form: number): Tensor;
  /** Logits of the validation examples: (K) each. */
  validate(): Promise<Float32Array[]>;
  /** Hands back the memory of what was recorded. */
  dispose(): void;
}

export interface LearnerParts {
  readonly reader: TextReader;
  readonly head: Head;
  readonly train: Examples;
  readonly validation: Examples;
  /** What an example of each class counts for; all the same unless given. */
  readonly classWeights?: readonly number[];
}

/** Classes of a batch, and what its rows count for. */
class Targets {
  readonly classes: Tensor; //              (B) u32
  private readonly weights: Tensor | undefined; // (B)

  constructor(
    engine: Engine,
    batchSize: number,
    private readonly parts: LearnerParts,
  ) {
    this.classes = engine.zeros([batchSize], 'u32');
    this.weights = parts.classWeights && engine.zeros([batchSize]);
  }

  write(indices: readonly number[]): void {
    const { train, classWeights } = this.parts;
    const classes = indices.map((i) => train.classes[i]);
    this.classes.write(Uint32Array.from(classes));
    if (classWeights) this.weights!.write(Float32Array.from(classes, (label) => classWeights[label]));
  }

  loss(logits: Tensor): Tensor {
    return crossEntropy({ logits, targets: this.classes, weights: this.weights });
  }
}

/** The tensors of batches of one length. */
interface Inputs {
  readonly ids: Tensor; //    (B, T) u32
  readonly places: Tensor; // (B) u32
}

/** Whole texts, through the model and the head. A form is a padded length. */
export class TextLearner implements Learner {
  private readonly inputs = new Map<number, Inputs>();
  private readonly targets: Targets;
  private readonly validation: TextPasses;

  constructor(
    private readonly engine: Engine,
    private readonly parts: LearnerParts,
  ) {
    const { reader, head } = parts;
    this.targets = new Targets(engine, reader.batchSize, parts);
    this.validation = new TextPasses(reader, (states) => head.logits(states));
  }

  write(indices: readonly number[]): number {
    const { model, batchSize, pooling } = this.parts.reader;
    const { texts } = this.parts.train;
    const batch = padTexts(
      indices.map((i) => texts[i]),
      batchSize,
      model.config.blockSize,
    );
    const { ids, places } = this.inputsOf(batch.length);
    ids.write(batch.ids);
    places.write(poolingPlaces(batch.lengths, pooling));
    this.targets.write(indices);
    return batch.length;
  }

  loss(state: Tensor, form: number): Tensor {
    const { reader, head } = this.parts;
    const { ids, places } = this.inputsOf(form);
    const hidden = reader.model.hidden(ids, { state }); //              (B, T, C)
    const logits = head.logits(pool(hidden, places, reader.pooling)); // (B, K)
    return this.targets.loss(logits);
  }

  validate(): Promise<Float32Array[]> {
    return this.validation.rows(this.parts.validation.texts);
  }

  dispose(): void {
    this.validation.dispose();
  }

  private inputsOf(length: number): Inputs {
    const before = this.inputs.get(length);
    if (before) return before;
    const { batchSize } = this.parts.reader;
    const inputs = {
      ids: this.engine.zeros([batchSize, length], 'u32'),
      places: this.engine.zeros([batchSize], 'u32'),
    };
    this.inputs.set(length, inputs);
    return inputs;
  }
}

/** States of texts that a frozen model has read once; only the head learns. */
export class StateLearner implements Learner {
  private readonly targets: Targets;
  private readonly states: Tensor; // (B, C)
  private readonly validation: Recording<{ logits: Tensor }>;

  private constructor(
    engine: Engine,
    private readonly parts: LearnerParts,
    private readonly trained: readonly Float32Array[],
    validated: readonly Float32Array[],
  ) {
    const { head, reader } = parts;
    const width = reader.model.config.nEmbd;
    this.targets = new Targets(engine, reader.batchSize, parts);
    this.states = engine.zeros([reader.batchSize, width]);
    const held = engine.zeros([validated.length, width]).write(joined(validated)); // (V, C)
    this.validation = engine.withoutGradients(() => engine.record(() => ({ logits: head.logits(held) })));
  }

  /** Reads all of the examples. */
  static async read(engine: Engine, parts: LearnerParts): Promise<StateLearner> {
    const passes = new TextPasses(parts.reader, (states) => states);
    const trained = await passes.rows(parts.train.texts);
    const validated = await passes.rows(parts.validation.texts);
    passes.dispose();
    return new StateLearner(engine, parts, trained, validated);
  }

  write(indices: readonly number[]): number {
    this.states.write(joined(indices.map((i) => this.trained[i])));
    this.targets.write(indices);
    return 0;
  }

  loss(): Tensor {
    return this.targets.loss(this.parts.head.logits(this.states));
  }

  async validate(): Promise<Float32Array[]> {
    this.validation.run();
    const flat = await this.validation.outputs.logits.floats();
    const { length: count } = this.parts.validation.texts;
    const K = flat.length / count;
    return Array.from({ length: count }, (_, i) => flat.slice(i * K, (i + 1) * K));
  }

  dispose(): void {
    this.validation.dispose();
  }
}

function joined(rows: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(rows.length * rows[0].length);
  rows.forEach((row, i) => {
    flat.set(row, i * row.length);
  });
  return flat;
}
