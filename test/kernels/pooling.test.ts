import { expect, it } from 'vitest';
import { meanRows, selectRows } from '../../src/kernels/pooling.ts';
import { testEngine } from '../helpers/engine.ts';
import { runOp } from '../helpers/golden.ts';

const x = { shape: [3, 3, 2], data: Float32Array.from({ length: 18 }, (_, i) => i) };
const dy = { shape: [3, 2], data: Float32Array.of(2, 4, 6, 8, 10, 12) };
const numbers = (...data: number[]) => ({ shape: [data.length], data: Uint32Array.from(data) });

it('selects a row of each sequence, and gives it the whole gradient', async () => {
  const { output, gradients } = await runOp(selectRows, { x, index: numbers(1, 0, 7) }, { dy });
  expect([...output]).toEqual([2, 3, 6, 7, 16, 17]); // 7 is past the end
  expect([...gradients.x]).toEqual([0, 0, 2, 4, 0, 0, 6, 8, 0, 0, 0, 0, 0, 0, 0, 0, 10, 12]);
});

it('takes the mean of the first rows of each sequence, and gives each its share of the gradient', async () => {
  const { output, gradients } = await runOp(meanRows, { x, lengths: numbers(2, 0, 9) }, { dy });
  expect([...output]).toEqual([1, 2, 0, 0, 14, 15]);
  const third = [Math.fround(10 / 3), 4];
  expect([...gradients.x]).toEqual([1, 2, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, ...third, ...third, ...third]);
});

it('says which number is missing', async () => {
  const engine = await testEngine();
  const [x, lengths] = [engine.zeros([2, 3, 4]), engine.zeros([3], 'u32')];
  expect(() => meanRows({ x, lengths })).toThrow(
    'meanRows: lengths must be (2), one for each batch entry of x, got (3)',
  );
  expect(() => selectRows({ x: engine.zeros([2, 3]), index: lengths })).toThrow(
    /must have 3 axes \(B, T, C\), got \(2, 3\)/,
  );
});
