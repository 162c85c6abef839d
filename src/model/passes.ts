/** Passes over batches of few sizes: their input tensors, and, where nothing is trained, what is recorded over them. */
import type { Constants } from '../gpu/device.ts';
import type { Engine, Recording } from '../tensor/engine.ts';
import type { Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** What a pass reads, by name: numbers, and the shape of their tensor. */
export type Values<Name extends string> = Readonly<
  Record<Name, readonly [data: Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer>, shape: Shape]>
>;

/** The tensors that hold such values. */
export type Inputs<Name extends string> = Readonly<Record<Name, Tensor>>;

/** The input tensors of batches: one set for each size, made when a batch of that size is first written. */
export class BatchInputs<Name extends string, Size = number> {
  private readonly sets = new Map<Size, Inputs<Name>>();

  constructor(private readonly engine: Engine) {}

  /** Uploads a batch of that size, and returns the tensors that hold it. */
  write(size: Size, values: Values<Name>): Inputs<Name> {
    const before = this.sets.get(size);
    const tensorOf = (name: Name): Tensor => {
      const [data, shape] = values[name];
      return before ? before[name].write(data) : this.engine.tensor(data, shape);
    };
    const names = Object.keys(values) as Name[];
    const inputs = Object.fromEntries(names.map((name) => [name, tensorOf(name)])) as Inputs<Name>;
    this.sets.set(size, inputs);
    return inputs;
  }

  /** Frees the tensors of a size. */
  delete(size: Size): void {
    for (const { view } of Object.values<Tensor>(this.sets.get(size) ?? {})) this.engine.device.free(view);
    this.sets.delete(size);
  }

  /** The tensors of a size that was written before. */
  at(size: Size): Inputs<Name> {
    return this.sets.get(size)!;
  }
}

/** Recorded passes of other sizes that are kept: each has memory of its own. */
const MOST_KEPT = 8;

/** The shortest length that a pass is recorded for: below it the work does not shrink. */
const SHORTEST = 16;

/** The length that a pass is recorded for: powers of two and one and a half times these, so that few are needed. */
export function lengthClass(length: number, most = Number.POSITIVE_INFINITY): number {
  let size = SHORTEST;
  while (size < length) size = size & (size - 1) ? (size / 3) * 4 : (size / 2) * 3;
  return Math.min(size, most);
}

/**
 * Forward passes without gradients and dropout: recorded when inputs of their shapes come, replayed from then on. Of many shapes
 * the last ones are kept.
 */
export class RecordedPasses<Name extends string> {
  private readonly inputs: BatchInputs<Name, string>;
  /** The longest unused first. */
  private readonly recordings = new Map<string, Recording<{ output: Tensor }>>();

  constructor(
    private readonly engine: Engine,
    private readonly forward: (inputs: Inputs<Name>) => Tensor,
    /** What changes no more, now that passes over it are recorded. */
    private readonly constants: Constants = engine.constants([]),
  ) {
    this.inputs = new BatchInputs(engine);
  }

  /** Runs the pass over `values`, and returns the numbers that it gives. */
  run(values: Values<Name>): Promise<Float32Array<ArrayBuffer>> {
    return this.submit(values).floats();
  }

  /** Submits the pass over `values`. What it returns holds the pass's numbers until the next one. */
  submit(values: Values<Name>): Tensor {
    const size = Object.values<Values<Name>[Name]>(values)
      .map(([, shape]) => shape.join('x'))
      .join();
    const inputs = this.inputs.write(size, values);
    const recording = this.recordings.get(size) ?? this.record(inputs);
    this.recordings.delete(size);
    this.recordings.set(size, recording);
    recording.run();
    return recording.outputs.output;
  }

  /** Hands back the memory of what was recorded; a later run records anew. */
  dispose(): void {
    this.keep(0);
  }

  private record(inputs: Inputs<Name>): Recording<{ output: Tensor }> {
    this.keep(MOST_KEPT - 1);
    const { engine, constants } = this;
    const recording = engine.withoutGradients(() => engine.record(() => ({ output: this.forward(inputs) }), constants));
    recording.prepare();
    return recording;
  }

  private keep(most: number): void {
    for (const [size, recording] of this.recordings) {
      if (this.recordings.size <= most) return;
      recording.dispose();
      this.recordings.delete(size);
      this.inputs.delete(size);
    }
  }
}
