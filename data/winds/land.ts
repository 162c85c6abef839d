/** Where there is land, for maps. */
import { readFile } from 'node:fs/promises';
import { range } from '../weather/forecast/series.ts';
import { CELLS, COLUMNS, latitudeOf, longitudeOf, openNetcdf, ROWS } from './fields.ts';

/** The relief of the earth, every degree from (-89.5, 20.5) on, as the file beside that of the winds has it. */
const RELIEF = { name: 'ROSE', rows: 180, columns: 360, latitude: -89.5, longitude: 20.5 };

/** Whether each cell is land, by the height in its middle. */
export async function readLand(path: string): Promise<boolean[]> {
  const reader = await openNetcdf(await readFile(path), path, () => undefined);
  const heights = reader.getDataVariable(RELIEF.name) as ArrayLike<number>;
  return range(0, CELLS).map((cell) => {
    const [latitude, longitude] = [latitudeOf(Math.floor(cell / COLUMNS)), longitudeOf(cell % COLUMNS)];
    const row = Math.max(0, Math.floor(latitude - RELIEF.latitude));
    const column = (Math.floor(longitude - RELIEF.longitude) + RELIEF.columns) % RELIEF.columns;
    return heights[row * RELIEF.columns + column] > 0;
  });
}

/** The coasts as an SVG path, in cells from the upper left corner: all sides of cells between land and sea. */
export function coastOf(land: readonly boolean[]): string {
  let path = '';
  for (const row of range(0, ROWS)) {
    const y = ROWS - 1 - row;
    for (const column of range(0, COLUMNS)) {
      const here = land[row * COLUMNS + column];
      if (column + 1 < COLUMNS && land[row * COLUMNS + column + 1] !== here) path += `M${column + 1} ${y}v1`;
      if (row + 1 < ROWS && land[(row + 1) * COLUMNS + column] !== here) path += `M${column} ${y}h1`;
    }
  }
  return path;
}
