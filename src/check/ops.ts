/** The ops of src/kernels, found by looking, with inputs made up for their cases and their forward pass compared with the reference. */
import { readdirSync } from 'node:fs';
import type { Precision } from '../tensor/capabilities.ts';
import type { Engine } from '../tensor/engine.ts';
import type { Case, CaseInput, Numbers, Op } from '../tensor/op.ts';
import { pack, unpack } from '../tensor/operands/packing.ts';
import { QuantizedMatrix } from '../tensor/operands/quantized.ts';
import { normals, threefry } from '../tensor/random.ts';
import { format, type Shape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

export type Attributes = Record<string, unknown>;
/** An op of whatever inputs and attributes. */
export type AnyOp = Op<Record<string, Tensor>, Attributes>;
export type AnyCase = Case;

const SEED = 1234;
/** Texels of a texture that every adapter takes: wider matrices are packed in bands. */
const SIDE = 8192;
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

const shapeOf = (input: CaseInput): Shape => ('shape' in input ? input.shape : input);

/** Something for each of the inputs that are there. */
export const mapInputs = <V, W>(inputs: Readonly<Record<string, V>>, map: (value: V, name: string) => W) =>
  Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, map(value, name)])) as Record<string, W>;

/** The shapes of a case's inputs. */
export const shapesOf = ([inputs]: AnyCase): Record<string, Shape> => mapInputs(inputs, shapeOf);

/** 'a (3, 5), b (5, 7) {"gelu":true}' */
export function describeCase([inputs, attributes]: AnyCase): string {
  const formatOf = (input: CaseInput): string => ('packed' in input ? ` ${input.packed}` : '');
  const shapes = Object.entries(inputs).map(([name, input]) => `${name} ${format(shapeOf(input))}${formatOf(input)}`);
  return `${shapes.join(', ')}${attributes ? ` ${JSON.stringify(attributes)}` : ''}`;
}

type Data = Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** The numbers of a case: normal ones, or ids below a bound; the same each time. */
export function makeNumbers([inputs]: AnyCase): Record<string, Numbers & { data: Data }> {
  let stream = 0;
  return mapInputs(inputs, (input) => {
    const shape = shapeOf(input);
    const data = numbersOf(input, sizeOf(shape), ++stream);
    if (!('packed' in input)) return { shape, data };
    const packed = pack({ data, row: shape[1], col: 1 }, shape, input.packed, SIDE);
    return { shape, data: unpack(packed), packed };
  });
}

function numbersOf(input: CaseInput, size: number, stream: number): Data {
  if (!('below' in input)) return normals(size, 'scale' in input ? input.scale : 1, SEED, stream);
  return Uint32Array.from({ length: size }, (_, k) => threefry(stream, 77, k, 0)[0] % input.below);
}

/** Uploads the numbers of a tensor, packed where they are. */
export const uploadOne = (engine: Engine, { data, shape, packed }: Numbers): Tensor =>
  packed ? new QuantizedMatrix(engine, packed) : engine.tensor(data, shape);

/** Uploads numbers. */
export const upload = (engine: Engine, numbers: Readonly<Record<string, Numbers>>): Record<string, Tensor> =>
  mapInputs(numbers, (one) => uploadOne(engine, one));

/** Hands memory back at once: garbage collection does not see its size. */
export function freeAll(tensors: readonly Tensor[]): void {
  for (const tensor of tensors)
    tensor.engine.device.free(tensor instanceof QuantizedMatrix ? tensor.image : tensor.view);
}

/**
 * What rounding explains of a case's error. That of a sum of n terms in f32 is at most about n ulp of its magnitude (Higham,
 * "Accuracy and Stability", section 4.2); sixteen more ulp are for exp, tanh and the like, which WGSL grants a few ulp each.
 *
 * In mixed precision both factors of a product's terms are rounded to f16 first, by 2^-12 of them on average and 2^-11 at most, in
 * either direction: a sum of n such terms is off by about sqrt(n) 2^-11 of one, and is itself about sqrt(n) of one when
 * they are random. 2^-9 leaves room for bad luck; where products follow on products, errors add up.
 */
export function toleranceOf({ reduction, products = 1 }: AnyOp['definition'], test: AnyCase, precision: Precision) {
  const terms = reduction?.(shapesOf(test), test[1] ?? {}) ?? 1;
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
  const [, attributes = {}] = test;
  const numbers = makeNumbers(test);
  const expected = definition.reference(numbers, attributes);
  const work = () => ({ output: op(upload(engine, numbers), attributes) });
  const { output } = engine.scope(() => engine.withoutGradients(work));
  const actual = output.dtype === 'u32' ? await output.uints() : await output.floats();
  freeAll([output]);
  const { precision } = engine;
  return { error: largestError(actual, expected), tolerance: toleranceOf(definition, test, precision) };
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

/** The variants of an op that are more than a tuning point of another one, by name: the naive one first, the best one last. */
export const variantsOf = ({ definition: { run } }: AnyOp): string[] =>
  Object.entries(run).flatMap(([name, variant]) => (typeof variant === 'object' && variant.at ? [] : [name]));
