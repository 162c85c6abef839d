import { expect, it } from 'vitest';
import { defineKernel } from '../../src/tensor/kernel.ts';
import { testEngine } from '../helpers/engine.ts';

const SIZES = { rows: 3, cols: 5 };

/** y[r,c] = x[r,c], or x[c,r] of a (cols, rows) matrix, through an image. */
const throughImage = (transposed: boolean) =>
  defineKernel({
    name: `through_image_${transposed}`,
    bind: { x: 'operand', y: 'write' },
    params: { rows: 'u32', cols: 'u32' },
    tune: { IMAGE: [1] },
    images: () => ({ x: { ...SIZES, transposed } }),
    grid: () => 1,
    wgsl: () => /* wgsl */ `
@compute @workgroup_size(1)
fn main() {
  for (var i = 0u; i < params.rows * params.cols; i++) {
    let c = i % params.cols;
    y[i] = textureLoad(x, vec2<u32>(c / 4u, i / params.cols))[c % 4u];
  }
}`,
  });

const numbers = (from: number): Float32Array<ArrayBuffer> => Float32Array.from({ length: 15 }, (_, i) => from + i);

it('images of constants are made by prepare, and not again by each run', async () => {
  const engine = await testEngine();
  const x = engine.tensor(numbers(0), [3, 5]);
  const kernel = throughImage(false);
  const recording = engine.record(() => {
    const y = engine.empty([3, 5]);
    kernel({ x, y }, SIZES);
    return { y };
  }, [x]);
  recording.prepare();
  recording.run();
  expect(await recording.outputs.y.floats()).toEqual(numbers(0));
  x.write(numbers(100));
  recording.run();
  expect(await recording.outputs.y.floats()).toEqual(numbers(0));
  recording.prepare();
  recording.run();
  expect(await recording.outputs.y.floats()).toEqual(numbers(100));
});

it('recordings with the same constants share their images', async () => {
  const engine = await testEngine();
  const x = engine.tensor(numbers(0), [3, 5]);
  const constants = engine.constants([x]);
  const kernel = throughImage(false);
  const record = () =>
    engine.record(() => {
      const y = engine.empty([3, 5]);
      kernel({ x, y }, SIZES);
      return { y };
    }, constants);
  const first = record();
  first.prepare();
  const { created } = engine.device.pool;
  const second = record();
  expect(second.program.kernels).toEqual(first.program.kernels);
  expect(engine.device.pool.created).toBe(created + 1); // its output
  second.prepare();
  second.run();
  expect(await second.outputs.y.floats()).toEqual(numbers(0));
  x.write(numbers(100));
  first.prepare();
  second.run();
  expect(await second.outputs.y.floats()).toEqual(numbers(100));
});

it('one matrix can be an image in both ways at once', async () => {
  const engine = await testEngine();
  const x = engine.tensor(numbers(0), [3, 5]);
  const [plain, turned] = [engine.empty([3, 5]), engine.empty([3, 5])];
  throughImage(false)({ x, y: plain }, SIZES);
  throughImage(true)({ x, y: turned }, SIZES);
  expect(await plain.floats()).toEqual(numbers(0));
  // as (5, 3) in memory, the element of row r and column c stands at 3 c + r
  expect(await turned.floats()).toEqual(Float32Array.from({ length: 15 }, (_, i) => 3 * (i % 5) + Math.floor(i / 5)));
});
