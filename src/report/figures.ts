/** The report's figures: the loss large, and what explains it small beneath. */

import { type Chart, type Curve, drawChart, type Size } from './chart.ts';
import { count, figure, loss } from './format.ts';
import { type Html, html } from './html.ts';
import { envelope, lossRange, type Point, quantile, sampleEvenly, smooth } from './series.ts';
import type { Summary } from './summary.ts';

const WIDE: Size = { width: 860, height: 380, names: 92 };
const NARROW: Size = { width: 360, height: 280, names: 78 };
const SMALL: Size = { width: 276, height: 170, names: 0 };

/** Points of a drawn curve: as many as the eye can tell apart, in the large figure and in the small ones. */
const CURVE_POINTS = 400;
const SMALL_CURVE_POINTS = 160;

/** Beyond this many, measurements are a line without dots. */
const MOST_DOTS = 60;

const single = (name: string, points: readonly Point[], most = SMALL_CURVE_POINTS): Curve => ({
  name,
  tone: 'training',
  points: sampleEvenly(points, most),
});

/** Smoothed, with the single values behind. */
const noisy = (name: string, points: readonly Point[], most = SMALL_CURVE_POINTS): Curve => ({
  ...single(name, smooth(points), most),
  raw: envelope(points, most),
});

/** Training and validation loss, the best validation marked. */
export function lossFigure(summary: Summary): Html {
  const { training, validation } = summary;
  if (training.length + validation.length === 0) return html`<p>No loss was recorded.</p>`;
  const chart = lossChart(summary);
  const smoothed =
    training.length > 100 ? ' The faint line is each batch; the strong one averages over 3% of the run.' : '';
  return html`<figure><div class="wide">${drawChart(chart, WIDE)}</div><div class="narrow">${drawChart(chart, NARROW)}</div>
<figcaption>Cross-entropy in nats a token, by training step. Lower is better.${smoothed}
${summary.best && ' The ring marks the lowest validation loss, where the best checkpoint was kept.'}</figcaption></figure>`;
}

function lossChart({ training, validation, best, uniformLoss, data, steps }: Summary): Chart {
  const dots = validation.length <= MOST_DOTS;
  const curves: Curve[] = [noisy('training', training, CURVE_POINTS)];
  if (validation.length) {
    const points = sampleEvenly(validation, CURVE_POINTS);
    curves.push({ name: 'validation', tone: 'validation', points, dots });
  }
  return {
    id: 'loss',
    title: 'Training and validation loss by step',
    description: best
      ? `The lowest validation loss is ${loss(best.value)} at step ${best.step}.`
      : 'There is no validation loss.',
    curves,
    range: lossRange(training, validation, uniformLoss),
    format: loss,
    best: best && { ...best, label: `best ${loss(best.value)}` },
    levels: [{ value: uniformLoss, label: 'a uniform guess' }],
    breaks: data.status === 'diverged' ? [{ step: steps, label: 'diverged' }] : [],
  };
}

/** Learning rate, gradient norm and speed side by side; what was not recorded is left out. */
export function smallFigures(summary: Summary): Html {
  const figures = [learningRate(summary), gradientNorm(summary), speed(summary)].filter((one) => one !== undefined);
  return html`<div class="small">${figures.map(
    ({ chart, caption }) => html`<figure><h3>${chart.title}</h3>${drawChart(chart, SMALL)}
<figcaption>${caption}</figcaption></figure>`,
  )}</div>`;
}

interface Captioned {
  readonly chart: Chart;
  readonly caption: string;
}

function learningRate({ learningRates }: Summary): Captioned | undefined {
  if (learningRates.length === 0) return undefined;
  const peak = learningRates.reduce((most, { value }) => Math.max(most, value), 0);
  // In thousandths, hundred-thousandths, ...: the axis has no room for 0.00025.
  const power = peak > 0 ? Math.floor(Math.log10(peak)) : 0;
  const points = learningRates.map(({ step, value }) => ({ step, value: value / 10 ** power }));
  const last = learningRates.at(-1)!.value;
  const caption = `Highest ${figure(peak)}, at the end ${figure(last)}.`;
  return {
    chart: {
      id: 'learning-rate',
      title: power === 0 ? 'Learning rate' : `Learning rate (10${superscript(power)})`,
      description: caption,
      curves: [single('learning rate', points)],
      range: [0, peak / 10 ** power],
      format: (value) => figure(value * 10 ** power),
    },
    caption,
  };
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';
const superscript = (n: number): string =>
  String(n)
    .replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)])
    .replace('-', '⁻');

function gradientNorm({ gradientNorms }: Summary): Captioned | undefined {
  if (gradientNorms.length === 0) return undefined;
  const values = gradientNorms.map(({ value }) => value);
  const top = gradientNorms.reduce((most, point) => (point.value > most.value ? point : most));
  const caption = `Before clipping. Median ${figure(quantile(values, 0.5))}, highest ${figure(top.value)} at step ${top.step.toLocaleString('en')}.`;
  const curves = [noisy('gradient norm', gradientNorms)];
  // A few spikes would press the rest flat: they leave the picture, the caption keeps their height.
  const range: [number, number] = [0, Math.min(top.value, 2 * quantile(values, 0.99))];
  return { chart: { id: 'gradient', title: 'Gradient norm', description: caption, curves, range }, caption };
}

function speed({ speeds }: Summary): Captioned | undefined {
  if (speeds.length === 0) return undefined;
  const values = speeds.map(({ value }) => value);
  const caption = `Median ${count(quantile(values, 0.5))}, lowest ${count(quantile(values, 0))}.`;
  const range: [number, number] = [0, quantile(values, 1)];
  const curves = [noisy('tokens a second', speeds)];
  return {
    chart: { id: 'speed', title: 'Tokens a second', description: caption, curves, range, format: count },
    caption,
  };
}
