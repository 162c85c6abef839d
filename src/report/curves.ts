/** A run's charts: the loss large, and what explains it small beneath. */
import { max, median, min, quantile } from 'simple-statistics';
import type { Chart } from './chart.ts';
import { count, exact, figure, loss } from './format.ts';
import { lossRange, type Point, smooth } from './series.ts';
import type { Summary } from './summary.ts';

/** Training and validation loss, the best validation marked. */
export function lossChart({ training, smoothed, validation, best, uniformLoss, data, steps }: Summary): Chart {
  const range = lossRange(training, validation, uniformLoss);
  return {
    ...{ title: 'Training and validation loss by step', range, format: loss },
    curves: [
      { name: 'training', tone: 'training', points: smoothed, raw: training },
      { name: 'validation', tone: 'validation', points: validation },
    ],
    notes: [
      ...(uniformLoss >= range[0] && uniformLoss <= range[1] ? [{ value: uniformLoss, label: 'a uniform guess' }] : []),
      ...(data.status === 'diverged' ? [{ step: steps, label: 'diverged' }] : []),
      ...(best ? [{ ...best, label: `best ${loss(best.value)}` }] : []),
    ],
  };
}

/** Learning rate, gradient norm and speed with their captions; what was not recorded is left out. */
export const smallCharts = ({ learningRates, gradientNorms, speeds }: Summary): [Chart, caption: string][] => [
  ...small('Learning rate', learningRates, learningRates, (rates) => [
    max(rates),
    `Highest ${figure(max(rates))}, at the end ${figure(rates.at(-1)!)}.`,
  ]),
  ...small('Gradient norm', gradientNorms, smooth(gradientNorms), (norms) => [
    Math.min(max(norms), 2 * quantile(norms, 0.99)), // a few spikes would press the rest flat
    `Before clipping. Median ${figure(median(norms))}, highest ${figure(max(norms))} at step ${exact(gradientNorms[norms.indexOf(max(norms))].step)}.`,
  ]),
  ...small('Tokens a second', speeds, smooth(speeds), (rates) => [
    max(rates),
    `Median ${count(median(rates))}, lowest ${count(min(rates))}.`,
  ]),
];

type Points = readonly Point[];

/** `tell` finds the top of the vertical axis and the caption. */
function small(
  title: string,
  raw: Points,
  points: Points,
  tell: (values: number[]) => [number, string],
): [Chart, string][] {
  if (raw.length === 0) return [];
  const [top, caption] = tell(raw.map(({ value }) => value));
  const curve = { name: title.toLowerCase(), tone: 'training', points, raw: points === raw ? undefined : raw };
  return [[{ title, curves: [curve], range: [0, top] }, caption]];
}
