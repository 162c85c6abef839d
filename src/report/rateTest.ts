/** A test of learning rates as a page. */
import type { Chart } from './chart.ts';
import { figure as digits, loss } from './format.ts';
import { figure, renderPage } from './page.ts';
import { lossRange } from './series.ts';

export interface RateTestData {
  /** What was tested: the run's name. */
  readonly name: string;
  readonly points: readonly { readonly rate: number; readonly loss: number; readonly smoothed: number }[];
  readonly steepest: number;
  readonly turn: number;
  readonly suggestion: number;
  /** The rate that the run has. */
  readonly own: number;
}

/** "Train with --learning-rate 0.003 ... The run's own is 0.001." */
export const rateTestSentence = ({ steepest, turn, suggestion, own }: Omit<RateTestData, 'points' | 'name'>): string =>
  `The loss falls fastest at a learning rate of ${digits(Number(steepest.toPrecision(2)))} and no further from ${digits(Number(turn.toPrecision(2)))} on: try --learning-rate ${digits(suggestion)}. The run's own is ${digits(own)}${comparison(own, suggestion)}.`;

/** Rates within three times of each other are much the same. */
function comparison(own: number, suggestion: number): string {
  const ratio = own / suggestion;
  if (!(ratio > 0)) return '';
  if (ratio >= 1 / 3 && ratio <= 3) return ', which is much the same';
  return ratio > 1
    ? `, ${digits(Number(ratio.toPrecision(2)))} times that`
    : `, 1/${digits(Number((1 / ratio).toPrecision(2)))} of it`;
}

/** The losses by their rates, on a logarithmic axis. */
export function rateTestChart({ points, steepest, own }: RateTestData): Chart {
  const curve = (value: 'loss' | 'smoothed') => points.map((point) => ({ step: point.rate, value: point[value] }));
  const [raw, smoothed] = [curve('loss'), curve('smoothed')];
  const shown = own >= points[0].rate && own <= points[points.length - 1].rate;
  return {
    ...{ title: 'Loss by learning rate', unit: 'learning rate', scale: 'log10', format: loss },
    range: lossRange(smoothed, []),
    curves: [{ name: 'training', tone: 'training', points: smoothed, raw }],
    notes: [
      { step: steepest, value: nearest(points, steepest).smoothed, label: 'falls fastest' },
      ...(shown ? [{ step: own, label: `the run's own ${digits(own)}` }] : []),
    ],
  };
}

const nearest = (points: RateTestData['points'], rate: number) =>
  points.reduce((best, point) => (Math.abs(point.rate - rate) < Math.abs(best.rate - rate) ? point : best));

/** A whole HTML document. */
export const rateTestPage = (data: RateTestData): string =>
  renderPage({
    title: data.name,
    over: 'Test of learning rates',
    abstract: rateTestSentence(data),
    sections: figure(
      rateTestChart(data),
      `${data.points.length} steps from fresh weights, the learning rate growing by the same factor each; the line is the mean of nine steps.`,
    ),
  });
