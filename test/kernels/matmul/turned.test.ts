import { describe, expect, it } from 'vitest';
import { matmul } from '../../../src/kernels/matmul/matmul.ts';
import { testEngine } from '../../helpers/engine.ts';
import { expectClose, normalNumbers } from '../../helpers/numbers.ts';

/** The head of a large vocabulary: more rows than an image has, or more bytes than can be bound at once. */
describe('a product with the transpose of a matrix of many rows', () => {
  it.each([1, 2, 9, 40])('%d rows by 16,387 of 6: equals its reference', async (M) => {
    const engine = await testEngine();
    engine.variant = 'best';
    const [N, K] = [16_387, 6];
    const [a, b] = [normalNumbers([M, K], 1), normalNumbers([N, K], 2)];
    const y = matmul({ a: engine.tensor(a, [M, K]), b: engine.tensor(b, [N, K]) }, { transposeB: true });
    const inputs = { a: { shape: [M, K], data: a }, b: { shape: [N, K], data: b } };
    expectClose(await y.floats(), matmul.definition.reference(inputs, { transposeB: true }), 1e-5);
  });

  it.each([1, 3])('%d rows by 128 MiB and a little', async (M) => {
    const engine = await testEngine();
    engine.variant = 'best';
    const [N, K] = [2 ** 15 + 70, 1024];
    const b = engine.zeros([N, K]);
    const rows = [0, 5, 2 ** 15 - 1, 2 ** 15, N - 1];
    for (const row of rows) b.part(row * K + 7, [1]).write(Float32Array.of(row + 1));
    const a = engine.tensor(new Float32Array(M * K).fill(1), [M, K]);
    const y = await matmul({ a, b }, { transposeB: true }).floats();
    const last = y.subarray((M - 1) * N);
    expectClose(
      [...rows, 7, 30_001].map((row) => last[row]),
      [...rows.map((row) => row + 1), 0, 0],
      0.1,
    );
    expect(last.reduce((sum, value) => sum + Number(value !== 0), 0)).toBe(rows.length);
  });
});
