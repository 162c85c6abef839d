import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { range } from '../../data/weather/forecast/series.ts';
import { channelsAt, fitCells, type Sample } from '../../data/winds/cells.ts';
import {
  areaWeights,
  CELLS,
  COLUMNS,
  latitudeOf,
  longitudeOf,
  monthInWords,
  NUMBERS,
  ROWS,
  readMonths,
} from '../../data/winds/fields.ts';
import { coastOf, readLand } from '../../data/winds/land.ts';
import { AHEAD, beginOf, knownOf, LINE_TOKENS, lasting, linesOf, promptOf, toldFields } from '../../data/winds/line.ts';
import { drawMaps } from '../../data/winds/maps.ts';
import { Codebook, PATCHES, patchPlaces } from '../../data/winds/patches.ts';
import { UserError } from '../../src/errors.ts';
import { normals } from '../../src/tensor/random.ts';
import { netcdf } from './netcdf.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-winds-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Months from January 1990 on, each a field of one number but for what `change` does. */
function file(
  name: string,
  months: number,
  change: (east: Float64Array, days: number[]) => void = () => {},
  columns = COLUMNS,
): string {
  const cells = (ROWS + 1) * columns;
  const east = Float64Array.from({ length: months * cells }, (_, i) => Math.floor(i / cells));
  const days = range(0, months).map((i) => Math.round(30.4375 * i) + 14);
  change(east, days);
  const axes = [
    { name: 'TIME', dimensions: [0], values: days, attributes: { units: 'days since 1990-01-01' } },
    { name: 'LAT', dimensions: [1], values: range(0, ROWS + 1).map(latitudeOf) },
    { name: 'LON', dimensions: [2], values: range(0, columns).map(longitudeOf) },
  ];
  const north = east.map((value) => -value);
  const winds = [east, north].map((values, i) => ({
    name: ['UWND', 'VWND'][i],
    dimensions: [0, 1, 2],
    values,
    attributes: { missing_value: -99.9 },
  }));
  const path = join(folder, name);
  writeFileSync(
    path,
    netcdf(
      [
        ['TIME', months],
        ['LAT', ROWS + 1],
        ['LON', columns],
      ],
      [...axes, ...winds],
    ),
  );
  return path;
}
const read = (path: string) => readMonths(path, () => {});

describe('a netCDF file', () => {
  it('gives its months', async () => {
    const months = await read(file('whole.nc', 14));
    expect(months.map(({ month }) => monthInWords(month)).filter((_, i) => i % 13 === 0)).toEqual([
      'January 1990',
      'February 1991',
    ]);
    expect([months[13].field.length, months[13].field[0], months[13].field[NUMBERS - 1]]).toEqual([NUMBERS, 13, -13]);
  });

  it.each([
    [
      'a gap',
      () =>
        file('gap.nc', 3, (east) =>
          east.fill(-99.9, (ROWS + 1) * COLUMNS + 40 * COLUMNS + 8, (ROWS + 1) * COLUMNS + 40 * COLUMNS + 9),
        ),
      /UWND of February 1990 has no value at 10 degrees north, 40 east \(row 41, column 9\). Fields must have no gaps/,
    ],
    [
      'no number',
      () => file('nan.nc', 2, (east) => east.fill(Number.NaN, 5, 6)),
      /UWND of January 1990 has no value at -90 degrees north, 32.5 east/,
    ],
    [
      'a missing month',
      () => file('month.nc', 3, (_, days) => days.splice(2, 1, 100)),
      /April 1990 comes after February 1990. Months must follow each other without gaps/,
    ],
    [
      'another grid',
      () => file('grid.nc', 1, undefined, 72),
      /has a grid of 73 x 72 from -90, 20 on; expected are latitudes from -90 to 90/,
    ],
  ])('with %s gets a sentence', async (_, make, sentence) => {
    const path = make();
    await expect(read(path)).rejects.toThrow(UserError);
    await expect(read(path)).rejects.toThrow(sentence);
  });

  it('that is none, or holds no winds, gets a sentence too', async () => {
    const path = join(folder, 'other.nc');
    writeFileSync(path, 'Call me Ishmael.');
    await expect(read(path)).rejects.toThrow(/other.nc is no netCDF file that can be read/);
    writeFileSync(path, netcdf([['X', 2]], [{ name: 'DEPTH', dimensions: [0], values: [1, 2] }]));
    await expect(read(path)).rejects.toThrow(/has no wind UWND \(time, latitude, longitude\). It holds DEPTH./);
    await expect(read(join(folder, 'none.nc'))).rejects.toThrow(/none.nc cannot be read \(ENOENT\)/);
  });
});

it('areas count alike: weights fall like the cosine of the latitude, and sum to 1', () => {
  const weights = areaWeights();
  const at = (row: number): number => weights[row * COLUMNS];
  expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 9);
  expect(at(60) / at(36)).toBeCloseTo(0.5, 9); // 60 degrees north against the equator
  expect([at(0), weights[CELLS + 36 * COLUMNS]]).toEqual([0, at(36)]);
});

it('patches hold each number of a field once', () => {
  const places = patchPlaces(6, 6).flatMap((own) => [...own]);
  expect(new Set(places).size).toBe(NUMBERS);
  expect(places.length).toBe(NUMBERS);
});

/** Fields of eastward or northward wind alone, of two strengths each way, so that few letters say all of them. */
const made = (t: number): Float32Array =>
  Float32Array.from({ length: NUMBERS }, (_, i) => (Math.floor(i / CELLS) === t % 2 ? [1, -1, 2][t % 3] : 0));
