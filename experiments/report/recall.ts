/** The report of the recall experiment: one HTML file that holds everything that it needs. */
import { largest } from '../../src/numbers.ts';
import type { Chart } from '../../src/report/chart.ts';
import { count, durationInWords, loss, percent, range } from '../../src/report/format.ts';
import type { Part } from '../../src/report/html.ts';
import { type Column, figure, folded, renderPage, section, table } from '../../src/report/page.ts';
import type { RecallResult } from '../recall/run.ts';

/** The report as a whole HTML document. The same result gives the same bytes. */
export function renderRecallReport(result: RecallResult): string {
  return renderPage({
    title: 'Recall from the prompt',
    over: `Experiment · seed ${result.seed}`,
    abstract: recallInWords(result),
    sections: [accuracySection(result, 'Accuracy by shots'), learningSection(result)],
  });
}

export const recallInWords = ({ task, model, parameters, steps, timeMs }: RecallResult): string =>
  `Each sequence pairs some of ${task.keys} keys with ${task.values} values at random, then asks for one: "k3 v1 k9 v7 k3" is to be
followed by v1. No weight can know it; the prompt does. A model of ${model.nLayer} layers, width ${model.nEmbd}, ${model.nHead} heads
and ${count(parameters)} parameters learned to read it there in ${count(steps)} steps, ${durationInWords(timeMs)}.`;

/** Right answers by shots, against a guess. */
export function accuracySection({ scores, chance, questions }: RecallResult, heading: string, ...more: Part[]): Part {
  const points = scores.map(({ shots, accuracy }) => ({ step: shots, value: 100 * accuracy }));
  const chart: Chart = {
    title: 'Accuracy in percent by shots',
    curves: [{ name: 'recall', tone: 'validation', points }],
    range: [0, 100],
    format: (value) => percent(value / 100),
    notes: [{ value: 100 * chance, label: 'a guess' }],
    unit: 'shots',
  };
  const text = `Right answers to ${count(questions)} fresh sequences a point. With 0 shots the query stands alone: nothing beats a guess,
${percent(chance)}. With k shots, k pairs of different keys stand before it, its own among them.`;
  const numbers = table(scores, [
    ['Shots', ({ shots }) => shots],
    ['Accuracy', ({ accuracy }) => percent(accuracy), 'number'],
    ['95% interval', ({ interval }) => range(interval, percent), 'number'],
  ]);
  return section(heading, figure(chart, text), ...more, folded('The curve in numbers', numbers));
}

function learningSection({ history, stages, task }: RecallResult): Part {
  const points = history.map(({ step, loss: value }) => ({ step, value }));
  const chart: Chart = {
    title: 'Loss on the answers by step',
    curves: [{ name: 'training', tone: 'training', points }],
    range: [0, largest(points.map(({ value }) => value))],
    format: loss,
    notes: [{ step: stages[0].taken, label: 'longer sequences' }],
  };
  const text = `Cross-entropy of the answers by optimizer step, averaged over 20. Choosing among ${task.values} values by chance costs
${loss(Math.log(task.values))} nats.`;
  return section('Learning', figure(chart, text), table(stages, STAGES));
}

const STAGES: readonly Column<RecallResult['stages'][number]>[] = [
  ['Curriculum', (_, i) => `Part ${i + 1}`],
  ['Pairs a sequence', ({ pairs }) => pairs, 'number'],
  ['Different keys at most', ({ distinct: [from, to] }) => (from === to ? to : `${from}, growing to ${to}`), 'number'],
  ['Batch', ({ batchSize }) => batchSize, 'number'],
  ['Steps', ({ taken }) => count(taken), 'number'],
  ['Loss at its end', (stage) => loss(stage.loss), 'number'],
];
