import { expect, it } from 'vitest';
import { classificationTables, spanTables } from '../../../src/cli/terminal/metricTables.ts';
import { classificationReport } from '../../../src/tasks/metrics/classification.ts';
import { spanReport } from '../../../src/tasks/metrics/spans.ts';

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
