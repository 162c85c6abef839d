/** Days of weather, and the table that holds them. */
import { z } from 'zod';
import { UserError } from '../../src/errors.ts';
import { quote } from '../../src/quote.ts';
import { separatedRows } from '../../src/text/labels/separated.ts';
import type { Series } from './forecast/series.ts';

export const SKIES = ['drizzle', 'fog', 'rain', 'snow', 'sun'] as const;

/** Columns of a table of days. */
export const COLUMNS = ['date', 'precipitation', 'temp_max', 'temp_min', 'wind', 'weather'] as const;

/** Days that train (2012-01-01 to 2014-06-30) and validate (the rest of 2014); 2015 tests. */
export const TRAIN_DAYS = 912;
export const VALIDATION_DAYS = 184;

export interface Day {
  /** Days since 1970. */
  readonly day: number;
  /** Degrees Celsius. */
  readonly max: number;
  readonly min: number;
  readonly wind: number;
  /** Millimetres. */
  readonly rain: number;
  readonly sky: (typeof SKIES)[number];
}

const DAY_MS = 86_400_000;
/** 2015-12-31 of days since 1970. */
export const dateOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

const Row = z.object({
  date: z.iso.date(),
  precipitation: z.coerce.number().min(0).max(1000),
  temp_max: z.coerce.number().min(-80).max(70),
  temp_min: z.coerce.number().min(-80).max(70),
  wind: z.coerce.number().min(0).max(200),
  weather: z.enum(SKIES),
});

/** What each column must hold, for people. */
const HOLDS: Record<(typeof COLUMNS)[number], string> = {
  date: 'a date like 2015-12-31',
  precipitation: 'millimetres from 0 to 1,000',
  temp_max: 'degrees Celsius from -80 to 70',
  temp_min: 'degrees Celsius from -80 to 70',
  wind: 'a speed from 0 to 200',
  weather: `one of ${SKIES.join(', ')}`,
};

/**
 * The days of a CSV, one after the other.
 * @throws UserError that names the line and the column of what is missing or is none, or the day that is missing between two
 */
export function readDays(content: string, name: string): Day[] {
  const [header, ...rows] = separatedRows(content, 'csv', COLUMNS, { name });
  const names = header?.cells.map((cell) => cell.trim()) ?? [];
  const missing = COLUMNS.filter((column) => !names.includes(column));
  if (missing.length > 0) {
    throw new UserError(
      `${name} is no table of days: it has no column ${missing.join(', ')}. Its first line must name ${COLUMNS.join(', ')}.`,
    );
  }
  const days: Day[] = [];
  for (const { cells, line } of rows) {
    const day = dayOf(
      Object.fromEntries(COLUMNS.map((column) => [column, (cells[names.indexOf(column)] ?? '').trim()])),
      `${name}, line ${line}`,
    );
    const before = days.at(-1);
    if (before && day.day !== before.day + 1) throw gap(`${name}, line ${line}`, before.day, day.day);
    days.push(day);
  }
  return days;
}

function dayOf(row: Record<string, string>, where: string): Day {
  const empty = COLUMNS.find((column) => row[column] === '');
  if (empty)
    throw new UserError(
      `${where}: ${empty} is missing${row.date && ` on ${quote(row.date)}`}. Days must have no gaps: fill it in, or leave out all before it.`,
    );
  const parsed = Row.safeParse(row);
  if (!parsed.success) {
    const column = parsed.error.issues[0].path[0] as (typeof COLUMNS)[number];
    throw new UserError(`${where}: ${column} is ${quote(row[column])}, but ${HOLDS[column]} was expected.`);
  }
  const { date, temp_max: max, temp_min: min, wind, precipitation: rain, weather: sky } = parsed.data;
  return { day: Date.parse(date) / DAY_MS, max, min, wind, rain, sky };
}

function gap(where: string, before: number, found: number): UserError {
  if (found <= before)
    return new UserError(
      `${where}: ${dateOf(found)} comes after ${dateOf(before)}. Days must stand in order, each once.`,
    );
  return new UserError(
    `${where}: ${dateOf(before + 1)} is missing, ${dateOf(found)} comes after ${dateOf(before)}. Days must have no gaps.`,
  );
}

/** What is forecast of a day: numbers, in this order. */
export const QUANTITIES = ['max', 'min', 'wind', 'rain'] as const;

/** Rain as it is reckoned with: few days hold most of it. log(1 + mm) */
export const rainOf = (mm: number): number => Math.log1p(mm);

const DAYS_A_YEAR = 365.25;
/** How much of the year has passed. */
export function seasonOf(day: number): number {
  const date = new Date(day * DAY_MS);
  return (day - Date.UTC(date.getUTCFullYear(), 0, 1) / DAY_MS) / (DAYS_A_YEAR + 1);
}

/** Days as numbers over time: QUANTITIES each. */
export const seriesOf = (days: readonly Day[]): Series => ({
  steps: days.map(({ max, min, wind, rain }) => Float32Array.of(max, min, wind, rainOf(rain))),
  season: days.map(({ day }) => seasonOf(day)),
});
