import { expect, it } from 'vitest';
import { scale } from '../../src/kernels/add.ts';
import { lengthClass, RecordedPasses } from '../../src/model/passes.ts';
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

it('keeps few recordings: those of the last sizes, in as much memory however many came before', async () => {
  const engine = await testEngine();
  const { pool } = engine.device;
  let recorded = 0;
  const passes = new RecordedPasses<'x'>(engine, ({ x }) => {
    recorded++;
    return scale({ x: scale({ x }, { factor: 2 }) }, { factor: 2 });
  });
  const run = async (size: number) =>
    expect((await passes.run({ x: [new Float32Array(size).fill(size), [size]] }))[size - 1]).toBe(4 * size);
  const runAll = async () => {
    for (let size = 1; size <= 12; size++) await run(1000 + size);
  };
  await runAll();
  for (let size = 5; size <= 12; size++) await run(1000 + size);
  expect(recorded).toBe(12);
  const { created } = pool;
  await runAll();
  await runAll();
  expect(recorded).toBe(36);
  expect(pool.created).toBe(created);
});

it('lengths fall into classes, few and at most the longest', () => {
  expect([1, 16, 17, 24, 25, 33, 64, 65, 97].map((length) => lengthClass(length))).toEqual(
    [16, 16, 24, 24, 32, 48, 64, 96, 128], //
  );
  expect([5, 65, 70].map((length) => lengthClass(length, 70))).toEqual([16, 70, 70]);
});
