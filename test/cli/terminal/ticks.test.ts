import { expect, it } from 'vitest';
import { niceTicks, tickLabels } from '../../../src/cli/terminal/ticks.ts';

it.each([
  [0, 2000, 5],
  [1.37, 4.42, 8],
  [-3, 0.001, 4],
  [0, 1e-9, 3],
  [5, 5, 3],
  [0, 0, 3],
  [0, 3e30, 4],
])('makes round ticks that enclose %f to %f', (low, high, wanted) => {
  const ticks = niceTicks(low, high, wanted);
  expect(ticks.length).toBeGreaterThanOrEqual(2);
  expect(ticks.length).toBeLessThanOrEqual(2 * wanted + 2);
  expect(ticks[0]).toBeLessThanOrEqual(low);
  expect(ticks.at(-1)).toBeGreaterThanOrEqual(high);
  const lead = Number((ticks[1] - ticks[0]).toExponential(6).slice(0, 8));
  expect([1, 2, 5]).toContain(lead);
  expect(new Set(tickLabels(ticks)).size).toBe(ticks.length);
});

it('labels ticks with the digits that they need', () => {
  expect(tickLabels([1, 1.5, 2])).toEqual(['1.0', '1.5', '2.0']);
  expect(tickLabels([0, 500, 1000])).toEqual(['0', '500', '1,000']);
  expect(tickLabels([0, 20_000, 40_000])).toEqual(['0', '20k', '40k']);
  expect(tickLabels([0, 500_000, 1_000_000])).toEqual(['0.0', '0.5M', '1.0M']);
  expect(tickLabels([0, 2e-7])).toEqual(['0e0', '2e-7']);
});
