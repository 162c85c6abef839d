/** What energy and time come to: grams of CO2, and money. */
import type { Energy } from '../report/costCard.ts';

const JOULES_PER_KWH = 3.6e6;

/** Low and high. */
export type Band = readonly [low: number, high: number];

/** Grams of CO2 a kWh of the world's grids: hydropower and nuclear at one end, lignite at the other. */
export const GRIDS: Band = [20, 900];

/** What a price is by: time on a machine that is rented, or electricity. */
export type Price = { readonly per: 'hour' | 'kWh'; readonly amount: number };

export const kilowattHours = ({ lowJoules, highJoules }: Energy): Band => [
  lowJoules / JOULES_PER_KWH,
  highJoules / JOULES_PER_KWH,
];

/** Grams of CO2. */
export function gramsOfCarbon(energy: Energy, grid: Band = GRIDS): Band {
  const [low, high] = kilowattHours(energy);
  return [low * grid[0], high * grid[1]];
}

/** In the currency of the price: of an hour's price exact, of a kWh's as good as the energy. */
export function moneyOf(energy: Energy, timeMs: number, { per, amount }: Price): Band {
  const hours = (timeMs / 3_600_000) * amount;
  if (per === 'hour') return [hours, hours];
  const [low, high] = kilowattHours(energy);
  return [low * amount, high * amount];
}
