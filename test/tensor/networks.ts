import { expect } from 'vitest';
import { type AnyOp, mapInputs } from '../../src/check/ops.ts';
import { add, multiply, scale } from '../../src/kernels/add.ts';
import { gelu } from '../../src/kernels/gelu.ts';
import { matmul } from '../../src/kernels/matmul/matmul.ts';
import { softmax } from '../../src/kernels/softmax.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import type { Numbers } from '../../src/tensor/op.ts';
import type { Shape } from '../../src/tensor/shape.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { expectClose, magnitude, normalNumbers } from '../helpers/numbers.ts';

/** The ops of the networks in these tests, on tensors or on float64 numbers. */
export interface Ops<X> {
  add(a: X, b: X): X;
  multiply(a: X, b: X): X;
  scale(x: X, factor: number): X;
  gelu(x: X): X;
  softmax(x: X): X;
  /** a b, and a residual where there is one. */
  matmul(a: X, b: X, residual?: X): X;
  reshape(x: X, shape: Shape): X;
}

export const gpu: Ops<Tensor> = {
  add: (a, b) => add({ a, b }),
  multiply: (a, b) => multiply({ a, b }),
  gelu: (x) => gelu({ x }),
  softmax: (x) => softmax({ x }),
  scale: (x, factor) => scale({ x }, { factor }),
  matmul: (a, b, residual) => matmul({ a, b, residual }),
  reshape: (x, shape) => x.reshape(shape),
};

function reference(op: unknown, inputs: Record<string, Numbers>, attributes: Record<string, unknown> = {}): Numbers {
  const { definition } = op as AnyOp;
  const shape = definition.shape(
    mapInputs(inputs, (input) => input.shape),
    attributes,
  );
  return { shape, data: definition.reference(inputs, attributes) };
}

const float64: Ops<Numbers> = {
  add: (a, b) => reference(add, { a, b }),
  multiply: (a, b) => reference(multiply, { a, b }),
  scale: (x, factor) => reference(scale, { x }, { factor }),
  gelu: (x) => reference(gelu, { x }),
  softmax: (x) => reference(softmax, { x }),
  matmul: (a, b, residual) => reference(matmul, { a, b, ...(residual && { residual }) }),
  reshape: ({ data }, shape) => ({ shape, data }),
};

export type Network = <X>(ops: Ops<X>, leaves: X[]) => X;

/** A tensor of random numbers that wants its gradient, which starts at zero. */
export function leaf(engine: Engine, shape: Shape, seed: number): Tensor {
  const tensor = engine.tensor(normalNumbers(shape, seed), shape);
  tensor.requiresGrad = true;
  tensor.grad = engine.zeros(shape);
  return tensor;
}

/** Derivatives of sum(dy * network(leaves)) by each element of each leaf, by central differences in float64. */
function differences(network: Network, leaves: readonly Numbers[], dy: ArrayLike<number>): Float64Array[] {
  const lossAt = (which: number, index: number, shift: number): number => {
    const moved = leaves.map(({ shape, data }, i) => {
      const copy = Float64Array.from(data);
      if (i === which) copy[index] += shift;
      return { shape, data: copy };
    });
    const y = network(float64, moved).data;
    return Array.from(dy).reduce((sum, weight, i) => sum + weight * y[i], 0);
  };
  return leaves.map(({ data }, which) =>
    Float64Array.from({ length: data.length }, (_, i) => (lossAt(which, i, 1e-5) - lossAt(which, i, -1e-5)) / 2e-5),
  );
}

/**
 * Gradients of a network against central differences, and, what aliasing would corrupt: the gradient that is handed in, the
 * engine's one, and the leaves stay as they are.
 */
export async function checkGradients(engine: Engine, network: Network, shapes: readonly Shape[]): Promise<void> {
  const leaves = shapes.map((shape, i) => leaf(engine, shape, i + 1));
  const y = network(gpu, leaves);
  const weights = normalNumbers(y.shape, 77);
  const dy = engine.tensor(weights, y.shape);
  engine.backward(y, dy);
  const numbers = shapes.map((shape, i) => ({ shape, data: normalNumbers(shape, i + 1) }));
  const expectedY = network(float64, numbers).data;
  expectClose(await y.floats(), expectedY, 1e-5 * magnitude(expectedY), 'forward');
  for (const [i, expected] of differences(network, numbers, weights).entries()) {
    expectClose(await leaves[i].grad!.floats(), expected, 2e-5 * magnitude(expected), `gradient of leaf ${i}`);
    expect(await leaves[i].floats(), `leaf ${i}`).toEqual(numbers[i].data);
  }
  expect(await dy.floats(), 'dy').toEqual(weights);
  expect([...(await engine.one.floats())], 'one').toEqual([1]);
}
