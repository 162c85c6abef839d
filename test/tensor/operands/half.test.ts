import { afterEach, describe, expect, it } from 'vitest';
import { UserError } from '../../../src/errors.ts';
import { accumulate } from '../../../src/tensor/accumulate.ts';
import { defineKernel } from '../../../src/tensor/kernel.ts';
import { halfOf, LARGEST_HALF } from '../../../src/tensor/operands/half.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { testEngine } from '../../helpers/engine.ts';

/** y = x as operands are read.   x, y: (N) f32 */
const read = defineKernel({
  name: 'read_operand',
  bind: { x: 'operand', y: 'write' },
  params: { N: 'u32' },
  grid: ({ N }) => Math.ceil(N / 64),
  wgsl: () => /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) { if (id.x < params.N) { y[id.x] = f32(x[id.x]); } }`,
});

function operands(x: Tensor): Tensor {
  const y = x.engine.empty(x.shape);
  read({ x, y }, { N: x.size });
  return y;
}

const engine = await testEngine();
const halves = engine.capabilities.features.includes('shader-f16');
afterEach(() => {
  engine.precision = 'float32';
});

it.skipIf(halves)('an adapter without 16-bit floats refuses mixed precision in a sentence', () => {
  const mix = () => {
    engine.precision = 'mixed';
  };
  expect(mix).toThrow(UserError);
  expect(mix).toThrow(/has no 16-bit floats \(shader-f16\): train with --precision float32/);
  expect(engine.precision).toBe('float32');
});

describe.skipIf(!halves)('operands in mixed precision (where the adapter has shader-f16)', () => {
  it('are rounded to f16; in float32 they are not', async () => {
    const x = engine.tensor([1, 1 + 2 ** -11 + 2 ** -13, 1 / 3, -65504, 2 ** -24], [5]);
    expect(await operands(x).floats()).toEqual(await x.floats());
    engine.precision = 'mixed';
    const rounded = [...(await operands(x).floats())];
    expect(rounded).toEqual([1, 1 + 2 ** -10, 0.333251953125, -65504, 2 ** -24]);
    expect(await engine.overflow.uints()).toEqual(Uint32Array.of(0));
  });

  it.each([
    ['too large', 65505],
    ['too small', -1e30],
    ['infinite', Number.POSITIVE_INFINITY],
    ['no number', Number.NaN],
  ])('that are %s are noted, wherever they are', async (_, bad) => {
    engine.precision = 'mixed';
    for (const size of [1, 7, 8, 1024]) {
      engine.device.clear(engine.overflow.view);
      const numbers = new Float32Array(size);
      numbers[size - 1] = bad;
      const x = engine.tensor(numbers, [size]);
      const value = (await operands(x).floats())[size - 1];
      expect(await engine.overflow.uints(), `${size} numbers`).toEqual(Uint32Array.of(1));
      if (!Number.isNaN(bad)) expect(value).toBe(Math.sign(bad) * LARGEST_HALF);
    }
    engine.device.clear(engine.overflow.view);
  });

  it('are made once for several readers, and again after a writer', async () => {
    engine.precision = 'mixed';
    const x = engine.tensor([1, 2, 3], [3]);
    const { commands } = engine.device.capture(() => {
      operands(x);
      operands(x);
      accumulate(x, engine.zeros([3]));
      operands(x);
    });
    const casts = commands.filter((command) => command.kind === 'dispatch' && command.pipeline.name === 'cast_f16');
    expect(casts).toHaveLength(2);
    expect(halfOf(x)).toBe(halfOf(x));
    const before = halfOf(x);
    x.write(Float32Array.of(4, 5, 6));
    expect(halfOf(x)).not.toBe(before);
    expect([...(await operands(x).floats())]).toEqual([4, 5, 6]);
  });
});
