/** The winds that all is learned from. */
import { UserError } from '../../src/errors.ts';
import { type DebianPackage, debianFile } from '../../src/node/debian.ts';
import type { Say } from '../../src/node/npm.ts';
import { anomalies, type Series } from '../weather/forecast/series.ts';
import { climatologyWithout, seriesOf, TEST_END, TRAIN_END } from './climate.ts';
import { readMonths } from './fields.ts';
import { coastOf, readLand } from './land.ts';
import { Codebook } from './patches.ts';

const FERRET: DebianPackage = { name: 'ferret-datasets', pool: 'main/f/ferret-vis', sizeMB: 28 };
const FOLDER = 'usr/share/ferret-vis/data';
const FILE = `${FOLDER}/monthly_navy_winds.cdf`;
const LAND = `${FOLDER}/etopo60.cdf`;

/** The winds, what is usual, and the letters of patches: all by the training years alone. */
export interface KnownWinds {
  readonly series: Series;
  /** Against the climatology of the training years: N of (NUMBERS). */
  readonly anomalies: readonly Float32Array[];
  readonly codebook: Codebook;
}

/** @throws UserError where the file is not there, and cannot be had */
export async function knownWinds(say: Say): Promise<KnownWinds> {
  const months = await readMonths(await debianFile(FERRET, FILE, say), say);
  if (months.length !== TEST_END)
    throw new UserError(`${FILE} holds ${months.length} months, but ${TEST_END} were expected: it is another version.`);
  const series = seriesOf(months);
  const fields = anomalies(series, climatologyWithout(series));
  return { series, anomalies: fields, codebook: Codebook.of(fields.slice(0, TRAIN_END)) };
}

/** The coasts, for maps. @throws UserError where the file is not there, and cannot be had */
export const knownCoast = async (say: Say): Promise<string> =>
  coastOf(await readLand(await debianFile(FERRET, LAND, say)));
