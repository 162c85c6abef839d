import { describe, expect, it } from 'vitest';
import { planCells, sameCell, transferPlan } from '../../../experiments/transfer/plan.ts';

describe('the plan of the transfer experiment', () => {
  it('has every size below all labels with every seed, and all labels once, at the end', () => {
    const plan = { ...transferPlan(false, { sizes: [64, 8, 8], seeds: 2 }), learners: ['random', 'full'] as const };
    const cells = planCells(plan, [
      { name: 'few', labels: 50 },
      { name: 'many', labels: 900 },
    ]);
    const of = (task: string) => cells.filter((cell) => cell.task === task).map(({ n, seed }) => `${n}:${seed}`);
    expect(of('few')).toEqual(['8:1', '8:1', '8:2', '8:2', '50:1', '50:1']);
    expect(of('many')).toEqual([
      ...['8:1', '8:1', '64:1', '64:1'],
      ...['8:2', '8:2', '64:2', '64:2', '900:1', '900:1'],
    ]);
    expect(cells.every((cell, i) => cells.findIndex((other) => sameCell(cell, other)) === i)).toBe(true);
  });

  it('refuses sizes that teach nothing', () => {
    expect(() => transferPlan(true, { sizes: [1] })).toThrow(/--sizes/);
    expect(() => transferPlan(true, { sizes: [] })).toThrow(/--sizes/);
  });
});
