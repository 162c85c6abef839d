import { segmentProducts } from '../../kernels/segmentProducts.ts';
import { largest } from '../../numbers.ts';
import type { Inside } from '../../report/logRecord.ts';
import type { ParameterSpec, Parameters } from '../../tensor/parameters.ts';
import { sizeOf } from '../../tensor/shape.ts';
import { ELEMENT_BYTES, type Tensor } from '../../tensor/tensor.ts';
import type { Gathered } from './gathered.ts';

/** The sum of squares of all elements, or of what they are times others.   -> (1) */
export const squares = (x: Tensor, times?: Tensor): Tensor =>
  segmentProducts({ x, times, segments: x.engine.tensor(Uint32Array.of(0, x.size), [1, 2]) }, { longest: x.size });

/** A collection of parameters with what is kept to compare it with: values before a step, gradients of the step before. */
export class WatchedParameters {
  private readonly specs: readonly ParameterSpec[];
  private readonly before: Tensor; //    as the values
  private readonly gradients: Tensor; // as the gradients

  constructor(
    private readonly parameters: Parameters,
    /** Tells the results of collections apart. */
    private readonly label: number,
  ) {
    const { engine, values, gradients } = parameters;
    this.specs = parameters.trainedSpecs.filter(({ shape }) => shape.length > 1);
    this.before = engine.zeros(values.shape, 'f32', 'the values before a step');
    this.gradients = engine.zeros(gradients!.shape, 'f32', 'the gradients of the step before');
  }

  get sizeBytes(): number {
    return ELEMENT_BYTES * (this.before.size + this.gradients.size);
  }

  keepValues(): void {
    this.parameters.engine.device.copy(this.parameters.values.view, this.before.view);
  }

  keepGradients(): void {
    this.parameters.engine.device.copy(this.parameters.gradients!.view, this.gradients.view);
  }

  /** Norms of all matrices, of their last update and of their gradients; and how the gradients go with those that were kept. */
  measure(results: Gathered): void {
    const { before, label, gradients: kept } = this;
    const { values, gradients } = this.parameters;
    const [valuePlaces, gradientPlaces] = [this.segments((tensor) => tensor), this.segments(({ grad }) => grad!)];
    results.add(`squares ${label}`, segmentProducts({ x: values, ...valuePlaces }, this.longest));
    results.add(`moved ${label}`, segmentProducts({ x: values, minus: before, ...valuePlaces }, this.longest));
    results.add(`gradients ${label}`, segmentProducts({ x: gradients!, ...gradientPlaces }, this.longest));
    results.add(`product ${label}`, squares(gradients!, kept));
  }

  /** @param lossScale what the gradients are multiplied by */
  weights(result: (name: string) => Float32Array, lossScale: number): Inside['weights'] {
    const { label, specs } = this;
    const [sums, moved, gradients] = ['squares', 'moved', 'gradients'].map((name) => result(`${name} ${label}`));
    return specs.map(({ name, shape }, i) => ({
      ...{ name, rms: Math.sqrt(sums[i] / sizeOf(shape)), gradient: Math.sqrt(gradients[i]) / lossScale },
      update: moved[i] === 0 ? 0 : Math.sqrt(moved[i] / sums[i]),
    }));
  }

  /** The inner product of gradients and those of the step before, both times their loss scales. */
  product(result: (name: string) => Float32Array): number {
    return result(`product ${this.label}`)[0];
  }

  private get longest() {
    return { longest: largest([1, ...this.specs.map(({ shape }) => sizeOf(shape))]) };
  }

  /** Where the numbers of each parameter lie in the flat tensor that `of` says. */
  private segments(of: (parameter: Tensor) => Tensor): { segments: Tensor } {
    const places = this.specs.flatMap(({ name }) => {
      const { view, size } = of(this.parameters.get(name));
      return [view.offsetBytes / ELEMENT_BYTES, size];
    });
    return { segments: this.parameters.engine.tensor(Uint32Array.from(places), [this.specs.length, 2]) };
  }
}
