import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { testEngine } from '../helpers/engine.ts';
import { gpu } from './networks.ts';

const { add, scale } = gpu;

describe('tensors', () => {
  it('hold the numbers that they are given, with the dtype of their kind', async () => {
    const engine = await testEngine();
    const floats = engine.tensor([1.5, -2, 3], [3, 1]);
    expect([floats.dtype, floats.shape, floats.size]).toEqual(['f32', [3, 1], 3]);
    expect(await floats.floats()).toEqual(Float32Array.of(1.5, -2, 3));
    expect(await engine.tensor(Float64Array.of(0.1), []).floats()).toEqual(Float32Array.of(0.1));
    const words = engine.tensor(Uint32Array.of(0, 0xffffffff), [2]);
    expect(words.dtype).toBe('u32');
    expect(await words.uints()).toEqual(Uint32Array.of(0, 0xffffffff));
    expect(await engine.zeros([2, 2], 'u32').uints()).toEqual(new Uint32Array(4));
  });

  it('may be empty', async () => {
    const engine = await testEngine();
    const empty = engine.tensor([], [2, 0]);
    expect(await empty.floats()).toEqual(new Float32Array(0));
    expect(await scale(empty, 2).floats()).toEqual(new Float32Array(0));
  });

  it('take numbers later, and only as many and of such a kind as fit', async () => {
    const engine = await testEngine();
    const x = engine.zeros([2, 3]);
    expect(await x.write(Float32Array.of(1, 2, 3, 4, 5, 6)).floats()).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    const refused = (work: () => unknown, message: string) => {
      expect(work).toThrow(message);
      expect(work).toThrow(UserError);
    };
    refused(() => x.write(new Float32Array(5)), 'write: expected 6 f32 for (2, 3), got 5 f32');
    refused(() => x.write(new Uint32Array(6)), 'write: expected 6 f32 for (2, 3), got 6 u32');
    refused(() => engine.tensor([1, 2], [3]), 'write: expected 3 f32 for (3), got 2 f32');
    refused(() => engine.zeros([1], 'u32').write(new Float32Array(1)), 'write: expected 1 u32 for (1), got 1 f32');
  });

  it('are read as what they are', async () => {
    const engine = await testEngine();
    await expect(engine.zeros([2]).uints()).rejects.toThrow(new UserError('the tensor (2) is f32, not u32'));
    await expect(engine.zeros([], 'u32').floats()).rejects.toThrow(new UserError('the tensor () is u32, not f32'));
  });

  it('have whole axes, and fit into what the adapter can bind', async () => {
    const engine = await testEngine();
    for (const axis of [1.5, -1, Number.NaN]) {
      expect(() => engine.empty([2, axis], 'f32', 'the logits')).toThrow(
        new UserError(`the logits: axes must be whole numbers from 0, got (2, ${axis})`),
      );
    }
    expect(() => engine.empty([1e6, 1e6], 'f32', 'the logits')).toThrow(/^the logits needs 4000000000000 bytes/);
  });
});

describe('reshape', () => {
  it('shows the same numbers, and refuses another size', async () => {
    const engine = await testEngine();
    const x = engine.tensor([1, 2, 3, 4, 5, 6], [2, 3]);
    const y = x.reshape([3, 2]);
    expect(y.shape).toEqual([3, 2]);
    x.write(Float32Array.of(6, 5, 4, 3, 2, 1));
    expect(await y.floats()).toEqual(Float32Array.of(6, 5, 4, 3, 2, 1));
    expect(() => x.reshape([4, 2])).toThrow(new UserError('reshape: (2, 3) has 6 elements, (4, 2) 8'));
  });

  it('passes gradients on, of parameters and of what is computed', async () => {
    const engine = await testEngine();
    const x = engine.tensor([1, 2, 3, 4], [2, 2]);
    x.requiresGrad = true;
    x.grad = engine.zeros([2, 2]);
    const doubled = scale(x.reshape([4]), 2);
    const y = scale(doubled.reshape([1, 4]).reshape([2, 2]), 3);
    engine.backward(y.reshape([4, 1]), engine.tensor([1, 10, 100, 1000], [4, 1]));
    expect(await x.grad.floats()).toEqual(Float32Array.of(6, 60, 600, 6000));
  });

  it('adds up what comes through the tensor and through its other shape', async () => {
    const engine = await testEngine();
    const x = engine.tensor([1, 2], [2]);
    x.requiresGrad = true;
    x.grad = engine.zeros([2]);
    const middle = scale(x, 1);
    const both = [scale(middle, 2), scale(middle.reshape([2, 1]), 3).reshape([2])];
    engine.backward(add(both[0], both[1]), engine.tensor([1, 10], [2]));
    expect(await x.grad.floats()).toEqual(Float32Array.of(5, 50));
  });
});
