import { expect, it } from 'vitest';
import { classificationTables, comparisonTable, spanTables } from '../../src/cli/metricTables.ts';
import { classificationReport } from '../../src/tasks/metrics/classification.ts';
import { spanReport } from '../../src/tasks/metrics/spans.ts';
import { compareCurves } from '../../src/train/experiment/labelsNeeded.ts';

it('prints a classification report', () => {
  const report = classificationReport(
    ['ham', 'spam'],
    [0, 0, 1],
    [
      [0.9, 0.1],
      [0.4, 0.6],
      [0.02, 0.98],
    ],
  );
  const text = classificationTables(report);
  expect(text).toContain('accuracy                    66.7% (95% interval 20.8% to 93.9%)\n');
  expect(text).toContain(
    'class  precision  recall     F1  examples  predicted\nham       100.0%   50.0%  66.7%         2          1\n',
  );
  expect(text).toContain('is \\ said to be  ham  spam\nham                1     1\nspam               0     1\n');
  expect(text).toContain('53.3% to 60.0%          1  60.0%    0.0%\n');
  expect(text).toContain('0.99              0.0%               –\n');
});

it('lists the commonest confusions of many classes', () => {
  const classes = Array.from({ length: 13 }, (_, c) => `class ${c}`);
  const says = (c: number) => classes.map((_, k) => (k === c ? 1 : 0));
  const text = classificationTables(classificationReport(classes, [3, 3, 4, 5], [says(7), says(7), says(1), says(5)]));
  expect(text).toContain('is       said to be  times\nclass 3  class 7         2\nclass 4  class 1         1\n');
});

it('prints a span report', () => {
  const text = spanTables(spanReport([['B-P', 'O', 'B-L']], [['B-P', 'O', 'O']]));
  expect(text).toContain('words with the right tag  66.7%\n');
  expect(text).toContain('P            100.0%  100.0%  100.0%         1          1        1\n');
  expect(text).toContain('all          100.0%   50.0%   66.7%         2          1        1\n');
});

it('prints a comparison of learning curves', () => {
  const point = (n: number, ...scores: number[]) => ({ n, scores });
  const text = comparisonTable(
    'tuned',
    'random',
    compareCurves(
      [point(8, 0.6, 0.62), point(64, 0.9, 0.91)],
      [point(8, 0.3, 0.32), point(32, 0.6, 0.62), point(64, 0.7, 0.7)],
    ),
  );
  const lines = text.split('\n').map((line) => line.replace(/ {2,}/g, '|'));
  expect(lines[0]).toBe('labels|tuned|random|gain|better|p|random needs');
  expect(lines[1]).toBe('8|61.0 +- 1.4|31.0 +- 1.4|30.0 +- 0.0 *|2 of 2|–|32 (4.0x)');
  expect(lines[2]).toMatch(/^64\|90.5 \+- 0.7\|70.0 \+- 0.0\|20.5 \+- 0.7 \*\|2 of 2\|0.0\d\d\|more than 64 \(1.0x\)$/);
  expect(lines[3]).toMatch(/^p: paired t over seeds, two-sided/);
});
