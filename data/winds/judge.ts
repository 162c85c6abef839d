/** Forecasts of months held against what came. */
import { smallest } from '../../src/numbers.ts';
import type { AskedModel, Judged } from '../domain.ts';
import { climatology, dampedPersistence, persistence, ridgeOnComponents } from '../weather/forecast/baselines.ts';
import { COLOURS, charts } from '../weather/forecast/chart.ts';
import { BASELINE_COLOURS, contest, type Entrant, LEADS } from '../weather/forecast/contest.ts';
import { ensemble, meanForecast } from '../weather/forecast/ensemble.ts';
import { type Forecast, skillOf, type Truth } from '../weather/forecast/scores.ts';
import { range } from '../weather/forecast/series.ts';
import {
  type CellFactors,
  cellForecast,
  channelsAt,
  fitCells,
  type Sample,
  trainingSample,
  trainingStarts,
} from './cells.ts';
import { TEST_END, TRAIN_END, VALIDATION_END } from './climate.ts';
import { areaWeights, monthNames } from './fields.ts';
import { type KnownWinds, knownCoast } from './known.ts';
import { AHEAD, beginOf, toldFields } from './line.ts';
import { drawMaps, type WindMap } from './maps.ts';
import { regressionForecast, type WindSamples } from './regression.ts';

const MEMBERS = { whole: 16, quick: 4 };
const SEEDS = 3;
const QUICK_STEPS = 60;
/** Months in a row that err alike. */
const BLOCK = 3;
const COMPONENTS = [4, 8, 16, 32];
const PENALTIES = [0.01, 0.03, 0.1, 0.3, 1];
/** By how much the factors of a cell are drawn to those of all: see `fitCells`. */
const PULLS = [0.3, 1, 3];

export async function judgeWinds(asked: AskedModel, winds: KnownWinds): Promise<Judged> {
  const { quick, say } = asked;
  const { anomalies: fields } = winds;
  const weights = areaWeights();
  const known = { anomalies: fields, trainEnd: TRAIN_END, weights };
  const truth: Truth = { truth: fields, targets: range(VALIDATION_END, TEST_END), weights };
  const validation: Truth = { ...truth, targets: range(TRAIN_END, VALIDATION_END) };
  const starts = range(VALIDATION_END - AHEAD, TEST_END - 1);

  say('fitting the baselines');
  const ridge = ridgeOnComponents(known, 1, (by, lead) => {
    const settings = COMPONENTS.flatMap((components) => PENALTIES.map((penalty) => ({ components, penalty })));
    return leastBy(settings, (one) => skillOf(validation, by(one), lead).rmse);
  });
  const train = trainingStarts().map((now) => trainingSample(winds.series, now));
  const byCells = (factors: CellFactors): Forecast => {
    const made = new Map<number, Float32Array[]>();
    return (now, lead) => {
      if (!made.has(now)) made.set(now, cellForecast(factors, channelsAt(fields, now)));
      return made.get(now)![lead - 1];
    };
  };
  const fitted = PULLS.map((pull) => fitCells(train, weights, pull));
  const factors = leastBy(fitted, (one) =>
    LEADS.reduce((sum, lead) => sum + skillOf(validation, byCells(one), lead).rmse, 0),
  );
  const baselines = {
    persistence: { name: 'persistence', forecast: persistence(known), colour: BASELINE_COLOURS.persistence },
    climatology: { name: 'climatology', forecast: climatology(known), colour: BASELINE_COLOURS.climatology },
    damped: { name: 'damped persistence', forecast: dampedPersistence(known), colour: BASELINE_COLOURS.damped },
    ridge: { name: 'ridge on components', forecast: ridge, colour: BASELINE_COLOURS.ridge },
    cells: { name: 'regression by cell', forecast: byCells(factors), colour: '#56b4e9' },
  };

  const written = await languageModel(asked, winds, starts);
  const data = { train, validation: validationSamples(fields), season: winds.series.season, weights };
  const seeds = await regressions(asked, data, fields, starts);
  const models: Entrant[] = [
    { name: 'regression by a transformer', forecast: meanForecast(seeds), colour: COLOURS.model, seeds },
    { name: 'language model', forecast: written.forecast, colour: COLOURS.other },
  ];
  const { scores, chart, sentences, leader } = contest(truth, models, Object.values(baselines), baselines.damped, {
    ...{ name: 'Winds', unit: 'm/s', step: 'month', block: BLOCK },
    note: `Root mean square over all cells and both components of ${truth.targets.length} months, weighted by cos(latitude).`,
  });
  const maps = [1, 3].map((lead) => mapsOf(fields, leader.forecast, VALIDATION_END + 3, lead, winds));
  return {
    scores,
    pictures: [
      {
        title: `Eastward wind as it came, as the ${leader.name} said it, and the difference: one and three months ahead`,
        svg: drawMaps(maps, await knownCoast(say)),
      },
      { title: 'Error by lead, 1991 and 1992', svg: charts([chart]) },
    ],
    notes: [
      ...sentences,
      ...lettersNote(truth, winds, written.whole),
      ...(quick ? ['A quick judgement: few members, one short training.'] : []),
    ],
  };
}

