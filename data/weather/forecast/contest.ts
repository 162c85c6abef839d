/** Models and baselines held against each other at every lead, as scores, a chart and sentences of a report. */
import { mean } from 'simple-statistics';
import type { Score } from '../../domain.ts';
import { COLOURS, type LineChart } from './chart.ts';
import { type Forecast, gainOver, type Skill, skillOf, type Truth } from './scores.ts';
import { range } from './series.ts';

/** Steps ahead that are judged. */
export const LEADS = range(1, 7);

/** A forecast, with the name that it has in reports. */
export interface Entrant {
  readonly name: string;
  readonly forecast: Forecast;
  readonly colour: string;
  /** Of a mean over several trainings: each of them. */
  readonly seeds?: readonly Forecast[];
}

/** What is forecast, in words. */
export interface Quantity {
  /** "Winds", "Highest temperature of the day" */
  readonly name: string;
  readonly unit: string;
  /** "month", "day" */
  readonly step: string;
  /** What was counted. */
  readonly note: string;
  /** What errors are multiplied by to be in that unit. */
  readonly scale?: number;
  /** Targets in a row that err alike, for bands. */
  readonly block: number;
}

export interface Contest {
  readonly scores: Score[];
  readonly chart: LineChart;
  readonly sentences: string[];
  /** The best of the models by the mean of its errors over the leads. */
  readonly leader: Entrant;
}

/** Judges `models`, of which the best leads, beside `baselines`, of which `against` is the one that bands are given for. */
export function contest(
  truth: Truth,
  models: readonly Entrant[],
  baselines: readonly Entrant[],
  against: Entrant,
  quantity: Quantity,
): Contest {
  const { scale = 1 } = quantity;
  const skills = new Map(
    [...models, ...baselines].map((one) => [one, LEADS.map((lead) => skillOf(truth, one.forecast, lead))]),
  );
  const of = (entrant: Entrant): Skill[] => skills.get(entrant)!;
  const errorOf = (entrant: Entrant): number => mean(of(entrant).map(({ rmse }) => rmse));
  const leader = models.reduce((best, one) => (errorOf(one) < errorOf(best) ? one : best));
  const others = [...models.filter((one) => one !== leader), ...baselines];
  const score = (i: number, what: 'rmse' | 'correlation'): Score => ({
    name: `${quantity.name}, ${what === 'rmse' ? 'error' : 'anomaly correlation'} ${ahead(LEADS[i], quantity.step)}`,
    value: of(leader)[i][what] * (what === 'rmse' ? scale : 1),
    ...(what === 'rmse' && { unit: quantity.unit }),
    better: what === 'rmse' ? 'lower' : 'higher',
    digits: 3,
    baselines: others.map((one) => ({ name: one.name, value: of(one)[i][what] * (what === 'rmse' ? scale : 1) })),
    ...(i === 0 && {
      note:
        what === 'rmse'
          ? `By the ${leader.name}. ${quantity.note}`
          : 'Over all targets together, against the climatology of the training part.',
    }),
  });
  return {
    leader,
    scores: (['rmse', 'correlation'] as const).flatMap((what) => LEADS.map((_, i) => score(i, what))),
    chart: {
      title: `${quantity.name}: error by lead`,
      x: `${quantity.step}s ahead`,
      y: quantity.unit,
      lines: [...models, ...baselines].map((one) => ({
        ...{ name: one.name, colour: one.colour, dashes: models.includes(one) ? undefined : '5 3' },
        points: LEADS.map((lead, i) => [lead, of(one)[i].rmse * scale] as const),
      })),
    },
    sentences: [
      gains(leader, against, of, quantity),
      ...(leader.seeds ? [ofSeeds(truth, leader, scale, quantity)] : []),
    ],
  };
}

const ahead = (lead: number, step: string): string => `${lead} ${step}${lead > 1 ? 's' : ''} ahead`;

/** By how much the leader's error is below another's, lead by lead. */
function gains(
  leader: Entrant,
  against: Entrant,
  of: (one: Entrant) => Skill[],
  { name, step, block }: Quantity,
): string {
  const each = LEADS.map((lead, i) => {
    const { percent, low, high } = gainOver(of(leader)[i], of(against)[i], block);
    return `${lead}: ${percent.toFixed(1)} (${low.toFixed(1)} to ${high.toFixed(1)})`;
  });
  return `${name}: the error of the ${leader.name} is below that of ${against.name} by so many percent at each lead in ${step}s (95% band of a bootstrap over stretches of ${block} ${step}s): ${each.join('; ')}.`;
}

function ofSeeds(truth: Truth, leader: Entrant, scale: number, { name, unit }: Quantity): string {
  const errors = leader.seeds!.map((forecast) => (skillOf(truth, forecast, LEADS[0]).rmse * scale).toFixed(3));
  return `${name}: the ${leader.name} is the mean of ${errors.length} trainings; each alone has ${errors.join(', ')} ${unit} at lead ${LEADS[0]}.`;
}

/** Colours of baselines in charts. */
export const BASELINE_COLOURS = {
  persistence: COLOURS.grey,
  climatology: COLOURS.gold,
  damped: COLOURS.pink,
  ridge: COLOURS.green,
} as const;
