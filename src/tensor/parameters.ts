import { UserError } from '../errors.ts';
import { ALIGNMENT_BYTES, roundUp } from '../gpu/memory.ts';
import type { Engine } from './engine.ts';
import { normals } from './random.ts';
import { type Shape, sameShape, sizeOf } from './shape.ts';
import { ELEMENT_BYTES, type Tensor } from './tensor.ts';

/** Zeros, ones, or normal numbers of this standard deviation; of matrices side by side, each of its own. */
export type Start = 'zeros' | 'ones' | { std: number | readonly number[] };

/** One learned tensor. */
export interface ParameterSpec {
  name: string;
  shape: Shape;
  /** How it starts. */
  init: Start;
  /** Whether weight decay applies (by GPT-2's custom: matrices and embeddings yes, biases and norms no). */
  decay: boolean;
  /** The tensor that this one is a part of: neighbours with the same `stack` are also one tensor, joined along axis 0. */
  stack?: string;
  /** For matrices of hidden layers, which optimizers may treat as such: how many stand side by side in it (GPT-2's c_attn: 3). */
  matrices?: number;
}

/** Neighbours that are all trained: elements [start, end) of the values, and as many of the gradients from `at` on. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly at: number;
}

/** The flat tensor that numbers are laid out as: `values`; or `gradients`, as are moments, which hold what is trained alone. */
export type Layout = 'values' | 'gradients';

/**
 * All parameters of a model in one flat tensor, and the gradients of those that are trained in another, so that clearing, the
 * global norm and clipping are one dispatch each, and the optimizer is one a stretch: one in all when nothing is frozen. Those with
 * weight decay stand first. Gaps from alignment hold zeros.
 * Kernels take whole stacks (one matmul for queries, keys and values); files know the parts by their own names.
 */
export class Parameters {
  /** Everything, flat: (N) f32. */
  readonly values: Tensor;
  /** Gradients of what is trained, flat: (N) f32 in the same places when all of it is. Made by `requireGradients`. */
  gradients: Tensor | undefined;
  /** What is trained: nothing until `requireGradients`. */
  trained: readonly Stretch[] = [];
  /** Elements [0, decayEnd) have weight decay. */
  readonly decayEnd: number;
  readonly specs: readonly ParameterSpec[];
  private readonly byName = new Map<string, Tensor>();
  private readonly offsets = new Map<string, number>();
  private readonly stacks = new Map<string, Shape>();

  constructor(
    readonly engine: Engine,
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
    for (const [name, shape] of this.shapes()) {
      this.byName.set(name, this.values.part(this.offsets.get(name)!, shape));
    }
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

  /** Those that are trained, in order. */
  get trainedSpecs(): readonly ParameterSpec[] {
    return this.specs.filter(({ name }) => this.trainedPlace(name) !== undefined);
  }

  /**
   * Gives the named parameters (all unless told) a place for their gradients, and freezes the others: no gradient is computed
   * for them, and no optimizer sees them.
   * @throws UserError for an unknown name, Error for a stack of which some parts are named and others are not
   */
  requireGradients(names: Iterable<string> = this.specs.map(({ name }) => name)): this {
    const wanted = new Set(names);
    for (const name of wanted) this.get(name);
    const before = this.trainedSpecs;
    if (before.length === wanted.size && before.every(({ name }) => wanted.has(name))) return this;
    this.trained = this.stretchesOf(wanted);
    const last = this.trained.at(-1);
    this.gradients = last && this.engine.zeros([last.at + last.end - last.start], 'f32', 'the gradients');
    for (const [name, shape] of this.shapes()) {
      const tensor = this.get(name);
      const place = this.trainedPlace(name);
      tensor.requiresGrad = place !== undefined;
      tensor.grad = place === undefined ? undefined : this.gradients!.part(place, shape);
    }
    return this;
  }

  /**
   * Draws the starting values: each depends on the seed, the parameter's place in the list and the element's index alone.
   * @param startOf how a parameter starts, where not as its spec says
   */
  initialize(seed: number, startOf: (spec: ParameterSpec) => Start = ({ init }) => init): this {
    for (const [{ name }, values] of this.starting(seed, startOf)) this.get(name).write(values);
    return this;
  }

  /** What `initialize` draws, without a change to what is there. */
  *starting(
    seed: number,
    startOf: (spec: ParameterSpec) => Start = ({ init }) => init,
  ): Generator<[spec: ParameterSpec, values: Float32Array<ArrayBuffer>]> {
    for (const [stream, spec] of this.specs.entries()) {
      yield [spec, startingValues(spec.shape, startOf(spec), seed, stream)];
    }
  }

  /** Splits numbers that were read back (parameters; gradients or moments of what is trained) into named parts. */
  split(flat: Float32Array, layout: Layout = 'values'): { name: string; shape: Shape; data: Float32Array }[] {
    return this.members(layout).map(({ name, shape, start }) => {
      return { name, shape, data: flat.subarray(start, start + sizeOf(shape)) };
    });
  }

  /** The opposite of `split`: one flat array of the parts that `part` gives. */
  join(part: (name: string, shape: Shape) => ArrayLike<number>, layout: Layout = 'values'): Float32Array<ArrayBuffer> {
    const flat = new Float32Array(layout === 'values' ? this.values.size : (this.gradients?.size ?? 0));
    for (const { name, shape, start } of this.members(layout)) flat.set(part(name, shape), start);
    return flat;
  }

  /** The parameters that a layout holds, and where in it they begin. */
  private members(layout: Layout): { name: string; shape: Shape; start: number }[] {
    if (layout === 'values') return this.specs.map((spec) => ({ ...spec, start: this.offsets.get(spec.name)! }));
    return this.trainedSpecs.map((spec) => ({ ...spec, start: this.trainedPlace(spec.name)! }));
  }

  /** Where the gradient of a parameter or stack begins; undefined when it is frozen. */
  private trainedPlace(name: string): number | undefined {
    const offset = this.offsets.get(name)!;
    const stretch = this.trained.find(({ start, end }) => start <= offset && offset < end);
    return stretch && stretch.at + offset - stretch.start;
  }

  /** Stretches of wanted neighbours. Each begins at an aligned place, since what joins its neighbour in a stack is wanted with it. */
  private stretchesOf(wanted: ReadonlySet<string>): Stretch[] {
    const stretches: Stretch[] = [];
    this.specs.forEach(({ name, stack }, i) => {
      const before = this.specs[i - 1];
      if (stack && before?.stack === stack && wanted.has(before.name) !== wanted.has(name)) {
        throw new Error(`${before.name} and ${name} are trained together or not at all: both are parts of ${stack}`);
      }
      if (!wanted.has(name)) return;
      const start = this.offsets.get(name)!;
      const next = this.specs[i + 1];
      const end = next ? this.offsets.get(next.name)! : this.values.size;
      const last = stretches.at(-1);
      if (last?.end === start) stretches[stretches.length - 1] = { ...last, end };
      else stretches.push({ start, end, at: last ? last.at + last.end - last.start : 0 });
    });
    return stretches;
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
}

function startingValues(shape: Shape, start: Start, seed: number, stream: number): Float32Array<ArrayBuffer> {
  const size = sizeOf(shape);
  if (typeof start === 'string') return new Float32Array(size).fill(start === 'ones' ? 1 : 0);
  const columns = shape[shape.length - 1];
  const draws = [start.std].flat().map((std) => normals(size, std, seed, stream));
  if (draws.length === 1) return draws[0];
  return draws[0].map((_, i) => draws[Math.floor(((i % columns) * draws.length) / columns)][i]);
}
