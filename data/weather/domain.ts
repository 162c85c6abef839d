import { readFile } from 'node:fs/promises';
import { UserError } from '../../src/errors.ts';
import { errorCode, writeAtomic } from '../../src/node/files.ts';
import type { AskedModel, Domain, DomainParts } from '../domain.ts';
import { openPackages, type PackageFiles } from '../files.ts';
import { VEGA } from '../packages.ts';
import { type Day, readDays, seriesOf, TRAIN_DAYS, VALIDATION_DAYS } from './days.ts';
import { drawSpells } from './draw.ts';
import { type Climatology, range, smoothCourse } from './forecast/series.ts';
import { judgeDays } from './judge.ts';
import { AHEAD, beginOf, HISTORY, LINE_TOKENS, linesOf, promptOf, TOKENIZER } from './line.ts';

const FILE = 'data/seattle-weather.csv';

/** What is usual through the year, by the days of the training part. */
export const usualOf = (days: readonly Day[]): Climatology => smoothCourse(seriesOf(days), range(0, TRAIN_DAYS));

const daysOf = async (files: PackageFiles): Promise<Day[]> => readDays(await files.read(VEGA, FILE), FILE);

/** All days, and what is usual. @throws UserError when the package cannot be had */
export async function knownDays(say: (sentence: string) => void): Promise<{ days: Day[]; usual: Climatology }> {
  const days = await daysOf(await openPackages([VEGA], say));
  return { days, usual: usualOf(days) };
}

async function build(files: PackageFiles): Promise<DomainParts> {
  const days = await daysOf(files);
  const usual = usualOf(days);
  const validationEnd = TRAIN_DAYS + VALIDATION_DAYS;
  const part = (first: number, end?: number): string => linesOf(days.slice(first, end), usual);
  return { train: part(0, TRAIN_DAYS), validation: part(TRAIN_DAYS, validationEnd), test: part(validationEnd) };
}

const ignore = (): void => undefined;

async function daysIn(file: string): Promise<Day[]> {
  const content = await readFile(file, 'utf8').catch((cause) => {
    throw new UserError(`${file} cannot be read (${errorCode(cause)}). Give a CSV of days.`, { cause });
  });
  return readDays(content, file);
}

/** @throws UserError for a table of fewer days */
function atLeast(days: readonly Day[], least: number, file: string): readonly Day[] {
  if (days.length >= least) return days;
  throw new UserError(`${file} holds ${days.length} days, but ${least} in a row are needed. Give more.`);
}

/** Days of weather in Seattle, as spells of days that are known and days that follow. See card.md. */
export const weather: Domain = {
  name: 'weather',
  folder: 'weather',
  title: 'Daily weather of Seattle, 2012 to 2015',
  licence: "BSD-3-Clause (vega-datasets); the observations are NOAA's, in the public domain",
  source: 'npm vega-datasets 3.2.1, data/seattle-weather.csv',
  note: "Spells of 8 known days and 6 that follow, as anomalies from the training days' usual course. Split by time: 2015 tests.",
  sha256: '1be668f3fcd380065d3a93d080bf20207e5ebf77779cc840181c72f59921a8b2',
  packages: [VEGA],
  build,
  settings: {
    ...{ tokenizer: TOKENIZER, wholeLines: true, blockSize: LINE_TOKENS, contextGrowth: 0 },
    ...{ validationFraction: 0.15825331981311042 },
    ...{ nLayer: 2, nHead: 4, nEmbd: 64, nHidden: 0, dropout: 0.2, batchSize: 16 },
    ...{ steps: 200, warmupSteps: 20, learningRate: 3e-3, minLearningRate: 0 },
    ...{ evalEvery: 25, checkpointEvery: 25, evalBatches: 0 },
  },
  prompt: promptOf,
  read: async (file) => linesOf(atLeast(await daysIn(file), HISTORY + AHEAD, file), (await knownDays(ignore)).usual),
  begin: async (file) => beginOf(atLeast(await daysIn(file), HISTORY, file), (await knownDays(ignore)).usual),
  drawing: {
    endings: ['.svg'],
    draw: async (things, file) => writeAtomic(file, drawSpells(things, (await knownDays(ignore)).usual)),
  },
  judge: async (asked: AskedModel) => judgeDays(asked, await knownDays(asked.say)),
};
