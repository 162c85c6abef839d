/** Fields of wind, a month each, out of netCDF files. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { UserError } from '../../src/errors.ts';
import { errorCode } from '../../src/node/files.ts';
import { fetchPackage, type Say } from '../../src/node/npm.ts';
import { NETCDF } from '../packages.ts';

/** Cells of a field: rows from the South Pole on, columns from 20 degrees east on. The North Pole, which weighs nothing, is left out. */
export const ROWS = 72;
export const COLUMNS = 144;
export const CELLS = ROWS * COLUMNS;
const DEGREES = 2.5;
const FIRST_LONGITUDE = 20;
export const latitudeOf = (row: number): number => -90 + DEGREES * row;
export const longitudeOf = (column: number): number => FIRST_LONGITUDE + DEGREES * column;

/** Numbers of a field: eastward winds of all cells, then northward ones. Metres a second. */
export const NUMBERS = 2 * CELLS;

/** What each number counts for in scores: cos(latitude), so that areas count alike. They sum to 1. */
export function areaWeights(): Float64Array {
  const weights = Float64Array.from({ length: NUMBERS }, (_, i) => {
    const row = Math.floor((i % CELLS) / COLUMNS);
    return row === 0 ? 0 : Math.cos((latitudeOf(row) * Math.PI) / 180);
  });
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** A month's field. */
export interface Month {
  /** Months since January of the year 0. */
  readonly month: number;
  /** (NUMBERS) */
  readonly field: Float32Array;
}

const NAMES = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
/** "March 1990" */
export const monthInWords = (month: number): string => `${NAMES[month % 12]} ${Math.floor(month / 12)}`;
export const monthNames: readonly string[] = NAMES;

const Attribute = z.object({ name: z.string(), value: z.unknown() });
const Variable = z.object({ name: z.string(), dimensions: z.array(z.int()), attributes: z.array(Attribute) });
type Variable = z.infer<typeof Variable>;
/** As much of netcdfjs as is used. */
interface Reader {
  readonly dimensions: readonly { readonly name: string; readonly size: number }[];
  readonly variables: unknown[];
  getDataVariable(name: string): ArrayLike<number | ArrayLike<number>>;
}

/**
 * The months of a netCDF file (version 3) with eastward and northward winds on the grid of the training data.
 * @throws UserError that says what is wrong with it and where: another grid, a month or a value that is missing
 */
export async function readMonths(path: string, say: Say): Promise<Month[]> {
  const bytes = await readFile(path).catch((cause) => {
    throw new UserError(`${path} cannot be read (${errorCode(cause)}). Give a netCDF file.`, { cause });
  });
  const reader = await openNetcdf(bytes, path, say);
  const variables = reader.variables.map((one) => Variable.parse(one));
  const [east, north] = (['u', 'v'] as const).map((letter) => windOf(variables, letter, path));
  const times = timesOf(reader, variables, east, path);
  checkGrid(reader, variables, east, path);
  const fields = [east, north].map((variable) => rowsOf(reader, variable, times, path));
  return times.map((month, t) => {
    const before = times[t - 1];
    if (t > 0 && month !== before + 1)
      throw new UserError(
        `${path}: ${monthInWords(month)} comes after ${monthInWords(before)}. Months must follow each other without gaps.`,
      );
    const field = new Float32Array(NUMBERS);
    field.set(fields[0][t]);
    field.set(fields[1][t], CELLS);
    return { month, field };
  });
}

/** A netCDF file's variables. @throws UserError where it is none */
export async function openNetcdf(bytes: Uint8Array, path: string, say: Say): Promise<Reader> {
  const folder = await fetchPackage(NETCDF, say);
  const { NetCDFReader } = (await import(pathToFileURL(join(folder, 'lib/index.js')).href)) as {
    NetCDFReader: new (bytes: Uint8Array) => Reader;
  };
  try {
    return new NetCDFReader(bytes);
  } catch (cause) {
    const isFour = bytes[0] === 0x89 && bytes[1] === 0x48;
    const why = isFour
      ? 'It is netCDF 4, of which only version 3 is read: convert it with nccopy -k classic'
      : 'Give one of version 3';
    throw new UserError(`${path} is no netCDF file that can be read. ${why}.`, { cause });
  }
}

/** The variable of a component: UWND, uwnd, u ... */
function windOf(variables: readonly Variable[], letter: 'u' | 'v', path: string): Variable {
  const found = variables.find(
    ({ name, dimensions }) => dimensions.length === 3 && new RegExp(`^${letter}(wnd|wind)?$`, 'i').test(name),
  );
  if (found) return found;
  const there = variables.map(({ name }) => name).join(', ');
  throw new UserError(
    `${path} has no wind ${letter.toUpperCase()}WND (time, latitude, longitude). It holds ${there || 'nothing'}.`,
  );
}

const UNITS = /^(hour|day|month)s? since (\d{4})-(\d{1,2})-(\d{1,2})/i;
const HOUR_MS = 3_600_000;

/** The month of each step. */
function timesOf(reader: Reader, variables: readonly Variable[], wind: Variable, path: string): number[] {
  const name = reader.dimensions[wind.dimensions[0]].name;
  const axis = variables.find((one) => one.name === name);
  const units = String(axis?.attributes.find((one) => one.name === 'units')?.value ?? '');
  const [, unit, year, month, day] = UNITS.exec(units) ?? [];
  if (!axis || !unit)
    throw new UserError(
      `${path}: its time ${name} has the unit ${JSON.stringify(units)}, but one like "hours since 1980-01-14" was expected.`,
    );
  const values = Array.from(reader.getDataVariable(name) as ArrayLike<number>);
  if (unit.toLowerCase() === 'month')
    return values.map((value) => 12 * Number(year) + Number(month) - 1 + Math.floor(value));
  const start = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const step = unit.toLowerCase() === 'day' ? 24 * HOUR_MS : HOUR_MS;
  return values.map((value) => {
    const date = new Date(start + value * step);
    return 12 * date.getUTCFullYear() + date.getUTCMonth();
  });
}

/** @throws UserError for another grid than that of the training data */
function checkGrid(reader: Reader, variables: readonly Variable[], { dimensions }: Variable, path: string): void {
  const [rows, columns] = dimensions.slice(1).map((dimension) => reader.dimensions[dimension]);
  const expected = `latitudes from -90 to 90 and longitudes from ${FIRST_LONGITUDE} to ${longitudeOf(COLUMNS - 1)}, every ${DEGREES} degrees`;
  const first = ({ name }: { name: string }): number | undefined => {
    const axis = variables.find((one) => one.name === name);
    return axis && (reader.getDataVariable(name) as ArrayLike<number>)[0];
  };
  if (rows.size === ROWS + 1 && columns.size === COLUMNS && first(rows) === -90 && first(columns) === FIRST_LONGITUDE)
    return;
  throw new UserError(
    `${path} has a grid of ${rows.size} x ${columns.size} from ${first(rows)}, ${first(columns)} on; expected are ${expected}.`,
  );
}

/** Beyond this nothing is a wind: what files write where they know nothing. Metres a second. */
const STRONGEST = 99;

/** The cells of a variable, month by month. @throws UserError for one that is missing, with its place */
function rowsOf(
  reader: Reader,
  { name, attributes }: Variable,
  times: readonly number[],
  path: string,
): Float32Array[] {
  const missing = attributes
    .filter((one) => /^(missing_value|_FillValue)$/.test(one.name))
    .map(({ value }) => Number(value));
  const steps = reader.getDataVariable(name);
  return times.map((month, t) => {
    const cells = Float32Array.from(stepOf(steps, t)).subarray(0, CELLS);
    const gap = cells.findIndex(
      (value) => !(Math.abs(value) < STRONGEST) || missing.some((one) => Math.abs(value - one) < 1e-3),
    );
    if (gap < 0) return cells;
    const where = `${latitudeOf(Math.floor(gap / COLUMNS))} degrees north, ${longitudeOf(gap % COLUMNS)} east (row ${Math.floor(gap / COLUMNS) + 1}, column ${(gap % COLUMNS) + 1})`;
    throw new UserError(
      `${path}: ${name} of ${monthInWords(month)} has no value at ${where}. Fields must have no gaps: fill them in, or leave out that month and those before it.`,
    );
  });
}

/** A step of a variable: a list of its own where time has no end, else a part of all. */
function stepOf(steps: ArrayLike<number | ArrayLike<number>>, t: number): ArrayLike<number> {
  if (typeof steps[t] !== 'number') return steps[t];
  const size = (ROWS + 1) * COLUMNS;
  return Array.prototype.slice.call(steps, t * size, (t + 1) * size);
}
