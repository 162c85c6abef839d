/** Charts of scores: by the number of labels, a curve for each learner, and by the number of shots. */

import { mean } from 'simple-statistics';
import { largest, smallest } from '../../src/numbers.ts';
import type { Chart, Curve } from '../../src/report/chart.ts';
import { percent } from '../../src/report/format.ts';
import { deviation } from '../../src/tasks/metrics/statistics.ts';
import type { CurvePoint } from '../transfer/labelsNeeded.ts';
import type { Learner, TransferTaskResult } from '../transfer/result.ts';
import { curveOf, learnerName, promptedOf } from './words.ts';

/** After the palette of Okabe and Ito, which the colour-blind tell apart; dashes tell curves apart without colours. */
const TONES: readonly [learner: Learner, light: string, dark: string, dashes?: string][] = [
  ['full', '#0072b2', '#56b4e9'],
  ['lora', '#d55e00', '#f0894a', '9 5'],
  ['head', '#a8548a', '#d995bf', '2 5'],
  ['random', '#00805c', '#35c39a', '10 4 2 4'],
  ['words', '#8a6d00', '#e3c341', '5 4'],
];

/** Stands behind the style of all pages. */
export const TONE_STYLE = `:root {${TONES.map(([name, light, dark]) => ` --${name}: light-dark(${light}, ${dark});`).join('')} }`;

/** Scores by labels, each doubling as wide. */
export function learningChart(task: TransferTaskResult): Chart {
  const curves = TONES.flatMap(([learner, , , dashes]) => {
    const points = curveOf(task, learner);
    return points.length > 0 ? [{ ...curveIn(points), name: learnerName(learner), tone: learner, dashes }] : [];
  });
  return { ...chartOf(task, 'labels', curves, majorityNote(task)), scale: 'log2' };
}

/** The prompted model by shots, between a guess and the commonest label. */
export function shotsChart(task: TransferTaskResult): Chart {
  const points = promptedOf(task).map(({ shots, scores }) => ({ n: shots, scores }));
  const curve = { ...curveIn(points), name: 'prompted', tone: 'full' };
  return chartOf(task, 'shots', [curve], [...majorityNote(task), ...guessNote(task)]);
}

type Notes = NonNullable<Chart['notes']>;

function chartOf({ name, metric }: TransferTaskResult, unit: string, curves: Curve[], notes: Notes): Chart {
  const values = [
    ...notes.map(({ value = 0 }) => value),
    ...curves.flatMap(({ points }) => points.map(({ value }) => value)),
    ...curves.flatMap(({ band = [] }) => band.flatMap(({ low, high }) => [low, high])),
  ];
  const range: Chart['range'] = [smallest(values), largest(values)];
  return { title: `${metric} by ${unit}: ${name}`, curves, notes, range, unit, format: inPercent };
}

const inPercent = (value: number): string => percent(value / 100);

/** Means in percent; where there are several scores, one standard deviation to both sides, within what scores can be. */
function curveIn(points: readonly CurvePoint[]): Pick<Curve, 'points' | 'band'> {
  const band = points
    .filter(({ scores }) => scores.length > 1)
    .map(({ n, scores }) => {
      const [centre, spread] = [mean(scores), deviation(scores)];
      return { step: n, low: 100 * Math.max(0, centre - spread), high: 100 * Math.min(1, centre + spread) };
    });
  return { band, points: points.map(({ n, scores }) => ({ step: n, value: 100 * mean(scores) })) };
}

const note = (name: string, score: number): Notes => [{ value: 100 * score, label: `${name} ${percent(score)}` }];

/** What the commonest label scores, with the most labels to find out which that is. */
function majorityNote(task: TransferTaskResult): Notes {
  const last = curveOf(task, 'majority').at(-1);
  return last ? note('majority', mean(last.scores)) : [];
}

/** Choosing among the classes by chance; tags are no such choice. */
const guessNote = ({ task, classes }: TransferTaskResult): Notes =>
  task === 'tag' || classes.length === 0 ? [] : note('a guess', 1 / classes.length);
