/** What fits of runs drawn anew say of a fit (Efron, 1979). */
import { quantileSorted } from 'simple-statistics';
import { threefry } from '../../src/tensor/random.ts';

/** Where 95 of 100 draws lie. */
export type Band = readonly [low: number, high: number];

/** `count` lists of as many items, drawn with replacement within each group, so that each budget keeps its number of runs. */
export function drawAnew<T>(groups: readonly (readonly T[])[], count: number, seed: number): T[][][] {
  let drawn = 0;
  const pick = (below: number): number => threefry(seed, 0, 0, drawn++)[0] % below;
  return Array.from({ length: count }, () => groups.map((group) => group.map(() => group[pick(group.length)])));
}

/** The middle 95% of values that are numbers; undefined of fewer than 20. */
export function bandOf(values: readonly number[]): Band | undefined {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length < 20) return undefined;
  return [quantileSorted(sorted, 0.025), quantileSorted(sorted, 0.975)];
}
