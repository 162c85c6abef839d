import { UserError } from '../../src/errors.ts';
import { writeAtomic } from '../../src/node/files.ts';
import type { Domain, DomainParts } from '../domain.ts';
import { NETCDF } from '../packages.ts';
import { anomalies, range } from '../weather/forecast/series.ts';
import { climatologyWithout, seriesOf, TEST_END, TRAIN_END, VALIDATION_END } from './climate.ts';
import { type Month, monthNames, readMonths } from './fields.ts';
import { judgeWinds } from './judge.ts';
import { type KnownWinds, knownCoast, knownWinds } from './known.ts';
import { AHEAD, beginOf, HISTORY, knownOf, LINE_TOKENS, linesOf, promptOf, toldFields } from './line.ts';
import { drawMaps, meanField, type WindMap } from './maps.ts';

const ignore = (): void => undefined;

async function build(): Promise<DomainParts> {
  const { series, codebook } = await knownWinds(ignore);
  const part = (first: number, end: number): string => linesOf(series, codebook, first, end);
  return {
    train: part(0, TRAIN_END),
    validation: part(TRAIN_END, VALIDATION_END),
    test: part(VALIDATION_END, TEST_END),
  };
}

/** A user's months as anomalies. @throws UserError for a file of fewer months */
async function userFields(
  file: string,
  least: number,
  { series }: KnownWinds,
): Promise<{ months: Month[]; fields: Float32Array[] }> {
  const months = await readMonths(file, ignore);
  if (months.length < least)
    throw new UserError(`${file} holds ${months.length} months, but ${least} in a row are needed. Give more.`);
  return { months, fields: anomalies(seriesOf(months), climatologyWithout(series)) };
}

/** Maps in a row. */
const ACROSS = 3;

/** Lines that begin alike as maps of their mean: what is now, and each month that comes. */
function draw(things: readonly string[], { codebook }: KnownWinds, coast: string): string {
  const groups = new Map<string, string[]>();
  for (const line of things) groups.set(knownOf(line), [...(groups.get(knownOf(line)) ?? []), line]);
  const maps = [...groups.values()].map((group): WindMap[] => {
    const told = group.map((line) => toldFields(line, codebook));
    return range(1, 2 + AHEAD).flatMap((i) => {
      const fields = told.flatMap((one) => (one.fields.length > i ? [one.fields[i]] : []));
      if (fields.length === 0) return [];
      const month = monthNames[(told[0].month + i - 1) % 12];
      const how = i === 1 ? 'now' : fields.length > 1 ? `mean of ${fields.length}` : 'as written';
      return [{ title: `${month}, ${how}`, field: meanField(fields) }];
    });
  });
  const inRows = (row: readonly WindMap[]): WindMap[][] =>
    range(0, Math.ceil(row.length / ACROSS)).map((i) => row.slice(i * ACROSS, (i + 1) * ACROSS));
  return drawMaps(maps.flatMap(inRows), coast);
}

/** Monthly winds of the globe as letters of patches. See card.md. */
export const winds: Domain = {
  name: 'winds',
  folder: 'winds',
  title: 'Monthly winds of the globe, 1982 to 1992',
  licence: 'public domain (NOAA; Ferret licence agreement)',
  source: 'Debian ferret-datasets 7.6.0, monthly_navy_winds.cdf, read by npm netcdfjs 4.0.0',
  note: "Needs a file of Debian's package ferret-datasets, which is downloaded where apt-get is. Split by time: 1991 and 1992 test.",
  sha256: '23a4b7cd23433c478929e1ebb5494debc844b28c7a5529930764e6b91d512b63',
  packages: [NETCDF],
  build,
  settings: {
    ...{ tokenizer: 'char', wholeLines: true, blockSize: LINE_TOKENS, contextGrowth: 0 },
    ...{ validationFraction: 0.08138028678153994 },
    ...{ style: 'gpt2', nLayer: 2, nHead: 4, nEmbd: 64, nHidden: 0, dropout: 0.3, batchSize: 4 },
    ...{ steps: 100, warmupSteps: 20, learningRate: 1e-3, minLearningRate: 0 },
    ...{ evalEvery: 20, checkpointEvery: 20, evalBatches: 0 },
  },
  prompt: promptOf,
  read: async (file) => {
    const known = await knownWinds(ignore);
    const { months, fields } = await userFields(file, HISTORY + AHEAD, known);
    const spell = (now: number): string => {
      const ahead = range(now + 1, now + AHEAD + 1).map((t) => known.codebook.encode(fields[t]));
      return `${beginOf(fields, now, months[now].month, known.codebook)}${ahead.join('')}\n`;
    };
    return range(HISTORY - 1, months.length - AHEAD)
      .map(spell)
      .join('');
  },
  begin: async (file) => {
    const known = await knownWinds(ignore);
    const { months, fields } = await userFields(file, HISTORY, known);
    const now = months.length - 1;
    return beginOf(fields, now, months[now].month, known.codebook);
  },
  drawing: {
    endings: ['.svg'],
    draw: async (things, file) => writeAtomic(file, draw(things, await knownWinds(ignore), await knownCoast(ignore))),
  },
  judge: async (asked) => judgeWinds(asked, await knownWinds(asked.say)),
};
