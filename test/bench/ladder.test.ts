import { describe, expect, it } from 'vitest';
import { benchLadder, showRung } from '../../bench/ladder.ts';
import { LADDERS, ladderOf, parseShape } from '../../bench/rungs.ts';
import { testEngine } from '../helpers/engine.ts';

const ROOF = { gflopsPerSecond: 100, gigabytesPerSecond: 10, measurements: [] };
const TINY: Record<string, number[]> = { matmul: [33, 35, 9], softmax: [17, 40], attention: [1, 2, 9, 16] };

describe.each(Object.keys(LADDERS))('the ladder of %s', (name) => {
  const ladder = ladderOf(name);

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
    for (const kernel of ['matmul', 'softmax_rows_vec4', 'attention_flash_16']) {
      expect(engine.tuning.forced(kernel)).toBeUndefined();
    }
    expect(engine.variant).toBe('best');
  });

  it('shows a different shader on every rung', async () => {
    const engine = await testEngine();
    const rungs = await benchLadder(engine, ladder, TINY[name], ROOF);
    const shown = new Set<string>();
    for (const { variant } of rungs)
      shown.add((await showRung(engine, ladder, TINY[name], variant!)).map(({ wgsl }) => wgsl).join());
    expect(shown.size).toBe(rungs.length);
    await expect(showRung(engine, ladder, TINY[name], 'top')).rejects.toThrow(
      /has no rung "top" on this adapter; it has naive,/,
    );
  });

  it('has a sentence for each idea', () => {
    for (const { idea } of ladder.rungs) expect(idea).toMatch(/^[A-Z0-9].*\.$/);
  });
});

it('shapes are read, and wrong ones explained', () => {
  expect(parseShape(ladderOf('attention'), '1x2x30x16')).toEqual([1, 2, 30, 16]);
  for (const text of ['3x4', '3x4x0', '3x4xa', '', '1.5x2x3']) {
    expect(() => parseShape(ladderOf('matmul'), text)).toThrow(/a shape of matmul is MxNxK/);
  }
  expect(() => ladderOf('conv')).toThrow(/there is no ladder of "conv"; there are matmul, softmax, attention/);
});
