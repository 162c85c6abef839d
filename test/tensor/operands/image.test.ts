import { describe, expect, it } from 'vitest';
import { accumulate } from '../../../src/tensor/accumulate.ts';
import type { Engine } from '../../../src/tensor/engine.ts';
import { defineKernel } from '../../../src/tensor/kernel.ts';
import { fitsImage } from '../../../src/tensor/operands/image.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { testEngine } from '../../helpers/engine.ts';
import { normalNumbers } from '../../helpers/numbers.ts';

/** y = x through an image, or through a buffer at IMAGE = 0.   x, y: (R, C) f32 */
const through = defineKernel({
  name: 'through',
  bind: { x: 'operand', y: 'write' },
  params: { R: 'u32', C: 'u32' },
  tune: { IMAGE: [1, 0] },
  images: ({ R, C }) => ({ x: { rows: R, cols: C } }),
  grid: ({ R, C }) => Math.ceil((R * C) / 64),
  wgsl: ({ IMAGE }) => /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = id.x;
  if (i >= params.R * params.C) { return; }
  let col = i % params.C;
  y[i] = ${IMAGE ? 'textureLoad(x, vec2<u32>(col / 4u, i / params.C))[col % 4u]' : 'x[i]'};
}`,
});

function copied(x: Tensor): Tensor {
  const y = x.engine.empty(x.shape);
  through({ x, y }, { R: x.shape[0], C: x.shape[1] });
  return y;
}

/** Names of the transfers and kernels that fill images, in the order in which `work` asks for them. */
async function fillsIn(engine: Engine, work: () => void): Promise<string[]> {
  const { commands } = engine.device.capture(work);
  return commands.flatMap((command) =>
    command.kind === 'upload'
      ? ['upload']
      : command.kind === 'dispatch' && command.pipeline.name === 'pack_image'
        ? ['pack_image']
        : [],
  );
}

describe.each([
  ['that a copy fills', [3, 64]],
  ['that a kernel fills', [5, 7]],
  ['of one column', [9, 1]],
])('an image %s', (_, shape) => {
  const numbers = [1, 2].map((seed) => normalNumbers(shape, seed));

  it('holds the matrix', async () => {
    const engine = await testEngine();
    expect(await copied(engine.tensor(numbers[0], shape)).floats()).toEqual(numbers[0]);
    engine.tuning.set('through', { IMAGE: 0 });
    try {
      expect(await copied(engine.tensor(numbers[0], shape)).floats()).toEqual(numbers[0]);
    } finally {
      engine.tuning.clear();
    }
  });

  it('follows the memory, however that is written', async () => {
    const engine = await testEngine();
    const x = engine.tensor(numbers[0], shape);
    const other = engine.tensor(numbers[1], shape);
    const sum = numbers[0].map((value, i) => value + numbers[1][i]);
    const expectNow = async (expected: Float32Array, how: string) =>
      expect(await copied(x).floats(), how).toEqual(expected);
    await expectNow(numbers[0], 'at first');
    engine.device.copy(other.view, x.view);
    await expectNow(numbers[1], 'a copy');
    x.write(numbers[0]);
    await expectNow(numbers[0], 'an upload');
    accumulate(x, other);
    await expectNow(sum, 'a kernel');
    engine.device.clear(x.view);
    await expectNow(new Float32Array(sum.length), 'a clearing');
    const recording = engine.record(() => {
      accumulate(x, other);
      return {};
    });
    await expectNow(new Float32Array(sum.length), 'a recording that has not run');
    recording.run();
    await expectNow(numbers[1], 'a recording');
  });

  it('is filled anew by each run of a recording', async () => {
    const engine = await testEngine();
    const x = engine.tensor(numbers[0], shape);
    await copied(x).floats(); // an image that the recording must not rely on
    const { outputs, run } = engine.record(() => ({ y: copied(x) }));
    expect(await copied(x).floats()).toEqual(numbers[0]); // nor eager work on one that the recording has yet to fill
    for (const expected of numbers) {
      x.write(expected);
      run();
      expect(await outputs.y.floats()).toEqual(expected);
    }
  });
});

it('is filled once for several readers, and again after a writer', async () => {
  const engine = await testEngine();
  const [aligned, narrow] = [engine.zeros([3, 64]), engine.zeros([5, 7])];
  const readTwice = (x: Tensor) => () => {
    copied(x);
    copied(x);
    accumulate(x, engine.zeros(x.shape));
    copied(x);
  };
  expect(await fillsIn(engine, readTwice(aligned))).toEqual(['upload', 'upload']);
  expect(await fillsIn(engine, readTwice(narrow))).toEqual(['pack_image', 'pack_image']);
});

it('that was made inside a scope is made again', async () => {
  const engine = await testEngine();
  const x = engine.tensor(normalNumbers([5, 7], 1), [5, 7]);
  engine.scope(() => {
    copied(x);
    return {};
  });
  const other = copied(engine.tensor(normalNumbers([5, 7], 2), [5, 7])); // takes the texture
  expect(await copied(x).floats()).toEqual(normalNumbers([5, 7], 1));
  expect(await other.floats()).toEqual(normalNumbers([5, 7], 2));
});

it('ends its rows in zeros', async () => {
  const texels = defineKernel({
    name: 'texels',
    bind: { x: 'operand', y: 'write vec4<f32>' },
    params: { R: 'u32', C: 'u32' },
    tune: { IMAGE: [1] },
    images: ({ R, C }) => ({ x: { rows: R, cols: C } }),
    grid: ({ R, C }) => [Math.ceil(C / 4), R, 1],
    wgsl: () => /* wgsl */ `
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) at: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  y[at.y * groups.x + at.x] = textureLoad(x, at.xy);
}`,
  });
  const engine = await testEngine();
  const x = engine.tensor([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [2, 5]);
  const y = engine.zeros([2, 8]);
  texels({ x, y }, { R: 2, C: 5 });
  expect([...(await y.floats())]).toEqual([1, 2, 3, 4, 5, 0, 0, 0, 6, 7, 8, 9, 10, 0, 0, 0]);
});

it('of nothing is not made', async () => {
  const engine = await testEngine();
  expect(await copied(engine.zeros([0, 5])).floats()).toEqual(new Float32Array(0));
});

it('holds what is at most as wide and high as textures are', () => {
  expect(fitsImage({ rows: 8, cols: 32 }, 8)).toBe(true);
  expect(fitsImage({ rows: 9, cols: 32 }, 8)).toBe(false);
  expect(fitsImage({ rows: 8, cols: 33 }, 8)).toBe(false);
});
