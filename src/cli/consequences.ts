/** What energy and time come to, as the verb `cost` says it. */
import { moneyOf, type Price } from '../cost/money.ts';
import type { Energy } from '../report/costCard.ts';
import { bandInWords, carbonInWords, energyInWords, gramsOfCarbon } from '../report/costWords.ts';

/** Flags that turn energy into carbon and money. */
export interface Rates {
  grid?: number;
  priceHour?: number;
  priceKwh?: number;
}

/** The price that was given, if any. */
export const priceOf = ({ priceHour, priceKwh }: Rates): Price | undefined => {
  if (priceHour !== undefined) return { per: 'hour', amount: priceHour };
  return priceKwh === undefined ? undefined : { per: 'kWh', amount: priceKwh };
};

/** What follows from energy and time: lines, and figures for programs. */
export function consequences(energy: Energy | undefined, timeMs: number, flags: Rates) {
  if (!energy) return { lines: '', figures: {} };
  const grid = flags.grid === undefined ? undefined : ([flags.grid, flags.grid] as const);
  const price = priceOf(flags);
  const money = price && moneyOf(energy, timeMs, price);
  const lines = [
    `energy: ${energyInWords(energy)} (${energy.source}: ${energy.basis})`,
    `CO2: ${carbonInWords(energy, grid)}`,
    ...(money ? [`money: ${bandInWords(money)} at ${price.amount} a${price.per === 'hour' ? 'n hour' : ' kWh'}`] : []),
  ];
  const figures = { carbonGrams: gramsOfCarbon(energy, grid), ...(money && { money }) };
  return { lines: `${lines.join('\n')}\n`, figures };
}