const codebook = Codebook.of(range(0, 6).map(made));

describe('letters', () => {
  it('say fields, and are read back', () => {
    for (const t of range(0, 6)) {
      const letters = codebook.encode(made(t));
      expect(letters).toMatch(/^[A-Za-z0-9]{48}$/);
      expect(codebook.encode(codebook.decode(letters))).toBe(letters);
    }
    const said = codebook.decode(codebook.encode(made(2)));
    expect(said[0]).toBeCloseTo(2, 5);
    expect(said[CELLS]).toBeCloseTo(0, 5);
  });

  it('are the same for the same fields', () => {
    expect(Codebook.of(range(0, 6).map(made)).encode(made(3))).toBe(codebook.encode(made(3)));
  });

  it('of nothing are no anomaly', () => {
    expect(codebook.decode('?').every((value) => value === 0)).toBe(true);
  });
});

it('spells become lines of one length, which begin with what is known and tell what comes', () => {
  const season = range(0, 132).map((t) => (t % 12) / 12);
  const series = { steps: season.map((_, t) => made(t)), season };
  const lines = linesOf(series, codebook, 120, 132).trimEnd().split('\n');
  expect([lines.length, new Set(lines.map(({ length }) => length))]).toEqual([7, new Set([LINE_TOKENS - 1])]);
  expect(lines.map(([letter]) => letter).join('')).toBe('LABCDEF'); // from December to June
  const { month, fields } = toldFields(`${lines[0]}\n`, codebook);
  expect([month, fields.length]).toEqual([11, 2 + AHEAD]);
  const begin = knownOf(lines[0]);
  expect([begin.length, toldFields(begin, codebook).fields.length]).toEqual([1 + 2 * PATCHES, 2]);
  expect(beginOf(range(0, 12).map(made), 11, 12 * 1990 + 11, codebook)[0]).toBe('L');
  expect(() => toldFields('Call me', codebook).fields).not.toThrow(); // C is a month, whatever follows
  expect(() => toldFields('?', codebook)).toThrow(UserError);
});

it('what lasts is the mean of the months before', () => {
  const fields = range(0, 20).map((t) => Float32Array.of(t));
  expect(
    [lasting(fields, 19)[0], lasting(fields, 19, 6)[0], lasting(fields, 3)[0]].map((value) => value.toFixed(3)),
  ).toEqual(['13.500', '16.500', '1.500']);
  expect(channelsAt(fields, 15).map(([value]) => value.toFixed(1))).toEqual(['15.0', '14.0', '13.0', '12.5', '9.5']);
});

it('a regression by cell finds what makes what comes, and is drawn to what all cells say', () => {
  const P = 40;
  const draws = normals(40 * 5 * P, 1, 11, 0);
  const samples = range(0, 40).map((n): Sample => {
    const known = range(0, 5).map((i) => draws.subarray((5 * n + i) * P, (5 * n + i + 1) * P));
    const field = known[0].map((value, p) => (p === 0 ? 2 : 0.5) * value + 0.25 * known[4][p]);
    return { now: n, known, ahead: range(0, AHEAD).map(() => field) };
  });
  const equal = new Float64Array(P).fill(1 / P);
  const found = fitCells(samples, equal, 1e-6)[AHEAD - 1];
  const expected = [2, 0.5, 0, 0.25];
  [found[0][0], found[0][9], found[1][9], found[4][9]].forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i], 3);
  });
  const [drawn] = fitCells(samples, equal, 1e6);
  expect(Math.abs(drawn[0][0] - drawn[0][9])).toBeLessThan(1e-3);
  expect(drawn[0][0]).toBeCloseTo(0.5, 1);
});

it('a prompt is a month', () => {
  expect(['', 'jan', 'September'].map(promptOf)).toEqual(['', 'A', 'I']);
  expect(() => promptOf('storm')).toThrow('"storm" is no month. Ask for one');
});

it('maps are SVG of few paths, with coasts between land and sea', () => {
  const land = range(0, CELLS).map((cell) => cell < 2); // two cells at the South Pole
  const coast = coastOf(land);
  expect(coast).toBe('M0 71h1M2 71v1M1 71h1');
  const field = Float32Array.from({ length: NUMBERS }, (_, i) => (i < COLUMNS ? 3 : -20));
  const svg = drawMaps([[{ title: 'a < b', field }]], coast);
  expect(svg).toContain('a &lt; b');
  expect(svg).toContain('<path d="M0 71h144v1h-144" fill="#e98b6d"/>'); // 3 m/s along the southernmost row
  expect(svg.match(/<path d=/g)?.length).toBe(2);
});

it('land lies where the relief is above the sea', async () => {
  const path = join(folder, 'relief.nc');
  const heights = range(0, 180 * 360).map((i) => (i % 360 < 30 ? 100 : -4000)); // 20.5 to 49.5 degrees east
  writeFileSync(
    path,
    netcdf(
      [
        ['X', 360],
        ['Y', 180],
      ],
      [{ name: 'ROSE', dimensions: [1, 0], values: heights }],
    ),
  );
  const land = await readLand(path);
  const columns = range(0, COLUMNS).filter((column) => land[40 * COLUMNS + column]);
  expect(columns.map(longitudeOf).filter((longitude) => longitude > 20)).toEqual(range(1, 13).map((i) => 20 + 2.5 * i));
});
