import { UserError } from '../errors.ts';
import { defineKernel } from '../tensor/kernel.ts';
import type { BackwardCall, Call } from '../tensor/op.ts';
import { broadcast, format, type Shape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { groupsOf64, oneEach, rowLayout, rowShader, writeOrAdd } from './skeleton/snippets.ts';

/** Axes that a broadcast may have after neighbours that behave alike are joined. */
const AXES = 4;
const AXIS = Array.from({ length: AXES }, (_, i) => i);

/** An axis of a broadcast: its length, and how far a step along it moves in a and b (0 where it is repeated). */
interface Axis {
  size: number;
  a: number;
  b: number;
}

/**
 * The axes of a broadcast, outermost first, padded to AXES with axes of length 1. Neighbours are joined where a and b run
 * through both as through one: (2, 3, 4) + (4) has the two axes 6 and 4.
 */
function axesOf(name: string, a: Shape, b: Shape): Axis[] {
  const shape = outputShape(name, a, b);
  const axes: Axis[] = [];
  const step = { a: 1, b: 1 };
  for (let i = 1; i <= shape.length; i++) {
    const size = shape[shape.length - i];
    const [inA, inB] = [a[a.length - i] ?? 1, b[b.length - i] ?? 1];
    if (size === 1) continue;
    const axis = { size, a: inA === 1 ? 0 : step.a, b: inB === 1 ? 0 : step.b };
    step.a *= inA;
    step.b *= inB;
    const outer = axes[0];
    const joins = outer && axis.a === outer.a * outer.size && axis.b === outer.b * outer.size;
    if (joins) outer.size *= size;
    else axes.unshift(axis);
  }
  if (axes.length > AXES) throw new UserError(`${name}: a ${format(a)} and b ${format(b)} alternate too often`);
  return [...new Array<Axis>(AXES - axes.length).fill({ size: 1, a: 0, b: 0 }), ...axes];
}

/** The shape of the output. @throws UserError when a and b do not broadcast */
export function outputShape(name: string, a: Shape, b: Shape): Shape {
  const shape = broadcast(a, b);
  if (shape) return shape;
  throw new UserError(`${name}: shapes do not broadcast, a ${format(a)}, b ${format(b)}`);
}

/** Params size0, size1 ... from a number for each axis. */
const perAxis = <K extends string>(key: K, values: readonly number[]) =>
  Object.fromEntries(values.map((value, i) => [`${key}${i}`, value])) as Record<`${K}${0 | 1 | 2 | 3}`, number>;
const declare = <K extends string>(key: K) =>
  Object.fromEntries(AXIS.map((i) => [`${key}${i}`, 'u32'])) as Record<`${K}${0 | 1 | 2 | 3}`, 'u32'>;

/** WGSL that splits `rest` into coordinates, innermost axis first, and moves each index in `moves` by its steps. */
const walk = (size: string, moves: Record<string, string>): string =>
  AXIS.map((i) => AXES - 1 - i)
    .map((i) => {
      const steps = Object.entries(moves).map(([index, step]) => `${index} += at * params.${step}${i};`);
      return `at = rest % params.${size}${i}; rest /= params.${size}${i}; ${steps.join(' ')}`;
    })
    .join('\n  ');

/** c = a + b or a * b under broadcasting, one invocation an element.   a, b, c: f32 */
const broadcasting = defineKernel({
  name: 'broadcast',
  bind: { a: 'read', b: 'read', c: 'write' },
  params: { N: 'u32', product: 'u32', ...declare('size'), ...declare('a'), ...declare('b') },
  grid: ({ N }) => groupsOf64(N),
  wgsl: () =>
    oneEach(
      'params.N',
      /* wgsl */ `
  var rest = i;
  var at = 0u;
  var ai = 0u;
  var bi = 0u;
  ${walk('size', { ai: 'a', bi: 'b' })}
  c[i] = select(a[ai] + b[bi], a[ai] * b[bi], params.product == 1u);`,
    ),
});

/**
 * da (+)= the sum over the axes along which a was repeated of dy, or of dy * b for products. A row of lanes an element of
 * a: R elements of C terms each; kept and summed axes each have their sizes and their steps in dy (y) and in b.
 */
const broadcastGradient = defineKernel({
  name: 'broadcast_gradient',
  bind: { b: 'read', dy: 'read', da: 'write' },
  params: {
    R: 'u32',
    C: 'u32',
    product: 'u32',
    accumulate: 'u32',
    ...declare('kept'),
    ...declare('summed'),
    ...declare('y'),
    ...declare('b'),
  },
  ...rowLayout,
  wgsl: rowShader(/* wgsl */ `
  var rest = row;
  var at = 0u;
  var rowY = 0u;
  var rowB = 0u;
  ${walk('kept', { rowY: 'y', rowB: 'b' })}
  var sum = 0.0;
  for (var c = lane; c < columns; c += LANES) {
    rest = c;
    var yi = rowY;
    var bi = rowB;
    ${walk('summed', { yi: 'y', bi: 'b' })}
    if (params.product == 1u) { sum += dy[yi] * b[bi]; } else { sum += dy[yi]; }
  }
  sum = rowSum(index, sum);
  if (lane == 0u && row < params.R) { ${writeOrAdd('da[row]', 'sum')} }`),
});

/** Runs c = a + b, or a * b where `product` is 1, whatever the shapes. */
export const broadcastForward =
  (name: string, product: 0 | 1) =>
  ({ inputs, output: c }: Call<object>): void => {
    const [a, b] = inputs as [Tensor, Tensor];
    const axes = axesOf(name, a.shape, b.shape);
    const [size, aStep, bStep] = (['size', 'a', 'b'] as const).map((key) => axes.map((axis) => axis[key]));
    const params = { ...perAxis('size', size), ...perAxis('a', aStep), ...perAxis('b', bStep) };
    broadcasting({ a, b, c }, { N: c.size, product, ...params });
  };

/** Runs the gradient of input i, reduced over the axes along which it was repeated. */
export function broadcastBackward(
  name: string,
  product: 0 | 1,
  { inputs, dy, target }: BackwardCall<object>,
  i: 0 | 1,
): void {
  const to = target(i);
  if (!to) return;
  const [self, other] = [inputs[i]!, inputs[1 - i]!];
  const axes = axesOf(name, self.shape, other.shape); // `a` is this input, `b` the other one
  const kept = axes.map(({ size, a }) => (a === 0 ? 1 : size));
  const summed = axes.map(({ size, a }) => (a === 0 ? size : 1));
  const ySteps = axes.map((_, k) => sizeOf(axes.slice(k + 1).map(({ size }) => size)));
  broadcastGradient(
    { b: other, dy, da: to.tensor },
    {
      R: self.size,
      C: sizeOf(summed),
      product,
      accumulate: to.accumulate,
      ...perAxis('kept', kept),
      ...perAxis('summed', summed),
      ...perAxis('y', ySteps),
      ...perAxis(
        'b',
        axes.map(({ b }) => b),
      ),
    },
  );
}
