import { type BackwardCall, type Call, defineOp, type Numbers } from '../tensor/op.ts';
import { broadcast, type Shape, sameShape, sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { broadcastBackward, broadcastForward, outputShape } from './broadcast.ts';
import { sumDown } from './reduce.ts';
import { defineElementwise, writeOrAdd } from './skeleton/snippets.ts';

/** c = a + b, where b has a's shape or that of its last axes, so that it repeats every M elements: 5 to 7 times naive on lavapipe. */
const addRepeated = defineElementwise({
  name: 'add',
  bind: { a: 'read', b: 'read', c: 'write' },
  params: { N: 'u32', M: 'u32' },
  lengths: ['N', 'M'],
  body: 'c[i] = a[i] + b[i % params.M];',
});

/** c = a * b under the same condition. */
const multiplyRepeated = defineElementwise({
  name: 'multiply',
  bind: { a: 'read', b: 'read', c: 'write' },
  params: { N: 'u32', M: 'u32' },
  lengths: ['N', 'M'],
  body: 'c[i] = a[i] * b[i % params.M];',
});

const multiplyAdd = defineElementwise({
  name: 'multiply_gradient',
  bind: { b: 'read', dy: 'read', da: 'write' },
  params: { N: 'u32', accumulate: 'u32' },
  lengths: ['N'],
  body: writeOrAdd('da[i]', 'dy[i] * b[i]', 'accumulate'),
});

/** Whether b has a's shape or that of its last axes. */
const repeats = (a: Shape, b: Shape): boolean => b.length <= a.length && sameShape(a.slice(a.length - b.length), b);

/** The kernel for repeated b where it serves, else broadcasting. */
const forward =
  (name: string, product: 0 | 1, repeated: typeof addRepeated) =>
  (call: Call<object>): void => {
    const [a, b] = call.inputs as [Tensor, Tensor];
    if (repeats(a.shape, b.shape)) repeated({ a, b, c: call.output }, { N: a.size, M: b.size });
    else broadcastForward(name, product)(call);
  };

/** a op b in float64, with the indices of a and b for each element of the output. */
function reference(name: string, [a, b]: readonly (Numbers | undefined)[], op: (x: number, y: number) => number) {
  const shape = outputShape(name, a!.shape, b!.shape);
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
    op(a!.data[indexIn(a!.shape, i)], b!.data[indexIn(b!.shape, i)]),
  );
}

const cases = [
  { inputs: [[1], [1]] },
  {
    inputs: [
      [3, 7],
      [3, 7],
    ],
  },
  {
    inputs: [
      [2, 3, 44],
      [2, 3, 44],
    ],
  },
  { inputs: [[2, 5, 9], [9]] },
  {
    inputs: [
      [33, 1],
      [1, 17],
    ],
  },
  { inputs: [[], [3, 5]] },
  {
    inputs: [
      [2, 1, 3, 1],
      [4, 1, 5],
    ],
  },
];

const broadcastTerms = ([a, b]: readonly (Shape | undefined)[]): number => {
  const size = sizeOf(broadcast(a!, b!)!);
  return size / Math.min(sizeOf(a!), sizeOf(b!));
};

/** c = a + b, with NumPy's broadcasting. Gradients of equal shapes are handed on without a copy. */
export const add = defineOp<[a: Tensor, b: Tensor]>({
  name: 'add',
  inputs: ['a', 'b'],
  shape: ([a, b]) => outputShape('add', a!, b!),
  run: { naive: broadcastForward('add', 0), vectors: forward('add', 0, addRepeated) },
  reference: (inputs) => reference('add', inputs, (x, y) => x + y),
  backward: addBackward,
  reduction: broadcastTerms,
  cases,
});

function addBackward(call: BackwardCall<object>): void {
  const { inputs, dy, pass, target } = call;
  for (const i of [0, 1] as const) {
    const { shape } = inputs[i]!;
    if (sameShape(shape, dy.shape)) {
      pass(i, dy);
    } else if (repeats(dy.shape, shape)) {
      const to = target(i);
      if (to) sumDown(dy, to);
    } else {
      broadcastBackward('add', 0, call, i);
    }
  }
}

/** c = a * b, element by element, with NumPy's broadcasting. */
export const multiply = defineOp<[a: Tensor, b: Tensor]>({
  name: 'multiply',
  inputs: ['a', 'b'],
  shape: ([a, b]) => outputShape('multiply', a!, b!),
  run: { naive: broadcastForward('multiply', 1), vectors: forward('multiply', 1, multiplyRepeated) },
  reference: (inputs) => reference('multiply', inputs, (x, y) => x * y),
  backward: (call) => {
    const [a, b] = call.inputs as [Tensor, Tensor];
    for (const i of [0, 1] as const) {
      if (!sameShape(a.shape, b.shape)) broadcastBackward('multiply', 1, call, i);
      else multiplyGradient(call, i);
    }
  },
  reduction: broadcastTerms,
  cases,
});

function multiplyGradient({ inputs, dy, target }: BackwardCall<object>, i: 0 | 1): void {
  const to = target(i);
  if (to) multiplyAdd({ b: inputs[1 - i]!, dy, da: to.tensor }, { N: dy.size, accumulate: to.accumulate });
}

/** y (+)= x * factor, both ways. */
const scaling = defineElementwise({
  name: 'scale',
  bind: { x: 'read', y: 'write' },
  params: { N: 'u32', factor: 'f32', accumulate: 'u32' },
  lengths: ['N'],
  body: writeOrAdd('y[i]', 'x[i] * params.factor', 'accumulate'),
});

/** y = x * factor.   x, y: any shape */
export const scale = defineOp<[x: Tensor], { factor: number }>({
  name: 'scale',
  inputs: ['x'],
  shape: ([x]) => x!,
  run: {
    vectors: ({ inputs: [x], output: y, attributes: { factor } }) =>
      scaling({ x: x!, y }, { N: y.size, factor, accumulate: 0 }),
  },
  reference: ([x], { factor }) => Float64Array.from(x!.data, (value) => value * factor),
  backward: ({ dy, attributes: { factor }, target }) => {
    const dx = target(0);
    if (dx) scaling({ x: dy, y: dx.tensor }, { N: dy.size, factor, accumulate: dx.accumulate });
  },
  cases: [
    { inputs: [[1]], attributes: { factor: 3 } },
    { inputs: [[3, 7]], attributes: { factor: -0.5 } },
    { inputs: [[2, 134]], attributes: { factor: 0 } },
  ],
});
