/** Bands of energy and what follows from them, as people read them. */
import type { Energy } from './costCard.ts';
import { figure } from './format.ts';

const JOULES_PER_KWH = 3.6e6;

/** Low and high. */
export type Band = readonly [low: number, high: number];

/** Grams of CO2 a kWh of the world's grids: hydropower and nuclear at one end, lignite at the other. */
export const GRIDS: Band = [20, 900];

export const kilowattHours = ({ lowJoules, highJoules }: Energy): Band => [
  lowJoules / JOULES_PER_KWH,
  highJoules / JOULES_PER_KWH,
];

/** Grams of CO2, by grams a kWh. */
export function gramsOfCarbon(energy: Energy, grid: Band = GRIDS): Band {
  const [low, high] = kilowattHours(energy);
  return [low * grid[0], high * grid[1]];
}

/** "0.2 to 2" with two digits: more would be a lie. */
export function bandInWords([low, high]: Band): string {
  const two = (value: number): string => figure(Number(value.toPrecision(2)));
  return two(low) === two(high) ? two(low) : `${two(low)} to ${two(high)}`;
}

/** "0.21 to 2.1 Wh". */
export function energyInWords(energy: Energy): string {
  const [low, high] = kilowattHours(energy);
  return high < 1 ? `${bandInWords([1000 * low, 1000 * high])} Wh` : `${bandInWords([low, high])} kWh`;
}

/** "0.004 to 1.9 g at 20 to 900 g a kWh". */
export const carbonInWords = (energy: Energy, grid: Band = GRIDS): string =>
  `${bandInWords(gramsOfCarbon(energy, grid))} g at ${bandInWords(grid)} g a kWh`;

/** "41.2 GFLOP/s". */
export const operationsASecond = (perSecond: number): string => `${figure(perSecond / 1e9)} GFLOP/s`;
