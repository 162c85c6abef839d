/** The ops of src/kernels, found by looking, with inputs made up for their cases and their forward pass compared with the reference. */
import { readdirSync } from 'node:fs';
import type { Engine } from '../tensor/engine.ts';
import type { Case, Numbers, Op } from '../tensor/op.ts';
import type { Precision } from '../tensor/operands/half.ts';
import { normals, threefry } from '../tensor/random.ts';
import { format, type Shape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

export type Attributes = Record<string, unknown>;
export type AnyOp = Op<readonly (Tensor | undefined)[], Attributes>;
export type AnyCase = Case<Attributes>;

const SEED = 1234;
/** Cases for a quick look at an op: the first ones are small, and a reference is slow. */
export const FIRST_CASES = 2;

/** Every op that a file in src/kernels or a folder of it exports, by name. */
export async function findOps(): Promise<Map<string, AnyOp>> {
  const folder = new URL('../kernels/', import.meta.url);
  const ops = new Map<string, AnyOp>();
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    for (const exported of Object.values(await import(new URL(file, folder).href))) {
      if (isOp(exported)) ops.set(exported.definition.name, exported);
    }
  }
  return ops;
}

const isOp = (value: unknown): value is AnyOp => typeof value === 'function' && 'definition' in value;

/** "(3, 5) (5, 7) {"gelu":true}" */
export function describeCase({ inputs, attributes }: AnyCase): string {
  const shapes = inputs.map((input) =>
    input ? format('shape' in input ? (input.shape as Shape) : (input as Shape)) : '-',
  );
  return `${shapes.join(' ')}${attributes ? ` ${JSON.stringify(attributes)}` : ''}`;
}

/** The numbers of a case: normal ones, or ids below a bound; the same each time. */
export function makeNumbers(test: AnyCase): ((Numbers & { data: Float32Array | Uint32Array }) | undefined)[] {
  return test.inputs.map((input, i) => {
    if (!input) return undefined;
    if (!('shape' in input)) return { shape: input, data: normals(sizeOf(input), 1, SEED, i + 1) };
    const size = sizeOf(input.shape);
    if ('scale' in input) return { shape: input.shape, data: normals(size, input.scale, SEED, i + 1) };
    const ids = Uint32Array.from({ length: size }, (_, k) => threefry(i + 1, 77, k, 0)[0] % input.below);
    return { shape: input.shape, data: ids };
  });
}

/** Uploads numbers. */
export const upload = (engine: Engine, numbers: readonly (Numbers | undefined)[]): (Tensor | undefined)[] =>
  numbers.map((input) => input && engine.tensor(input.data, input.shape));

/** Hands memory back at once: garbage collection does not see its size. */
export function freeAll(tensors: readonly Tensor[]): void {
  for (const { engine, view } of tensors) engine.device.free(view);
}

/** Applies an op; cases may leave optional inputs at the end out. */
export const apply = (op: AnyOp, inputs: readonly (Tensor | undefined)[], attributes: Attributes): Tensor =>
  op(...op.definition.inputs.map((_, i) => inputs[i]), attributes);

/**
 * What rounding explains of a case's error. That of a sum of n terms in f32 is at most about n ulp of its magnitude (Higham,
 * "Accuracy and Stability", section 4.2); sixteen more ulp are for exp, tanh and the like, which WGSL grants a few ulp each.
 *
 * In mixed precision both factors of a product's terms are rounded to f16 first, by 2^-12 of them on average and 2^-11 at most, in
 * either direction: a sum of n such terms is off by about sqrt(n) 2^-11 of one, and is itself about sqrt(n) of one when
 * they are random. 2^-9 leaves room for bad luck; where products follow on products, errors add up.
 */
export function toleranceOf(definition: AnyOp['definition'], test: AnyCase, precision: Precision): number {
  const { reduction, products = 1 } = definition;
  const shapes = test.inputs.map((input) => (input && 'shape' in input ? input.shape : input));
  const terms = reduction?.(shapes, test.attributes ?? {}) ?? 1;
  return 2 ** -23 * (terms + 16) + (precision === 'mixed' ? 2 ** -9 * products : 0);
}

/** How far an op's forward pass is from its float64 reference. */
export interface Comparison {
  /** Largest difference of an element, by the largest magnitude of the reference (1 at least). */
  error: number;
  /** See `toleranceOf`. */
  tolerance: number;
}

/** Runs a case under the engine's variant and compares. @throws UserError when the kernel does not compile or run */
export async function compare(engine: Engine, op: AnyOp, test: AnyCase): Promise<Comparison> {
  const { definition } = op;
  const attributes = test.attributes ?? {};
  const numbers = makeNumbers(test);
  const expected = definition.reference(numbers, attributes);
  const output = engine.withoutGradients(() => apply(op, upload(engine, numbers), attributes));
  const actual = output.dtype === 'u32' ? await output.uints() : await output.floats();
  return { error: largestError(actual, expected), tolerance: toleranceOf(definition, test, engine.precision) };
}

/** Largest difference of two elements by the largest magnitude expected (1 at least); NaN where any is NaN. */
export function largestError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.NaN;
  let error = 0;
  let magnitude = 1;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i] - expected[i]);
    if (Number.isNaN(difference)) return Number.NaN;
    error = Math.max(error, difference);
    magnitude = Math.max(magnitude, Math.abs(expected[i]));
  }
  return error / magnitude;
}
