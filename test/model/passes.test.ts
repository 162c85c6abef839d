import { expect, it } from 'vitest';
import { scale } from '../../src/kernels/add.ts';
import { RecordedPasses } from '../../src/model/passes.ts';
import { testEngine } from '../helpers/engine.ts';

it('records a pass once for each size of its inputs, and anew when its memory was handed back', async () => {
  let recorded = 0;
  const passes = new RecordedPasses<'x'>(await testEngine(), ({ x }) => {
    recorded++;
    return scale({ x }, { factor: 2 });
  });
  const run = async (...numbers: number[]) => [
    ...(await passes.run({ x: [Float32Array.from(numbers), [numbers.length]] })),
  ];
  expect(await run(1, 2)).toEqual([2, 4]);
  expect(await run(3, 4)).toEqual([6, 8]);
  expect(recorded).toBe(1);
  expect(await run(5)).toEqual([10]);
  expect(await run(7, 8)).toEqual([14, 16]);
  expect(recorded).toBe(2);
  passes.dispose();
  expect(await run(1, 2)).toEqual([2, 4]);
  expect(recorded).toBe(3);
});
