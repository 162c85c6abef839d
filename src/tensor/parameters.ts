import { UserError } from '../errors.ts';
import { ALIGNMENT_BYTES, roundUp } from '../gpu/memory.ts';
import type { Engine } from './engine.ts';
import { normals } from './random.ts';
import { type Shape, sameShape, sizeOf } from './shape.ts';
import { ELEMENT_BYTES, Tensor } from './tensor.ts';

/** One learned tensor. */
export interface ParameterSpec {
  name: string;
  shape: Shape;
  /** How it starts: zeros, ones, or normal numbers of this standard deviation. */
  init: 'zeros' | 'ones' | { std: number };
  /** Whether weight decay applies (by GPT-2's custom: matrices and embeddings yes, biases and norms no). */
  decay: boolean;
  /** The tensor that this one is a part of: neighbours with the same `stack` are also one tensor, joined along axis 0. */
  stack?: string;
  /** For matrices of hidden layers, which optimizers may treat as such: how many stand side by side in it (GPT-2's c_attn: 3). */
  matrices?: number;
}

/**
 * All parameters of a model in one flat tensor, and their gradients in another, so that clearing, the global norm,
 * clipping and the optimizer are one dispatch each. Those with weight decay stand first. Gaps from alignment hold zeros.
 * Kernels take whole stacks (one matmul for queries, keys and values); files know the parts by their own names.
 */
export class Parameters {
  /** Everything, flat: (N) f32. */
  readonly values: Tensor;
  /** Gradients, flat, in the same places: (N) f32. Made by `requireGradients`. */
  gradients: Tensor | undefined;
  /** Elements [0, decayEnd) have weight decay. */
  readonly decayEnd: number;
  readonly specs: readonly ParameterSpec[];
  private readonly byName = new Map<string, Tensor>();
  private readonly offsets = new Map<string, number>();
  private readonly stacks = new Map<string, Shape>();

  constructor(
    private readonly engine: Engine,
    specs: readonly ParameterSpec[],
  ) {
    this.specs = [...specs.filter(({ decay }) => decay), ...specs.filter(({ decay }) => !decay)];
    let end = 0;
    let decayEnd = 0;
    let before: ParameterSpec | undefined;
    for (const spec of this.specs) {
      const { name, shape, decay, stack } = spec;
      const joins = stack !== undefined && before?.stack === stack && before.decay === decay;
      if (!joins) end = roundUp(end, ALIGNMENT_BYTES / ELEMENT_BYTES);
      before = spec;
      this.offsets.set(name, end);
      if (stack) this.addToStack(stack, end, shape);
      end += sizeOf(shape);
      if (decay) decayEnd = roundUp(end, ALIGNMENT_BYTES / ELEMENT_BYTES);
    }
    this.decayEnd = decayEnd;
    this.values = engine.zeros([roundUp(end, ALIGNMENT_BYTES / ELEMENT_BYTES)], 'f32', 'the parameters');
    for (const [name, shape] of this.shapes()) this.byName.set(name, this.slice(this.values, name, shape));
  }

  /** Number of learned numbers, without the gaps. */
  get count(): number {
    return this.specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  }

  /** A parameter by its name. @throws UserError when there is none of that name. */
  get(name: string): Tensor {
    const tensor = this.byName.get(name);
    if (!tensor) throw new UserError(`the model has no parameter ${name}`);
    return tensor;
  }

  /** Gives every parameter a place for its gradient. */
  requireGradients(): this {
    if (this.gradients) return this;
    this.gradients = this.engine.zeros(this.values.shape, 'f32', 'the gradients');
    for (const [name, shape] of this.shapes()) {
      const tensor = this.get(name);
      tensor.requiresGrad = true;
      tensor.grad = this.slice(this.gradients, name, shape);
    }
    return this;
  }

  /** Draws the starting values: each depends on the seed, the parameter's place in the list and the element's index alone. */
  initialize(seed: number): this {
    this.specs.forEach(({ name, shape, init }, stream) => {
      const size = sizeOf(shape);
      if (init === 'zeros') this.get(name).write(new Float32Array(size));
      else if (init === 'ones') this.get(name).write(new Float32Array(size).fill(1));
      else this.get(name).write(normals(size, init.std, seed, stream));
    });
    return this;
  }

  /** Splits numbers in the layout of `values` (parameters, gradients or moments that were read back) into named parts. */
  split(flat: Float32Array): { name: string; shape: Shape; data: Float32Array }[] {
    return this.specs.map(({ name, shape }) => {
      const start = this.offsets.get(name)!;
      return { name, shape, data: flat.subarray(start, start + sizeOf(shape)) };
    });
  }

  /** The opposite of `split`: one flat array of the parts that `part` gives. */
  join(part: (name: string, shape: Shape) => ArrayLike<number>): Float32Array<ArrayBuffer> {
    const flat = new Float32Array(this.values.size);
    for (const { name, shape } of this.specs) flat.set(part(name, shape), this.offsets.get(name)!);
    return flat;
  }

  /** Names and shapes of parameters and stacks. */
  private shapes(): [string, Shape][] {
    return [...this.specs.map(({ name, shape }): [string, Shape] => [name, shape]), ...this.stacks];
  }

  private addToStack(stack: string, offset: number, shape: Shape): void {
    const [rows, ...rest] = shape;
    const joined = this.stacks.get(stack);
    if (!joined) this.offsets.set(stack, offset);
    else if (offset !== this.offsets.get(stack)! + sizeOf(joined) || !sameShape(rest, joined.slice(1))) {
      throw new Error(`the parts of ${stack} must be neighbours, alike but for the length of their first axis`);
    }
    this.stacks.set(stack, [(joined?.[0] ?? 0) + rows, ...rest]);
  }

  private slice(flat: Tensor, name: string, shape: Shape): Tensor {
    const offsetBytes = flat.view.offsetBytes + this.offsets.get(name)! * ELEMENT_BYTES;
    const view = { block: flat.view.block, offsetBytes, sizeBytes: sizeOf(shape) * ELEMENT_BYTES };
    return new Tensor(this.engine, shape, 'f32', view);
  }
}
