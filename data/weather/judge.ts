/** Forecasts of days held against what came. */

import { mean } from 'simple-statistics';
import { smallest } from '../../src/numbers.ts';
import type { AskedModel, Judged, Score } from '../domain.ts';
import { type Day, QUANTITIES, seriesOf, TRAIN_DAYS, VALIDATION_DAYS } from './days.ts';
import { drawSpells } from './draw.ts';
import { climatology, dampedPersistence, persistence, ridgeOnComponents } from './forecast/baselines.ts';
import { COLOURS, charts } from './forecast/chart.ts';
import { BASELINE_COLOURS, contest, type Entrant, LEADS, type Quantity } from './forecast/contest.ts';
import { ensemble, meanForecast } from './forecast/ensemble.ts';
import { type Forecast, skillOf, type Truth } from './forecast/scores.ts';
import { anomalies, type Climatology, range } from './forecast/series.ts';
import { AHEAD, beginOf, HISTORY, toldDays } from './line.ts';
import { READ, regressionForecast } from './regression.ts';

/** Days that the ridge regression reads. */
const RIDGE_HISTORY = 3;
const PENALTIES = [0.001, 0.01, 0.1, 1];
const MEMBERS = { whole: 16, quick: 6 };
const SEEDS = 3;
/** Every so many days a forecast begins in a quick judgement. */
const QUICK_STRIDE = 7;
/** Days in a row that are wrong alike. */
const BLOCK = 14;

const TITLES: Partial<Record<(typeof QUANTITIES)[number], { name: string; unit: string }>> = {
  max: { name: 'Highest temperature', unit: '°C' },
  min: { name: 'Lowest temperature', unit: '°C' },
};

export async function judgeDays(
  asked: AskedModel,
  { days, usual }: { days: readonly Day[]; usual: Climatology },
): Promise<Judged> {
  const { engine, quick, seed, signal, say } = asked;
  const series = seriesOf(days);
  const plain = anomalies(series, usual);
  const spread = spreadOf(plain.slice(0, TRAIN_DAYS));
  const units = plain.map((one) => one.map((value, p) => value / spread[p]));
  const validationEnd = TRAIN_DAYS + VALIDATION_DAYS;
  const targets = range(validationEnd + READ + AHEAD, days.length).filter((_, i) => !quick || i % QUICK_STRIDE === 0);
  const starts = [...new Set(targets.flatMap((target) => LEADS.map((lead) => target - lead)))].sort((a, b) => a - b);
  const equal = QUANTITIES.map(() => 1 / QUANTITIES.length);
  const known = { anomalies: units, trainEnd: TRAIN_DAYS, weights: equal };
  const truthOf = (weights: readonly number[], over: readonly number[] = targets): Truth => ({
    truth: units,
    targets: over,
    weights,
  });

  const ridge = ridgeOnComponents(known, RIDGE_HISTORY, (by, lead) => {
    const over = range(TRAIN_DAYS + AHEAD + RIDGE_HISTORY, validationEnd);
    const settings = PENALTIES.flatMap((penalty) =>
      range(1, QUANTITIES.length + 1).map((components) => ({ components, penalty })),
    );
    return leastBy(settings, (one) => skillOf(truthOf(equal, over), by(one), lead).rmse);
  });
  const baselines = {
    persistence: { name: 'persistence', forecast: persistence(known), colour: BASELINE_COLOURS.persistence },
    climatology: { name: 'climatology', forecast: climatology(known), colour: BASELINE_COLOURS.climatology },
    damped: { name: 'damped persistence', forecast: dampedPersistence(known), colour: BASELINE_COLOURS.damped },
    ridge: { name: 'ridge on components', forecast: ridge, colour: BASELINE_COLOURS.ridge },
  };

  const members = quick ? MEMBERS.quick : MEMBERS.whole;
  say(`writing ${members} spells for each of ${starts.length} days`);
  const told = (line: string, now: number): number[][] =>
    toldDays(line)
      .slice(HISTORY)
      .map(({ max, min, wind, rain }, i) => {
        const course = usual(series.season[Math.min(now + 1 + i, days.length - 1)]);
        return [max, min, wind - course[2], rain - course[3]].map((value, p) => value / spread[p]);
      });
  const begin = (now: number): string => beginOf(days.slice(now - HISTORY + 1, now + 1), usual);
  const written = await ensemble(asked, { starts, begin, told, members, size: QUANTITIES.length, ahead: AHEAD });

  const seeds: Forecast[] = [];
  const base = baselines.damped.forecast;
  const data = { days, season: series.season, anomalies: units, trainEnd: TRAIN_DAYS, validationEnd, base };
  for (const i of range(0, quick ? 1 : SEEDS)) {
    say(`training the regression, seed ${seed + i}`);
    seeds.push(await regressionForecast(engine, data, starts, { seed: seed + i, quick, signal }));
  }
  const models: Entrant[] = [
    { name: 'regression by a transformer', forecast: meanForecast(seeds), colour: COLOURS.model, seeds },
    { name: 'language model', forecast: written.forecast, colour: COLOURS.other },
  ];
  const contests = (['max', 'min'] as const).map((which) => {
    const p = QUANTITIES.indexOf(which);
    const quantity: Quantity = {
      ...TITLES[which]!,
      ...{ step: 'day', scale: spread[p], block: BLOCK },
      note: `Root mean square over ${targets.length} days of 2015.`,
    };
    const weights = QUANTITIES.map((_, i) => Number(i === p));
    return contest(truthOf(weights), models, Object.values(baselines), baselines.damped, quantity);
  });
  const rain = rainTomorrow(written.lines, days, targets);
  const example = starts[Math.floor(starts.length / 2)];
  return {
    scores: [...contests.flatMap(({ scores }) => scores), rain, wholeScore(written.whole, members * starts.length)],
    pictures: [
      { title: 'Errors by lead, of 2015', svg: charts(contests.map(({ chart }) => chart)) },
      {
        title: 'What the language model says after eight days, sixteen times',
        svg: drawSpells(written.lines.get(example)!, usual),
      },
    ],
    notes: contests.flatMap(({ sentences }) => sentences),
  };
}

