/** Passes over batches of few sizes: their input tensors, and, where nothing is trained, what is recorded over them. */
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

  /** The tensors of a size that was written before. */
  at(size: Size): Inputs<Name> {
    return this.sets.get(size)!;
  }
}

/** Forward passes without gradients and dropout: recorded when inputs of their shapes first come, replayed from then on. */
export class RecordedPasses<Name extends string> {
  private inputs: BatchInputs<Name, string>;
  private readonly recordings = new Map<string, Recording<{ output: Tensor }>>();

  constructor(
    private readonly engine: Engine,
    private readonly forward: (inputs: Inputs<Name>) => Tensor,
  ) {
    this.inputs = new BatchInputs(engine);
  }

  /** Runs the pass over `values`, and returns the numbers that it gives. */
  async run(values: Values<Name>): Promise<Float32Array<ArrayBuffer>> {
    const size = Object.values<Values<Name>[Name]>(values)
      .map(([, shape]) => shape.join('x'))
      .join();
    const inputs = this.inputs.write(size, values);
    const recording = this.recordings.get(size) ?? this.record(size, inputs);
    recording.run();
    return recording.outputs.output.floats();
  }

  /** Hands back the memory of what was recorded; a later run records anew. */
  dispose(): void {
    for (const recording of this.recordings.values()) recording.dispose();
    this.recordings.clear();
    this.inputs = new BatchInputs(this.engine);
  }

  private record(size: string, inputs: Inputs<Name>): Recording<{ output: Tensor }> {
    const work = () => ({ output: this.forward(inputs) });
    const recording = this.engine.withoutGradients(() => this.engine.record(work));
    this.recordings.set(size, recording);
    return recording;
  }
}
