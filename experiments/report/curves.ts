/** Scores by the number of labels, a curve for each learner, and by the number of shots. */

import { mean } from 'simple-statistics';
import { type Chart, type Curve, drawChart, type Size } from '../../src/report/chart.ts';
import { exact, percent } from '../../src/report/format.ts';
import { type Html, html } from '../../src/report/html.ts';
import { deviation } from '../../src/tasks/metrics/statistics.ts';
import type { CurvePoint } from '../transfer/labelsNeeded.ts';
import { LEARNERS, type Learner, type TransferTaskResult } from '../transfer/result.ts';
import { curveOf, learnerName, listInWords, plural } from './words.ts';

const WIDE: Size = { width: 860, height: 420, names: 80 };
const NARROW: Size = { width: 360, height: 320, names: 66 };
const SMALL: Size = { width: 420, height: 260, names: 66 };

const inPercent = (value: number): string => `${value.toFixed(1)}%`;

/** Learning curves with their bands; `seeds` as they were planned. */
export function learningCurves(task: TransferTaskResult, id: string, seeds: number): Html {
  const chart = learningChart(task, id);
  if (chart.curves.length === 0) return html`<p>No learner was measured.</p>`;
  const asked = plural(task.tested, task.task === 'tag' ? 'sentence' : 'text');
  return html`<figure><div class="wide">${drawChart(chart, WIDE)}</div><div class="narrow">${drawChart(chart, NARROW)}</div>
<figcaption>${capitalized(task.metric)} in percent on ${asked} of the test part, by the number of labels trained on, each doubling
as wide. ${spreadInWords(chart.curves, seeds)}</figcaption></figure>`;
}

/** Whose spread is shaded; where a curve goes on without a band, a single seed was measured. */
function spreadInWords(curves: readonly Curve[], seeds: number): string {
  if (seeds < 2) return 'One seed: no spread is known.';
  const bare = curves.flatMap(({ points, band = [] }) =>
    points.map(({ step }) => step).filter((step) => !band.some((one) => one.step === step)),
  );
  const sizes = [...new Set(bare)].sort((a, b) => a - b);
  return `Means over ${seeds} seeds; shaded, one standard deviation around them${
    sizes.length > 0 ? `, but for single seeds at ${listInWords(sizes)}` : ''
  }.`;
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function learningChart(task: TransferTaskResult, id: string): Chart {
  const learners = LEARNERS.filter((learner) => learner !== 'majority');
  const curves = learners.flatMap((learner) => {
    const points = curveOf(task, learner);
    return points.length ? [curve(learner, points)] : [];
  });
  const levels = majorityLevel(task);
  return {
    ...{ id, curves, levels, scale: 'log2', unit: 'labels', format: inPercent },
    title: `${capitalized(task.metric)} by number of labels: ${task.name}`,
    description: curves.map(inWords).join('; '),
    range: rangeOf(curves, levels),
  };
}

const inWords = ({ name, points }: Curve): string => {
  const [first, last] = [points[0], points.at(-1)!];
  return `${name}: ${inPercent(first.value)} with ${exact(first.step)}, ${inPercent(last.value)} with ${exact(last.step)}`;
};

function curve(learner: Learner, points: readonly CurvePoint[]): Curve {
  const spread = points.filter(({ scores }) => scores.length > 1);
  return {
    ...{ name: learnerName(learner), tone: learner, dots: true },
    points: points.map(({ n, scores }) => ({ step: n, value: 100 * mean(scores) })),
    band: spread.length > 0 ? spread.map(bandAt) : undefined,
  };
}

/** One standard deviation to both sides, within what scores can be. */
function bandAt({ n, scores }: CurvePoint): { step: number; low: number; high: number } {
  const [centre, spread] = [mean(scores), deviation(scores)];
  return { step: n, low: 100 * Math.max(0, centre - spread), high: 100 * Math.min(1, centre + spread) };
}

type Levels = NonNullable<Chart['levels']>;

function rangeOf(curves: readonly Curve[], levels: Levels): [number, number] {
  const values = [
    ...curves.flatMap(({ points, band = [] }) => [
      ...points.map(({ value }) => value),
      ...band.flatMap(({ low, high }) => [low, high]),
    ]),
    ...levels.map(({ value }) => value),
  ];
  return [Math.min(...values), Math.max(...values)];
}

/** What the commonest label scores, with the most labels to find out which that is. */
function majorityLevel(task: TransferTaskResult): Levels {
  const last = curveOf(task, 'majority').at(-1);
  if (!last) return [];
  const value = 100 * mean(last.scores);
  return [{ value, label: `majority ${inPercent(value)}` }];
}

/** The prompted model by shots, between a guess and the commonest label. */
export function shotsChart(task: TransferTaskResult, id: string): Html {
  const points = task.prompted.map(({ shots, scores }) => ({ n: shots, scores }));
  const curves: Curve[] = [{ ...curve('full', points), name: 'prompted', tone: 'training' }];
  const levels = [...majorityLevel(task), ...guessLevel(task)];
  const chart: Chart = {
    ...{ id, curves, levels, unit: 'shots', format: inPercent },
    title: `${capitalized(task.metric)} by shots: ${task.name}`,
    description: task.prompted.map(({ shots, scores }) => `${shots} shots: ${percent(mean(scores))}`).join('; '),
    range: rangeOf(curves, levels),
  };
  return html`<figure>${drawChart(chart, SMALL)}</figure>`;
}

/** Choosing among the classes by chance; tags are no such choice. */
function guessLevel({ task, classes }: TransferTaskResult): Levels {
  if (task === 'tag' || classes.length === 0) return [];
  const value = 100 / classes.length;
  return [{ value, label: `a guess ${inPercent(value)}` }];
}
