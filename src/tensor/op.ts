import { UserError } from '../errors.ts';
import type { Capabilities } from './capabilities.ts';
import type { Packed, PackedFormat } from './operands/packing.ts';
import type { Shape } from './shape.ts';
import type { DType, GradientSink, Target, Tensor, TensorEngine } from './tensor.ts';
import type { Point } from './tuning/table.ts';
import { within } from './within.ts';

/** The inputs of an op, by name; those that may be left out are optional. */
export type Inputs = object;

/** A float64 tensor of the references: plain numbers. */
export interface Numbers {
  shape: Shape;
  data: ArrayLike<number>;
  /** What the adapter gets in place of the numbers, which are those that it stands for. */
  packed?: Packed;
}

/** Something for each input of an op that was given. */
export type Each<I extends Inputs, V> = { readonly [K in keyof I]: V };

/** What an op's kernels work on. */
export interface Call<I extends Inputs, A = object> {
  engine: TensorEngine;
  inputs: Readonly<I>;
  attributes: A;
  output: Tensor;
  /** What the forward pass keeps for the backward pass (see `saves`). */
  saved: Readonly<Record<string, Tensor>>;
  /** The variant that runs: a key of `run`. */
  variant: string;
}

export interface BackwardCall<I extends Inputs, A = object> extends Call<I, A> {
  /** Gradient of the loss by the output. */
  dy: Tensor;
  /** Where the gradient of an input goes; undefined when nobody asks for it. */
  target(input: keyof I & string): Target | undefined;
  /** Says that the gradient of an input is `gradient` itself (as for a sum), without a copy: `dy`, or made in this call. */
  pass(input: keyof I & string, gradient: Tensor): void;
}

/** One way to compute an op. All variants share a reference; the naive one stays as the lesson. */
export interface Variant<I extends Inputs, A> {
  run(call: Call<I, A>): void;
  /** What it does otherwise than the variant before it, in a sentence. */
  idea: string;
  /** What that brought: a ratio, with adapter and shape. */
  gain?: string;
  /** Of a variant that is one tuning point of the best one's kernel, and so a rung of the ladder and nothing to test by itself. */
  at?: { kernel: Pinnable; point: (adapter: Capabilities) => Point };
}

/** A kernel, as far as a variant has to know it. */
export interface Pinnable {
  readonly spec: { readonly name: string };
  points(adapter: Capabilities): readonly Point[];
}

/** An input of a test case: a shape of normal numbers, or ids below a bound, or scaled normals, or packed ones. */
export type CaseInput =
  | Shape
  | { shape: Shape; below: number }
  | { shape: Shape; scale: number }
  | { shape: Shape; packed: PackedFormat };

/** What an op is called with, in shapes: op({ x: [3, 7] }, { eps: 1e-5 }). */
export type Case<I extends Inputs = Record<string, Tensor>, A = Record<string, unknown>> = readonly [
  inputs: Each<I, CaseInput>,
  attributes?: A,
];

/**
 * Sizes of a transformer and its batch, for the shapes at which an op is worth timing: sequences, tokens of each, width, query
 * heads, key heads, width of a head, hidden width, vocabulary, blocks.
 */
export type Sizes = Readonly<Record<'B' | 'T' | 'C' | 'H' | 'KV' | 'D' | 'I' | 'V' | 'L', number>> & {
  readonly norm: 'layer' | 'rms';
  /** Whether positions turn queries and keys. */
  readonly rotary: boolean;
  /** Whether the MLP has two matrices that go up. */
  readonly gated: boolean;
  /** Whether matrices are (out, in). */
  readonly transposed: boolean;
};

/** A call that a model makes: what is timed. */
export interface Workload<I extends Inputs, A> {
  what?: string;
  case: Case<I, A>;
  /** Floating-point operations without and with the backward pass, for ops that calculate more than they read. */
  flops?: { forward: number; training: number };
  /** Operations of the forward pass of an op that is rated by what it moves, where they are not so many an element. */
  operations?: number;
  /** Bytes that the forward pass moves at least, where that is not all inputs and the output. */
  bytes?: number;
}

/** How `bench ladder` climbs from the first variant of an op to its best. */
export interface Ladder<I extends Inputs, A> {
  /** Names of a shape's numbers. */
  axes: readonly string[];
  /** The shape unless another is chosen: one that software adapters bear, and one that fills a GPU. */
  shapes: { software: readonly number[]; gpu: readonly number[] };
  /** The call for a shape, and what it does. */
  workload: (shape: readonly number[]) => Workload<I, A>;
}

