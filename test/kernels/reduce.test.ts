import { expect, it } from 'vitest';
import { mean, sum, sumRows } from '../../src/kernels/reduce.ts';
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
