/** What the winds of the training years say is usual, and anomalies from it. */
import { monthlyMeans, range, type Series } from '../weather/forecast/series.ts';
import type { Month } from './fields.ts';

/** Years in order: 1982 to 1989 train, 1990 validates, 1991 and 1992 test. */
export const YEARS = { train: 8, validation: 1, test: 2 } as const;
const MONTHS = 12;
export const TRAIN_END = YEARS.train * MONTHS;
export const VALIDATION_END = TRAIN_END + YEARS.validation * MONTHS;
export const TEST_END = VALIDATION_END + YEARS.test * MONTHS;

/** A year whose months begin in January. */
export const seriesOf = (months: readonly Month[]): Series => ({
  steps: months.map(({ field }) => field),
  season: months.map(({ month }) => (month % MONTHS) / MONTHS),
});

/**
 * What is usual, from the training years but those that the steps [first, end) lie in. Of steps behind the training years that is all of
 * them. Within, a year's own months would pull what is usual to themselves, and of several years together all the more: a model that
 * learned from such anomalies would expect less of them to last than in years that the climatology has never seen.
 */
export function climatologyWithout(series: Series, first = TRAIN_END, end = first) {
  const yearOf = (t: number): number => Math.floor(t / MONTHS);
  const isOwn = (t: number): boolean => first < end && yearOf(first) <= yearOf(t) && yearOf(t) <= yearOf(end - 1);
  return monthlyMeans(
    series,
    range(0, TRAIN_END).filter((t) => !isOwn(t)),
  );
}
