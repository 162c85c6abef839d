import { expect, it } from 'vitest';
import { mean, sum, sumRows } from '../../src/kernels/reduce.ts';
import { segmentProducts } from '../../src/kernels/segmentProducts.ts';
import { testEngine } from '../helpers/engine.ts';
import { runOp } from '../helpers/golden.ts';

const N = 1_000_003;
const x = { shape: [N], data: Float32Array.from({ length: N }, (_, i) => (i % 7) - 3) }; // all partial sums are integers below 2^24: exact
const exact = x.data.reduce((total, value) => total + value, 0);

it('sums and averages a million numbers', async () => {
  expect((await runOp(sum, { x })).output[0]).toBe(exact);
  const { output, gradients } = await runOp(mean, { x });
  expect(output[0]).toBeCloseTo(exact / N, 9);
  expect(gradients.x.every((slope) => slope === Math.fround(1 / N))).toBe(true);
});

it('sumRows refuses what is not a matrix', async () => {
  const engine = await testEngine();
  expect(() => sumRows({ x: engine.zeros([2, 3, 4]) })).toThrow('sumRows: x must be (R, C), got (2, 3, 4)');
});

it('segmentProducts refuses tensors of other sizes, and segments that are no pairs', async () => {
  const engine = await testEngine();
  const [x, times] = [engine.zeros([2, 3]), engine.zeros([7])];
  const segments = engine.zeros([4, 2], 'u32');
  expect(() => segmentProducts({ x, times, segments }, { longest: 6 })).toThrow(
    'segmentProducts: times must have the elements of x (2, 3), got (7)',
  );
  expect(() => segmentProducts({ x, segments: engine.zeros([4, 3], 'u32') }, { longest: 6 })).toThrow(
    'segmentProducts: segments must be (S, 2), starts and lengths, got (4, 3)',
  );
});
