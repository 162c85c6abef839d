import { UserError } from '../errors.ts';
import type { Engine } from './engine.ts';
import type { Shape } from './shape.ts';
import type { DType, Tensor } from './tensor.ts';

/** A float64 tensor of the references: plain numbers. */
export interface Numbers {
  shape: Shape;
  data: ArrayLike<number>;
}

/** What an op's kernels work on. Optional inputs that were not given are undefined. */
export interface Call<A> {
  engine: Engine;
  inputs: readonly (Tensor | undefined)[];
  attributes: A;
  output: Tensor;
  /** What the forward pass keeps for the backward pass (see `saves`). */
  saved: Readonly<Record<string, Tensor>>;
  /** The variant that runs: a key of `run`. */
  variant: string;
}

/** Where a gradient goes. The kernel must write it, or add to what is there: `dx = v + (accumulate ? dx : 0)`. */
export interface Target {
  tensor: Tensor;
  /** 1 to add, 0 to overwrite: made to be handed to a kernel as a param. */
  accumulate: 0 | 1;
}

export interface BackwardCall<A> extends Call<A> {
  /** Gradient of the loss by the output. */
  dy: Tensor;
  /** Where the gradient of input `i` goes; undefined when nobody asks for it. */
  target(i: number): Target | undefined;
  /** Says that the gradient of input `i` is `gradient` itself (as for a sum), without a copy: `dy`, or made in this call. */
  pass(i: number, gradient: Tensor): void;
}

/** An input of a test case: a shape of normal numbers, or ids below a bound, or scaled normals; undefined leaves it out. */
export type CaseInput = Shape | { shape: Shape; below: number } | { shape: Shape; scale: number } | undefined;

export interface Case<A> {
  inputs: readonly CaseInput[];
  attributes?: A;
}

export interface OpDefinition<A> {
  name: string;
  /** Names of the inputs, for errors; a trailing "?" marks optional ones. */
  inputs: readonly string[];
  /** Shape of the output. @throws UserError that names op, argument, expected and got. */
  shape(shapes: readonly (Shape | undefined)[], attributes: A): Shape;
  /** Element type of the output, f32 unless told. */
  dtype?: DType;
  /** Shapes of what the forward pass keeps. */
  saves?(shapes: readonly (Shape | undefined)[], attributes: A): Record<string, Shape>;
  /** Variants, the naive one first and the best one last; all share one reference. */
  run: Record<string, (call: Call<A>) => void>;
  /** The same in float64: plain loops, no cleverness. */
  reference(inputs: readonly (Numbers | undefined)[], attributes: A): ArrayLike<number>;
  /** Writes the gradients of the inputs. Absent for ops that cannot be differentiated. */
  backward?(call: BackwardCall<A>): void;
  /** Number of terms summed up for one output element (or gradient element): tolerances grow with it. */
  reduction?(shapes: readonly (Shape | undefined)[], attributes: A): number;
  /** Number of matrix products that follow one upon another, 1 unless told: tolerances of mixed precision grow with it. */
  products?: number;
  /** Test cases: 1, odd, prime, just past a tile. */
  cases: readonly Case<A>[];
}

type Arguments<I extends readonly unknown[], A> = keyof A extends never ? I : [...I, attributes: A];

/** An op is the function that applies it; the tape holds the op itself. */
export interface Op<I extends readonly (Tensor | undefined)[] = readonly Tensor[], A = object> {
  (...args: Arguments<I, A>): Tensor;
  readonly definition: OpDefinition<A>;
}

/** Declares an op with inputs `I` and attributes `A`. Enrolled in the battery and the benchmarks by being exported. */
export function defineOp<I extends readonly (Tensor | undefined)[], A extends object = Record<never, never>>(
  definition: OpDefinition<A>,
): Op<I, A> {
  const arity = definition.inputs.length;
  const apply = (...args: unknown[]): Tensor => {
    const inputs = args.slice(0, arity) as (Tensor | undefined)[];
    return applyOp(definition, inputs, (args[arity] ?? {}) as A);
  };
  return Object.assign(apply, { definition }) as Op<I, A>;
}

function applyOp<A>(definition: OpDefinition<A>, inputs: readonly (Tensor | undefined)[], attributes: A): Tensor {
  definition.inputs.forEach((name, i) => {
    if (!inputs[i] && !name.endsWith('?')) throw new UserError(`${definition.name}: ${name} is missing`);
  });
  const { engine } = inputs.find((input) => input !== undefined)!;
  const shapes = inputs.map((input) => input?.shape);
  const output = engine.empty(definition.shape(shapes, attributes), definition.dtype, definition.name);
  const saved = Object.fromEntries(
    Object.entries(definition.saves?.(shapes, attributes) ?? {}).map(([name, shape]) => [name, engine.empty(shape)]),
  );
  const variant = variantOf(definition, engine.variant);
  const call: Call<A> = { engine, inputs, attributes, output, saved, variant };
  definition.run[variant](call);
  if (definition.backward && inputs.some((input) => input?.requiresGrad)) engine.tape.add(definition, call);
  return output;
}

/** A variant by name where the op has it; else the first for 'naive', and the last, best one. */
function variantOf<A>(definition: OpDefinition<A>, wanted: string): string {
  const names = Object.keys(definition.run);
  if (names.includes(wanted)) return wanted;
  return wanted === 'naive' ? names[0] : names[names.length - 1];
}
