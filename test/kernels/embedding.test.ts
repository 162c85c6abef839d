import { describe, expect, it } from 'vitest';
import { embedding } from '../../src/kernels/embedding.ts';
import { testEngine } from '../helpers/engine.ts';
import { describeAnchors, goldenCases, runOp } from '../helpers/golden.ts';
import { expectClose, normalNumbers } from '../helpers/numbers.ts';

const ids = (shape: number[], ...data: number[]) => ({ shape, data: Uint32Array.from(data) });

describeAnchors(
  embedding,
  goldenCases('embedding').map(({ inputs: { table: tokens, ids }, gradients, ...rest }) => ({
    ...rest,
    inputs: { ids: { shape: ids.shape, data: Uint32Array.from(ids.data) }, tokens },
    gradients: { tokens: gradients.table },
  })),
);

describe.each(['naive', 'rows'])('embedding %s', (variant) => {
  const tokens = { shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const positions = { shape: [2, 2], data: Float32Array.of(10, 20, 30, 40) };
  const dy = { shape: [1, 4, 2], data: Float32Array.of(1, 2, 4, 8, 16, 32, 64, 128) };

  it('reads ids and places past the tables as zeros, and gives them no gradient', async () => {
    const inputs = { ids: ids([1, 4], 2, 3, 0xffffffff, 0), tokens, positions, start: ids([1], 1) };
    const { output, gradients } = await runOp(embedding, inputs, { dy, variant });
    expect([...output]).toEqual([35, 46, 0, 0, 0, 0, 1, 2]);
    expect([...gradients.tokens]).toEqual([64, 128, 0, 0, 1, 2]);
    expect([...gradients.positions]).toEqual([0, 0, 1, 2]);
  });

  it('sums the gradients of an id that repeats', async () => {
    const { gradients } = await runOp(embedding, { ids: ids([1, 4], 1, 1, 1, 1), tokens }, { dy, variant });
    expect([...gradients.tokens]).toEqual([0, 0, 85, 170, 0, 0]);
  });
});

describe('embedding', () => {
  it('looks up in a table that is more than lavapipe binds at once', async () => {
    const engine = await testEngine();
    const [V, C] = [2 ** 15 + 200, 1024]; // 128 MiB and a little
    const tokens = engine.zeros([V, C]);
    const rows = [0, 2 ** 15 - 1, 2 ** 15, V - 1];
    for (const row of rows) tokens.part(row * C, [1, C]).write(new Float32Array(C).fill(row + 1));
    const positions = engine.tensor(new Float32Array(6 * C).fill(0.5), [6, C]);
    for (const variant of ['naive', 'rows'] as const) {
      engine.variant = variant;
      const y = embedding({ ids: engine.tensor(Uint32Array.of(...rows, 1, V), [1, 6]), tokens, positions });
      const found = await y.floats();
      expect([0, 1, 2, 3, 4, 5].map((i) => found[i * C + 7])).toEqual([...rows.map((row) => row + 1.5), 0.5, 0.5]);
    }
  });

  it('writes zeros where an intermediate table has no gradient of its own yet', async () => {
    const engine = await testEngine();
    engine.variant = 'best';
    const tokens = engine.tensor(normalNumbers([5, 3], 1), [5, 3]);
    tokens.requiresGrad = true;
    tokens.grad = engine.zeros([5, 3]);
    // the second embedding sees the output of the first as its table
    const middle = embedding({ ids: engine.tensor(Uint32Array.of(0, 1, 2, 3), [1, 4]), tokens });
    const y = embedding({ ids: engine.tensor(Uint32Array.of(3, 3), [1, 2]), tokens: middle.reshape([4, 3]) });
    engine.backward(y, engine.tensor([1, 2, 3, 10, 20, 30], [1, 2, 3]));
    expectClose(await tokens.grad.floats(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 11, 22, 33, 0, 0, 0], 0);
  });

  it('names what does not fit', async () => {
    const engine = await testEngine();
    const [tokens, wide, ids] = [engine.zeros([3, 2]), engine.zeros([3, 5]), engine.zeros([2, 4], 'u32')];
    expect(() => embedding({ ids, tokens, positions: wide })).toThrow(
      'embedding: positions must be (S, 2), got (3, 5)',
    );
    const start = engine.zeros([3], 'u32');
    expect(() => embedding({ ids, tokens, positions: tokens, start })).toThrow('embedding: start must be (2), got (3)');
  });
});
