import { type Call, defineOp, type Each, type Numbers, type OpDefinition, type Sizes } from '../tensor/op.ts';
import { type Shape, sameShape, sizeOf } from '../tensor/shape.ts';
import type { Target, Tensor } from '../tensor/tensor.ts';
import { broadcastForward, broadcastGradient, outputShape } from './broadcast.ts';
import { sumDown } from './reduce.ts';
import { defineEach } from './skeleton/each.ts';
import { assign, writeOrAdd } from './skeleton/text.ts';

/*
 * Arithmetic of whole tensors: `add` and `multiply`, with NumPy's broadcasting, and `scale`.
 */

type Pair = { a: Tensor; b: Tensor };

/** Whether b has a's shape or that of its last axes. */
const repeats = (a: Shape, b: Shape): boolean => b.length <= a.length && sameShape(a.slice(a.length - b.length), b);

/** a op b in float64, with the indices of a and b for each element of the output. */
function reference(shape: Shape, { a, b }: Each<Pair, Numbers>, op: (x: number, y: number) => number): Float64Array {
  const indexIn = (input: Shape, flat: number): number => {
    let [rest, index, step] = [flat, 0, 1];
    for (let i = 1; i <= input.length; i++) {
      const [size, own] = [shape[shape.length - i], input[input.length - i]];
      index += (own === 1 ? 0 : rest % size) * step;
      rest = Math.floor(rest / size);
      step *= own;
    }
    return index;
  };
  return Float64Array.from({ length: sizeOf(shape) }, (_, i) =>
    op(a.data[indexIn(a.shape, i)], b.data[indexIn(b.shape, i)]),
  );
}

/** What a sum and a product have in common: all but the gradient. */
function pairwise(name: string, product: 0 | 1): OpDefinition<Pair, object> {
  const repeated = defineEach({
    name,
    bind: { a: 'read T', b: 'read T', c: 'write T' },
    params: { N: 'u32', M: 'u32' },
    each: ['N'],
    lengths: ['N', 'M'],
    body: `c[i] = a[i] ${product ? '*' : '+'} b[i % params.M];`,
  });
  const naive = ({ inputs: { a, b }, output: c }: Call<Pair>): void => broadcastForward({ a, b, c }, product);
  return {
    name,
    inputs: ['a', 'b'],
    shape: ({ a, b }) => outputShape(name, a, b),
    run: {
      naive,
      vectors: {
        idea: 'Vectors of four where b has the shape of a or of its last axes, and so repeats every M elements; else as naive.',
        gain: 'lavapipe: 5 to 7 times naive',
        run: (call) => {
          const { a, b } = call.inputs;
          if (repeats(a.shape, b.shape)) repeated({ a, b, c: call.output }, { N: a.size, M: b.size });
          else naive(call);
        },
      },
    },
    reference: (inputs) =>
      reference(outputShape(name, inputs.a.shape, inputs.b.shape), inputs, (x, y) => (product ? x * y : x + y)),
    reduction: ({ a, b }) => sizeOf(outputShape(name, a, b)) / Math.min(sizeOf(a), sizeOf(b)),
    cases: [
      [{ a: [1], b: [1] }],
      [{ a: [3, 7], b: [3, 7] }],
      [{ a: [2, 3, 44], b: [2, 3, 44] }],
      [{ a: [2, 5, 9], b: [9] }],
      [{ a: [33, 1], b: [1, 17] }],
      [{ a: [], b: [3, 5] }],
      [{ a: [2, 1, 3, 1], b: [4, 1, 5] }],
    ],
    workloads: ({ B, T, C }: Sizes) => [{ case: [{ a: [B, T, C], b: [B, T, C] }] }],
    operations: 1,
  };
}

/** An input and the other one. */
const SIDES = [
  ['a', 'b'],
  ['b', 'a'],
] as const;

/** c = a + b, with NumPy's broadcasting. Gradients of equal shapes are handed on without a copy. */
export const add = defineOp<Pair>({
  ...pairwise('add', 0),
  backward: ({ inputs, dy, pass, target }) => {
    for (const [own, other] of SIDES) {
      const [a, b] = [inputs[own], inputs[other]];
      const handedOn = sameShape(a.shape, dy.shape);
      if (handedOn) pass(own, dy);
      const to = handedOn ? undefined : target(own);
      if (to && repeats(dy.shape, a.shape)) sumDown(dy, to);
      else if (to) broadcastGradient({ a, b, dy }, 0, to);
    }
  },
});

/** da = dy * b, written or added, where a and b have one shape. */
const productGradient = defineEach({
  name: 'multiply_gradient',
  bind: { b: 'read T', dy: 'read T', da: 'write T' },
  params: { N: 'u32', accumulate: 'u32' },
  each: ['N'],
  lengths: ['N'],
  body: ({ constants: { accumulate } }) => assign('da[i]', 'dy[i] * b[i]', accumulate),
});

/** c = a * b, element by element, with NumPy's broadcasting. */
export const multiply = defineOp<Pair>({
  ...pairwise('multiply', 1),
  backward: ({ inputs, dy, target }) => {
    for (const [own, other] of SIDES) {
      const [a, b, to] = [inputs[own], inputs[other], target(own)];
      if (to && sameShape(a.shape, b.shape)) {
        productGradient({ b, dy, da: to.tensor }, { N: dy.size, accumulate: to.accumulate });
      } else if (to) {
        broadcastGradient({ a, b, dy }, 1, to);
      }
    }
  },
});

/** y (+)= x * factor, both ways.   x, y: (N) f32 */
const scaling = {
  bind: { x: 'read T', y: 'write T' },
  params: { N: 'u32', factor: 'f32', accumulate: 'u32' },
  each: ['N'],
} as const;

/** The lesson: one invocation an element. */
const scaleNaive = defineEach({
  name: 'scale_naive',
  ...scaling,
  body: writeOrAdd('y[i]', 'x[i] * params.factor'),
});

const scaleVectors = defineEach({
  name: 'scale',
  ...scaling,
  lengths: ['N'],
  body: ({ constants: { accumulate } }) => assign('y[i]', 'x[i] * params.factor', accumulate),
});

function runScale(
  { variant, attributes }: Call<{ x: Tensor }, { factor: number }>,
  x: Tensor,
  { tensor: y, accumulate }: Target,
): void {
  const kernel = variant === 'naive' ? scaleNaive : scaleVectors;
  kernel({ x, y }, { N: y.size, factor: attributes.factor, accumulate });
}

/** y = x * factor.   x, y: any shape */
export const scale = defineOp<{ x: Tensor }, { factor: number }>({
  name: 'scale',
  inputs: ['x'],
  shape: ({ x }) => x,
  run: {
    naive: (call) => runScale(call, call.inputs.x, { tensor: call.output, accumulate: 0 }),
    vectors: (call) => runScale(call, call.inputs.x, { tensor: call.output, accumulate: 0 }),
  },
  reference: ({ x }, { factor }) => Float64Array.from(x.data, (value) => value * factor),
  backward: (call) => {
    const dx = call.target('x');
    if (dx) runScale(call, call.dy, dx);
  },
  cases: [
    [{ x: [1] }, { factor: 3 }],
    [{ x: [3, 7] }, { factor: -0.5 }],
    [{ x: [2, 134] }, { factor: 0 }],
  ],
  workloads: ({ B, T, C }) => [{ case: [{ x: [B, T, C] }, { factor: 0.5 }] }],
  operations: 1,
});
