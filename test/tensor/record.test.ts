import { describe, expect, it } from 'vitest';
import { add, scale } from '../../src/kernels/add.ts';
import { gelu } from '../../src/kernels/gelu.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { testEngine } from '../helpers/engine.ts';
import { normalNumbers } from '../helpers/numbers.ts';
import { gpu, leaf } from './networks.ts';

const N = 64 * 1024;
const BYTES = 4 * N;

/** `depth` times y = x + gelu(x). */
const deep = (x: Tensor, depth: number): Tensor => {
  let h = x;
  for (let i = 0; i < depth; i++) h = add({ a: h, b: gelu({ x: h }) });
  return h;
};

/** A small training step: the gradients of what it reads from, cleared first, and its output. */
function step(engine: Engine, [x, w]: Tensor[], dy: Tensor): Tensor {
  for (const one of [x, w]) engine.device.clear(one.grad!.view);
  const h = gpu.matmul(gpu.softmax(x), w, x);
  const y = add({ a: gelu({ x: h }), b: scale({ x: h }, { factor: 0.5 }) });
  engine.backward(y, dy);
  return y;
}

describe('record', () => {
  it('runs nothing until it is told to', async () => {
    const engine = await testEngine();
    const x = engine.tensor([1, 2], [2]);
    const { outputs, run } = engine.record(() => {
      engine.device.clear(x.view);
      return { y: scale({ x }, { factor: 2 }) };
    });
    expect(await x.floats()).toEqual(Float32Array.of(1, 2));
    run();
    expect(await x.floats()).toEqual(new Float32Array(2));
    expect(await outputs.y.floats()).toEqual(new Float32Array(2));
  });

  it('reads its inputs as they are when it runs', async () => {
    const engine = await testEngine();
    const x = engine.zeros([2]);
    const { outputs, run } = engine.record(() => ({ y: scale({ x }, { factor: 2 }) }));
    for (const value of [1, 5]) {
      x.write(Float32Array.of(value, -value));
      run();
      expect(await outputs.y.floats()).toEqual(Float32Array.of(2 * value, -2 * value));
    }
  });

  it('keeps outputs, whatever else is done', async () => {
    const engine = await testEngine();
    const x = engine.tensor(normalNumbers([N], 1), [N]);
    const first = engine.record(() => {
      const middle = deep(x, 2);
      return { middle, shaped: middle.reshape([N / 2, 2]), y: deep(middle, 3) };
    });
    first.run();
    const [middle, y] = [await first.outputs.middle.floats(), await first.outputs.y.floats()];
    expect(await first.outputs.shaped.floats()).toEqual(middle);
    const second = engine.record(() => ({ z: deep(first.outputs.y, 3) }));
    second.run();
    await deep(x, 4).floats();
    expect(await first.outputs.middle.floats()).toEqual(middle);
    expect(await first.outputs.y.floats()).toEqual(y);
    expect(await second.outputs.z.floats()).toEqual(await deep(engine.tensor(y, [N]), 3).floats());
  });

  it('shares memory among what is alive at different times', async () => {
    const engine = await testEngine();
    const x = engine.zeros([N]);
    const shallow = engine.record(() => ({ y: deep(x, 3) })).transientBytes;
    expect(engine.record(() => ({ y: deep(x, 30) })).transientBytes).toBe(shallow);
    expect(shallow).toBeGreaterThanOrEqual(3 * BYTES); // h, gelu(h), and the output by itself
    expect(shallow).toBeLessThanOrEqual(4 * BYTES);
  });

  it('gives, run after run, the bits of eager work, gradients included', async () => {
    const engine = await testEngine();
    const leaves = [leaf(engine, [33, 17], 1), leaf(engine, [17, 17], 2)];
    const dy = engine.tensor(normalNumbers([33, 17], 3), [33, 17]);
    const outcome = async (y: Tensor) => [
      await y.floats(),
      ...(await Promise.all(leaves.map((one) => one.grad!.floats()))),
    ];
    const eager = await outcome(step(engine, leaves, dy));
    const { outputs, run } = engine.record(() => ({ y: step(engine, leaves, dy) }));
    for (let i = 0; i < 3; i++) {
      run();
      expect(await outcome(outputs.y)).toEqual(eager);
    }
    expect(eager.every((numbers) => numbers.some((value) => value !== 0))).toBe(true);
    expect(await dy.floats()).toEqual(normalNumbers([33, 17], 3));
  });

  it('that throws leaves an engine that works', async () => {
    const engine = await testEngine();
    const x = engine.tensor([1, 2], [2]);
    const fail = () => {
      scale({ x }, { factor: 2 });
      throw new Error('inside');
    };
    expect(() => engine.record(fail)).toThrow('inside');
    expect(await scale({ x }, { factor: 3 }).floats()).toEqual(Float32Array.of(3, 6));
  });

  it('holds the variant that the engine had', async () => {
    const engine = await testEngine();
    const x = engine.zeros([4]);
    engine.variant = 'naive';
    const { program } = engine.record(() => ({ y: gelu({ x }) }));
    engine.variant = 'best';
    const names = program.commands.map((command) => command.kind === 'dispatch' && command.pipeline.name);
    expect(names).toEqual(['gelu_naive']);
  });
});