/** What stands between a language model of letters and good forecasts. */
function lettersNote(truth: Truth, { codebook }: KnownWinds, whole: number): string[] {
  const letters: Forecast = (now, lead) => codebook.decode(codebook.encode(truth.truth[now + lead]));
  const error = skillOf(truth, letters, LEADS[0]).rmse.toFixed(3);
  const spells = `${(100 * whole).toFixed(0)} of 100 spells that it wrote tell all ${AHEAD} months`;
  return [
    `The language model has ${trainingStarts().length} spells to learn from, and letters are coarse: what came, written in letters and read back, misses itself by ${error} m/s. ${spells}.`,
  ];
}

/** The first of those whose value is least. */
function leastBy<T>(all: readonly T[], value: (one: T) => number): T {
  const values = all.map(value);
  return all[values.indexOf(smallest(values))];
}

function languageModel(
  asked: AskedModel,
  { anomalies: fields, series, codebook }: KnownWinds,
  starts: readonly number[],
) {
  const members = asked.quick ? MEMBERS.quick : MEMBERS.whole;
  asked.say(`writing ${members} spells after each of ${starts.length} months`);
  const begin = (now: number): string => beginOf(fields, now, Math.round(series.season[now] * 12), codebook);
  const told = (line: string): Float32Array[] => toldFields(line, codebook).fields.slice(2);
  return ensemble(asked, { starts, begin, told, members, size: fields[0].length, ahead: AHEAD });
}

/** Steps whose months ahead lie in the validation part. */
const validationSamples = (fields: readonly Float32Array[]): Sample[] =>
  range(TRAIN_END - 1, VALIDATION_END - AHEAD).map((now) => ({
    now,
    known: channelsAt(fields, now),
    ahead: range(1, AHEAD + 1).map((lead) => fields[now + lead]),
  }));

async function regressions(
  { engine, quick, seed, say, signal }: AskedModel,
  data: WindSamples,
  fields: readonly Float32Array[],
  starts: readonly number[],
): Promise<Forecast[]> {
  const seeds: Forecast[] = [];
  const known = starts.map((now) => ({ now, known: channelsAt(fields, now) }));
  for (const i of range(0, quick ? 1 : SEEDS)) {
    say(`training the regression, seed ${seed + i}`);
    const settings = quick ? { steps: QUICK_STEPS, warmupSteps: 10 } : {};
    seeds.push((await regressionForecast(engine, data, known, { seed: seed + i, settings, signal })).forecast);
  }
  return seeds;
}

function mapsOf(
  fields: readonly Float32Array[],
  forecast: Forecast,
  target: number,
  lead: number,
  { series }: KnownWinds,
): WindMap[] {
  const truth = fields[target];
  const said = forecast(target - lead, lead);
  const month = `${monthNames[Math.round(series.season[target] * 12)]} ${1982 + Math.floor(target / 12)}`;
  return [
    { title: `${month}, as it came`, field: truth },
    { title: `as said ${lead === 1 ? 'a month' : `${lead} months`} before`, field: said },
    { title: 'forecast minus truth', field: truth.map((value, p) => said[p] - value) },
  ];
}
