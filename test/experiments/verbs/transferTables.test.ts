import { expect, it } from 'vitest';
import { compareCurves } from '../../../experiments/transfer/labelsNeeded.ts';
import { cellInWords, transferTables } from '../../../experiments/verbs/transferTables.ts';
import { curvesOf, task, transfer, withTask } from '../report/transferResult.ts';

/** Two sizes of three seeds, and all labels with one. */
const scores = {
  full: [[0.5, 0.52, 0.54], [0.61, 0.6, 0.62], [0.7]],
  random: [[0.2, 0.22, 0.24], [0.5, 0.65, 0.5], [0.65]],
};
const curves = (['random', 'full'] as const).map((learner) => ({
  learner,
  points: [8, 32, 1000].map((n, i) => ({ n, scores: scores[learner][i] })),
}));
const pretraining = compareCurves(curves[1].points, curves[0].points);

it('gives a row to each number of labels, with spreads, gains and what the random start needs', () => {
  const lines = transferTables(transfer(withTask({ curves, pretraining, prompted: [] }))).split('\n');
  expect(lines[0]).toBe('AG News, accuracy in percent');
  const rows = lines.slice(1).map((line) => line.trim().split(/ {2,}/));
  expect(rows[0]).toEqual(['labels', 'random', 'full', 'full - random', 'random needs']);
  const [few, more, all] = ['8', '32', '1,000'].map((n) => rows.find(([first]) => first === n)!);
  expect(few).toEqual(['8', '22.0 +-2.0', '52.0 +-2.0', '+30.0 *', '28 (3.5×)']);
  expect(more.slice(3)).toEqual(['+6.0', '252 (7.9×)']); // 32 x (1000 / 32)^0.6; within the spread: no star
  expect(all).toEqual(['1,000', '65.0', '70.0', '+5.0', '> 1,000 (1×)']);
});

it('rounds a bound to where it stays true, and adds what prompts scored', () => {
  const sizes = [128, 4732];
  const random = sizes.map((n) => ({ n, scores: [0.1] }));
  const high = sizes.map((n) => ({ n, scores: [0.9] }));
  const changes = { curves: curvesOf(1, sizes), pretraining: compareCurves(high, random) };
  const text = transferTables(transfer(withTask(changes)));
  expect(text).toContain('> 4,732 (36×)'); // 36.97 would be rounded up
  expect(text).toContain('prompted: 0 shots 26.3, 1 shots 26.7, 4 shots 27.9, 16 shots 32.7');
});

it('says a measurement in a line', () => {
  const cell = {
    kind: 'cell',
    task: task().name,
    learner: 'lora',
    n: 1000,
    seed: 2,
    score: 0.5,
    seconds: 1.26,
  } as const;
  expect(cellInWords(cell, 3, 40)).toBe('3/40  AG News, lora, 1,000 labels, seed 2: 50.0%  1.3 s');
});
