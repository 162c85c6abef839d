import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { add } from '../../src/kernels/add.ts';
import { gelu } from '../../src/kernels/gelu.ts';
import { softmax } from '../../src/kernels/softmax.ts';
import { defineKernel } from '../../src/tensor/kernel.ts';
import { type Call, defineOp } from '../../src/tensor/op.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { testEngine } from '../helpers/engine.ts';

/** y = value, or y += value.   y: one element */
const store = defineKernel({
  name: 'store',
  bind: { y: 'write' },
  params: { value: 'f32', accumulate: 'u32' },
  grid: () => 1,
  wgsl: () => /* wgsl */ `
@compute @workgroup_size(1)
fn main() { if (params.accumulate == 1u) { y[0] += params.value; } else { y[0] = params.value; } }`,
});

interface Attributes {
  value?: number;
}
interface Pair {
  a: Tensor;
  b?: Tensor;
}
const calls: Call<Pair, Attributes>[] = [];
const variant = (value: number) => (call: Call<Pair, Attributes>) => {
  calls.push(call);
  store({ y: call.output }, { value: call.attributes.value ?? value, accumulate: 0 });
};

/** Ignores its inputs: tells which variant ran. The gradients are 10 and 20. */
const tell = defineOp<Pair, Attributes>({
  name: 'tell',
  inputs: ['a', 'b?'],
  shape: ({ a, b }, { value }) => {
    if (value === -1) throw new UserError(`tell: value must not be -1, a ${a}, b ${b}`);
    return [];
  },
  saves: ({ b }): Record<string, number[]> => (b ? { middle: [2, 2] } : {}),
  run: { naive: variant(1), second: variant(2), third: variant(3) },
  reference: () => [0],
  backward: ({ target }) => {
    for (const [name, value] of [
      ['a', 10],
      ['b', 20],
    ] as const) {
      const to = target(name);
      if (to) store({ y: to.tensor }, { value, accumulate: to.accumulate });
    }
  },
  cases: [],
});

describe('defineOp', () => {
  it('names the input that is missing', async () => {
    const engine = await testEngine();
    const missing = undefined as unknown as Tensor;
    expect(() => softmax({ x: missing })).toThrow(new UserError('softmax: x is missing'));
    expect(() => add({ a: engine.zeros([1]), b: missing })).toThrow(new UserError('add: b is missing'));
    expect(() => tell({ a: missing, b: engine.zeros([]) })).toThrow(new UserError('tell: a is missing'));
  });

  it('hands optional inputs and attributes on, given or not', async () => {
    const engine = await testEngine();
    const [a, b] = [engine.zeros([]), engine.zeros([3])];
    calls.length = 0;
    expect(await tell({ a, b }, { value: 7 }).floats()).toEqual(Float32Array.of(7));
    expect(await tell({ a, b: undefined }).floats()).toEqual(Float32Array.of(3));
    expect(calls.map(({ inputs }) => inputs)).toEqual([
      { a, b },
      { a, b: undefined },
    ]);
    expect(calls.map(({ attributes }) => attributes)).toEqual([{ value: 7 }, {}]);
    expect(calls.map(({ saved }) => Object.entries(saved).map(([name, { shape }]) => [name, shape]))).toEqual([
      [['middle', [2, 2]]],
      [],
    ]);
  });

  it('runs nothing when the shapes are refused', async () => {
    const a = (await testEngine()).zeros([2]);
    calls.length = 0;
    expect(() => tell({ a }, { value: -1 })).toThrow(new UserError('tell: value must not be -1, a 2, b undefined'));
    expect(calls).toEqual([]);
  });

  it('gives outputs the dtype that is declared, f32 unless told', async () => {
    const engine = await testEngine();
    const ids = defineOp<{ x: Tensor }>({
      name: 'ids',
      inputs: ['x'],
      dtype: 'u32',
      shape: () => [2],
      run: { only: ({ output }) => engine.device.clear(output.view) },
      reference: () => [0, 0],
      cases: [],
    });
    const x = engine.zeros([1]);
    x.requiresGrad = true;
    const output = ids({ x });
    expect([output.dtype, output.shape, output.requiresGrad]).toEqual(['u32', [2], false]); // no backward: no gradients
    expect(softmax({ x }).dtype).toBe('f32');
  });

  it('gives gradients to the inputs that ask for them alone', async () => {
    const engine = await testEngine();
    const [a, b] = [engine.zeros([]), engine.zeros([])];
    b.requiresGrad = true;
    b.grad = engine.tensor([0.5], []);
    engine.backward(tell({ a, b }));
    expect(await b.grad.floats()).toEqual(Float32Array.of(20.5));
    expect(a.grad).toBeUndefined();
    a.requiresGrad = true;
    a.grad = engine.zeros([]);
    engine.backward(tell({ a, b: a })); // the same tensor twice
    expect(await a.grad.floats()).toEqual(Float32Array.of(30));
  });
});

describe('variants', () => {
  it.each([
    ['naive', 1],
    ['second', 2],
    ['third', 3],
    ['best', 3],
    ['of another op', 3],
  ])('%s is number %i', async (name, expected) => {
    const engine = await testEngine();
    engine.variant = name;
    try {
      expect(await tell({ a: engine.zeros([]) }).floats()).toEqual(Float32Array.of(expected));
    } finally {
      engine.variant = 'best';
    }
  });

  it('reach the kernels, in the backward pass as they ran in the forward pass', async () => {
    const engine = await testEngine();
    const x = engine.zeros([5]);
    x.requiresGrad = true;
    x.grad = engine.zeros([5]);
    const namesOf = (work: () => void) => engine.observe(work).map(({ kernel }) => kernel.spec.name);
    try {
      const names = namesOf(() => {
        engine.variant = 'naive';
        const y = gelu({ x });
        engine.variant = 'best';
        engine.backward(y, engine.zeros([5]));
      });
      expect(names).toEqual(['gelu_naive', 'gelu_gradient_naive']);
      expect(namesOf(() => gelu({ x }))).toEqual(['gelu']);
    } finally {
      engine.variant = 'best';
    }
  });
});