export interface OpDefinition<I extends Inputs, A> {
  name: string;
  /** Names of the inputs; a trailing "?" marks optional ones. */
  inputs: readonly { [K in keyof I & string]: undefined extends I[K] ? `${K}?` : K }[keyof I & string][];
  /** Shape of the output. @throws UserError that names op, argument, expected and got. */
  shape(shapes: Each<I, Shape>, attributes: A): Shape;
  /** Element type of the output, f32 unless told. */
  dtype?: DType;
  /** Shapes of what the forward pass keeps. */
  saves?(shapes: Each<I, Shape>, attributes: A): Record<string, Shape>;
  /** Variants, the naive one first and the best one last. */
  run: Readonly<Record<string, Variant<I, A> | ((call: Call<I, A>) => void)>>;
  /** The same in float64: plain loops, no cleverness. */
  reference(inputs: Each<I, Numbers>, attributes: A): ArrayLike<number>;
  /** What `reference` does to inputs that the op writes into (caches), in float64, by name. */
  writes?(inputs: Each<I, Numbers>, attributes: A): Partial<Record<keyof I & string, ArrayLike<number>>>;
  /** Writes the gradients of the inputs. Absent for ops that cannot be differentiated. */
  backward?(call: BackwardCall<I, A>): void;
  /** Number of terms summed up for one output element (or gradient element): tolerances grow with it. */
  reduction?(shapes: Each<I, Shape>, attributes: A): number;
  /** Number of matrix products that follow one upon another, 1 unless told: tolerances of mixed precision grow with it. */
  products?: number;
  /** Test cases: 1, odd, prime, just past a tile. */
  cases: readonly Case<I, A>[];
  /** The calls of a transformer's training step, or of a step of decoding; none where it has none. */
  workloads?(sizes: Sizes): readonly Workload<I, A>[];
  /** Operations for each element, of ops that mostly move numbers: exp, tanh and quotients count as one each. */
  operations?: number;
  ladder?: Ladder<I, A>;
}

/** An op is the function that applies it; the tape holds the op itself. */
export interface Op<I extends Inputs = Record<string, Tensor>, A = object> {
  (inputs: I, ...attributes: object extends A ? [attributes?: A] : [attributes: A]): Tensor;
  readonly definition: OpDefinition<I, A>;
}

/** Declares an op with inputs `I` and attributes `A`. Enrolled in the battery and the benchmarks by being exported. */
export function defineOp<I extends Inputs, A extends object = Record<never, never>>(
  definition: OpDefinition<I, A>,
): Op<I, A> {
  const apply = (inputs: I, attributes?: A): Tensor => applyOp(definition, inputs, attributes ?? ({} as A));
  return Object.assign(apply, { definition }) as Op<I, A>;
}

/** The tensors that were given, by name. */
const given = (inputs: Inputs): [string, Tensor][] => Object.entries(inputs).filter(([, tensor]) => tensor);

function applyOp<I extends Inputs, A>(definition: OpDefinition<I, A>, inputs: I, attributes: A): Tensor {
  const tensors = given(inputs);
  for (const name of definition.inputs) {
    const missing = !name.endsWith('?') && !tensors.some(([other]) => other === name);
    if (missing) throw new UserError(`${definition.name}: ${name} is missing`);
  }
  const { engine } = tensors[0][1];
  const shapes = Object.fromEntries(tensors.map(([name, { shape }]) => [name, shape])) as Each<I, Shape>;
  const output = engine.empty(definition.shape(shapes, attributes), definition.dtype, definition.name);
  const saved = Object.fromEntries(
    Object.entries(definition.saves?.(shapes, attributes) ?? {}).map(([name, shape]) => [name, engine.empty(shape)]),
  );
  const variant = variantOf(definition, engine.variant);
  const call: Call<I, A> = { engine, inputs, attributes, output, saved, variant };
  run(definition.run[variant], call);
  if (definition.backward && engine.tape.writing && tensors.some(([, { requiresGrad }]) => requiresGrad)) {
    const { part } = engine.device; // its gradients are for the same
    const backward = (dy: Tensor, gradients: GradientSink): void =>
      within(engine, part, () => definition.backward!(backwardCall(call, dy, gradients)));
    engine.tape.add({ output, backward });
  }
  return output;
}

function backwardCall<I extends Inputs, A>(call: Call<I, A>, dy: Tensor, gradients: GradientSink): BackwardCall<I, A> {
  const wanted = (name: keyof I): Tensor | undefined => {
    const input = call.inputs[name] as Tensor | undefined;
    return input?.requiresGrad ? input : undefined;
  };
  const target = (name: keyof I) => {
    const input = wanted(name);
    return input && gradients.target(input);
  };
  const pass = (name: keyof I, gradient: Tensor) => {
    const input = wanted(name);
    if (input) gradients.pass(input, gradient);
  };
  return { ...call, dy, target, pass };
}

function run<I extends Inputs, A>(variant: OpDefinition<I, A>['run'][string], call: Call<I, A>): void {
  if (typeof variant === 'function') variant(call);
  else if (!variant.at) variant.run(call);
  else {
    const { kernel, point } = variant.at;
    call.engine.tuning.during(kernel.spec.name, point(call.engine.capabilities), () => variant.run(call));
  }
}

/** A variant by name where the op has it; else the first for 'naive', and the last, best one. */
function variantOf<I extends Inputs, A>(definition: OpDefinition<I, A>, wanted: string): string {
  const names = Object.keys(definition.run);
  if (names.includes(wanted)) return wanted;
  return wanted === 'naive' ? names[0] : names[names.length - 1];
}
