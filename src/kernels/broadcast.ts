import { UserError } from '../errors.ts';
import { broadcast, format, type Shape, sizeOf } from '../tensor/shape.ts';
import type { Target, Tensor } from '../tensor/tensor.ts';
import { addChunks } from './skeleton/columns.ts';
import { defineEach } from './skeleton/each.ts';
import { range, repeat } from './skeleton/text.ts';

/*
 * Sums and products under any broadcast. A broadcast is a list of axes, innermost first, and a step along each of them in
 * either tensor; element `flat` of all lies where its coordinates, by remainders and quotients, lead.
 */

/** Axes that a broadcast may have after neighbours that behave alike are joined. */
const AXES = 4;

/** An axis of a broadcast: its length, and how far a step along it moves in a and b (0 where it is repeated). */
interface Axis {
  size: number;
  a: number;
  b: number;
}

/** Neighbours are joined where a and b run through both as through one: (2, 3, 4) + (4) has the two axes 4 and 6. */
function axesOf(shape: Shape, a: Shape, b: Shape): Axis[] {
  const axes: Axis[] = [];
  const step = { a: 1, b: 1 };
  for (let i = 1; i <= shape.length; i++) {
    const size = shape[shape.length - i];
    const [inA, inB] = [a[a.length - i] ?? 1, b[b.length - i] ?? 1];
    if (size === 1) continue;
    const axis = { size, a: inA === 1 ? 0 : step.a, b: inB === 1 ? 0 : step.b };
    step.a *= inA;
    step.b *= inB;
    const inner = axes.at(-1);
    const joins = inner && axis.a === inner.a * inner.size && axis.b === inner.b * inner.size;
    if (joins) inner.size *= size;
    else axes.push(axis);
  }
  return axes;
}

/** The shape of the output. @throws UserError when a and b do not broadcast, or alternate along more than four axes */
export function outputShape(name: string, a: Shape, b: Shape): Shape {
  const shape = broadcast(a, b);
  if (!shape) throw new UserError(`${name}: shapes do not broadcast, a ${format(a)}, b ${format(b)}`);
  if (axesOf(shape, a, b).length <= AXES) return shape;
  throw new UserError(`${name}: a ${format(a)} and b ${format(b)} alternate too often`);
}

/** A param for each number of each axis: size0, a0, b0, size1 ... */
const perAxis = <V>(value: (key: keyof Axis, i: number) => V) =>
  Object.fromEntries(
    range(AXES).flatMap((i) => (['size', 'a', 'b'] as const).map((key) => [`${key}${i}`, value(key, i)])),
  ) as Record<`${keyof Axis}${0 | 1 | 2 | 3}`, V>;

const AXIS_PARAMS = perAxis(() => 'u32' as const);
const axisParams = (axes: Axis[]) => perAxis((key, i) => axes[i]?.[key] ?? (key === 'size' ? 1 : 0));

/** WGSL: where element `flat` lies in a and b. */
const PLACES = /* wgsl */ `
fn places(flat: u32) -> vec2<u32> {
  var rest = flat;
  var at = vec2<u32>();
  ${repeat(AXES, (i) => `at += rest % params.size${i} * vec2<u32>(params.a${i}, params.b${i}); rest /= params.size${i};`, '\n  ')}
  return at;
}`;

/** c = a + b or a * b, one invocation an element.   a, b, c: f32 */
const forward = defineEach({
  name: 'broadcast',
  bind: { a: 'read', b: 'read', c: 'write' },
  params: { N: 'u32', product: 'u32', ...AXIS_PARAMS },
  each: ['N'],
  constants: ({ product }) => ({ product }),
  functions: PLACES,
  body: ({ constants: { product } }) => /* wgsl */ `
  let at = places(i);
  c[i] = a[at.x] ${product ? '*' : '+'} b[at.y];`,
});

/** partial[k,r] = sum of chunk k of the C terms dy, or dy * b, that element r of a stands in.   partial: (K, R) f32 */
const gradientChunks = defineEach({
  name: 'broadcast_gradient',
  bind: { dy: 'read', b: 'read?', partial: 'write' },
  params: { K: 'u32', R: 'u32', C: 'u32', ...AXIS_PARAMS },
  each: ['K', 'R'],
  functions: PLACES,
  body: ({ has }) => /* wgsl */ `
  let size = (params.C + params.K - 1u) / params.K;
  let first = i / params.R * size;
  let last = min(first + size, params.C);
  var sum = 0.0;
  for (var term = first; term < last; term++) {
    let at = places(i % params.R * params.C + term);
    sum += dy[at.x]${has.b ? ' * b[at.y]' : ''};
  }
  partial[i] = sum;`,
});

/** Terms of a chunk, and chunks at most: enough to fill a GPU where one element is repeated all over. */
const CHUNK = 16;
const CHUNKS = 256;

/** c = a + b, or a * b where `product` is 1, whatever the shapes. */
export function broadcastForward(tensors: { a: Tensor; b: Tensor; c: Tensor }, product: 0 | 1): void {
  const { a, b, c } = tensors;
  forward(tensors, { N: c.size, product, ...axisParams(axesOf(c.shape, a.shape, b.shape)) });
}

/** Writes or adds the gradient of a by a + b, or by a * b: summed over the axes along which a was repeated. */
export function broadcastGradient(tensors: { a: Tensor; b: Tensor; dy: Tensor }, product: 0 | 1, to: Target): void {
  const { a, b, dy } = tensors;
  const axes = axesOf(dy.shape, a.shape, b.shape);
  const steps = axes.map((axis, i) => ({ ...axis, a: sizeOf(axes.slice(0, i).map(({ size }) => size)) })); // in dy
  const isSummed = (_: Axis, i: number): boolean => axes[i].a === 0;
  const summed = steps.filter(isSummed);
  const kept = steps.filter((axis, i) => !isSummed(axis, i));
  const [R, C] = [a.size, sizeOf(summed.map(({ size }) => size))];
  const K = Math.min(CHUNKS, Math.ceil(C / CHUNK));
  const partial = dy.engine.empty([K, R]);
  gradientChunks({ dy, b: product ? b : undefined, partial }, { K, R, C, ...axisParams([...summed, ...kept]) });
  addChunks(partial, to);
}
