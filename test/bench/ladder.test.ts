import { describe, expect, it } from 'vitest';
import { benchLadder, findLadders, ladderOf, parseShape, rungsOf } from '../../bench/ladder.ts';
import { gpuTraits, mockEngine, mockOf } from '../../bench/mockAdapter.ts';
import { wgslOf } from '../../bench/wgsl.ts';
import { testEngine } from '../helpers/engine.ts';

const ROOF = { gflopsPerSecond: 100, gigabytesPerSecond: 10, measurements: [] };
const TINY: Record<string, number[]> = { matmul: [33, 35, 9], softmax: [17, 40], attention: [1, 2, 9, 16] };

describe.each([...(await findLadders())])('the ladder of %s', (name, ladder) => {
  it('climbs from the naive rung, each one right', async () => {
    const engine = await testEngine();
    const rungs = await benchLadder(engine, ladder, TINY[name], ROOF);
    expect(rungs.length).toBeGreaterThan(2);
    expect(rungs[0]).toMatchObject({ variant: 'naive', details: { rung: 0, gain: 1, gainOverFirst: 1 } });
    for (const [i, { median, error, roofShare, runs, details }] of rungs.entries()) {
      expect(median).toBeGreaterThan(0);
      expect(error).toBeLessThan(1e-5);
      expect(roofShare).toBeGreaterThan(0);
      expect(runs).toBeGreaterThan(0);
      expect(details.rung).toBe(i);
    }
    for (const kernel of ['matmul', 'softmax_rows', 'attention_flash']) {
      expect(engine.tuning.forced(kernel)).toBeUndefined();
    }
    expect(engine.variant).toBe('best');
  });

  it('shows a different shader on every rung', async () => {
    const engine = await testEngine();
    const rungs = await benchLadder(engine, ladder, TINY[name], ROOF);
    const mock = await mockOf(engine);
    const { case: test } = ladder.climb.workload(TINY[name]);
    const shown = new Set<string>();
    for (const { variant } of rungs.slice(0, -1)) // the best takes a point of its own choice, which may be another's
      shown.add(
        wgslOf(mock, ladder.op, { variant, case: test })
          .map(({ wgsl }) => wgsl)
          .join(),
      );
    expect(shown.size).toBe(rungs.length - 1);
    expect(() => wgslOf(mock, ladder.op, { variant: 'top', case: test })).toThrow(
      /has no variant "top"; it has naive,/,
    );
  });

  it('has a sentence for each idea, and says which rungs the adapter cannot climb', async () => {
    const rungs = rungsOf(ladder, await testEngine());
    for (const { idea } of rungs) expect(idea).toMatch(/^[A-Z0-9].*\.$/);
    for (const { missing } of rungs) if (missing) expect(missing).toMatch(/ does not run \w+ at \w+=/);
  });

  it('a rung that its kernel does not have on any adapter fails', async () => {
    const engine = await testEngine();
    const { definition } = ladder.op;
    const kernel = { spec: { name: 'kernel', tune: { LANES: [0, 64] } }, points: () => [] };
    const stale = { idea: 'An old one.', run: () => {}, at: { kernel, point: () => ({ LANES: 16 }) } };
    const op = { definition: { ...definition, run: { stale } } } as unknown as typeof ladder.op;
    expect(() => rungsOf({ ...ladder, op }, engine)).toThrow(/rung stale is no point of the kernel kernel: LANES=16/);
  });
});

it('a rung that is made for other subgroups is missing on an adapter', async () => {
  const rungs = rungsOf(await ladderOf('matmul'), await mockEngine(gpuTraits(32, 32)));
  expect(rungs.filter(({ missing }) => missing).map(({ name }) => name)).toContain('lanes8');
});

it('shapes are read, and wrong ones explained', async () => {
  expect(parseShape(await ladderOf('attention'), '1x2x30x16')).toEqual([1, 2, 30, 16]);
  const matmul = await ladderOf('matmul');
  for (const text of ['3x4', '3x4x0', '3x4xa', '', '1.5x2x3']) {
    expect(() => parseShape(matmul, text)).toThrow(/a shape of matmul is MxNxK/);
  }
  await expect(ladderOf('conv')).rejects.toThrow(/there is no ladder of "conv"; there are attention, matmul, softmax/);
});
