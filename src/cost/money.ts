import type { Energy } from '../report/costCard.ts';
import { type Band, kilowattHours } from '../report/costWords.ts';

/** What a price is by: time on a machine that is rented, or electricity. */
export type Price = { readonly per: 'hour' | 'kWh'; readonly amount: number };

/** What is paid, in the currency of the price: by the hour exact, by the kWh as good as the energy. */
export function moneyOf(energy: Energy, timeMs: number, { per, amount }: Price): Band {
  const hours = (timeMs / 3_600_000) * amount;
  if (per === 'hour') return [hours, hours];
  const [low, high] = kilowattHours(energy);
  return [low * amount, high * amount];
}