/** Root mean square of each quantity. */
const spreadOf = (steps: readonly Float32Array[]): number[] =>
  QUANTITIES.map((_, p) => Math.sqrt(steps.reduce((sum, step) => sum + step[p] ** 2, 0) / steps.length));

/** The first of those whose value is least. */
function leastBy<T>(all: readonly T[], value: (one: T) => number): T {
  const values = all.map(value);
  return all[values.indexOf(smallest(values))];
}

/** How good the share of the spells in which it rains tomorrow is as its probability: Brier's score, beside the share of training days. */
function rainTomorrow(
  lines: ReadonlyMap<number, readonly string[]>,
  days: readonly Day[],
  targets: readonly number[],
): Score {
  const isWet = (t: number): number => Number(days[t].rain > 0);
  const brier = (probability: (now: number) => number): number =>
    mean(targets.map((target) => (probability(target - 1) - isWet(target)) ** 2));
  const usually = mean(range(0, TRAIN_DAYS).map(isWet));
  const afterWet = range(0, 2).map((wet) =>
    mean(range(1, TRAIN_DAYS).flatMap((t) => (isWet(t - 1) === wet ? [isWet(t)] : []))),
  );
  const written = (now: number): number =>
    mean(
      lines.get(now)!.flatMap((line) =>
        toldDays(line)
          .slice(HISTORY, HISTORY + 1)
          .map(({ rain }) => Number(rain > 0)),
      ),
    );
  return {
    ...{ name: 'Rain tomorrow, Brier score', value: brier(written), better: 'lower', digits: 3 },
    baselines: [
      { name: 'persistence', value: brier(isWet) },
      { name: 'share of training days', value: brier(() => usually) },
      { name: 'share after such a day', value: brier((now) => afterWet[isWet(now)]) },
    ],
    note: "Mean square between the share of the language model's spells with rain on the next day and whether it came.",
  };
}

const wholeScore = (value: number, lines: number): Score => ({
  ...{ name: 'Spells that can be read', value, better: 'higher', digits: 4, baselines: [] },
  note: `Of ${lines} lines that the language model wrote.`,
});
