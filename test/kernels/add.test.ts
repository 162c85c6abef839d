import { describe, expect, it } from 'vitest';
import { add, multiply } from '../../src/kernels/add.ts';
import { testEngine } from '../helpers/engine.ts';
import { runOp } from '../helpers/golden.ts';

/** op of x and x with x = [1, 2, 3] and dy = [1, 10, 100]: the gradient of x. */
async function ofItself(op: typeof add | typeof multiply): Promise<number[]> {
  const engine = await testEngine();
  engine.variant = 'best';
  const x = engine.tensor([1, 2, 3], [3]);
  x.requiresGrad = true;
  x.grad = engine.zeros([3]);
  engine.backward(op({ a: x, b: x }), engine.tensor([1, 10, 100], [3]));
  return [...(await x.grad.floats())];
}

describe('add and multiply', () => {
  it('adds up the gradients of a tensor that is both inputs', async () => {
    expect(await ofItself(add)).toEqual([2, 20, 200]);
    expect(await ofItself(multiply)).toEqual([2, 40, 600]);
  });

  it('reduces the gradient of a bias over thousands of rows', async () => {
    const [R, C] = [5000, 3];
    const a = { shape: [R, C], data: new Float32Array(R * C) };
    const b = { shape: [C], data: Float32Array.of(1, 2, 3) };
    const { output, gradients } = await runOp(add, { a, b }, { dy: { ...a, data: a.data.map((_, i) => i % C) } });
    expect([...output.slice(-3)]).toEqual([1, 2, 3]);
    expect([...gradients.b]).toEqual([0, R, 2 * R]);
  });

  it('names shapes that do not broadcast', async () => {
    const engine = await testEngine();
    const [a, b] = [engine.zeros([2, 3]), engine.zeros([2])];
    expect(() => add({ a, b })).toThrow('add: shapes do not broadcast, a (2, 3), b (2)');
    expect(() => multiply({ a, b })).toThrow('multiply: shapes do not broadcast, a (2, 3), b (2)');
  });
});
