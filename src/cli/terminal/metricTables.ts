/** Scores as people read them. For machines the reports are plain data: `printJson(report)`. */

import { count } from '../../report/format.ts';
import type { ClassificationReport } from '../../tasks/metrics/classification.ts';
import type { SpanReport } from '../../tasks/metrics/spans.ts';
import type { PromptingReport, Spread } from '../../tasks/prompt/prompt.ts';
import { table } from './output.ts';

/** Beyond so many classes the confusion matrix is wider than a terminal: only the commonest confusions are listed. */
const WIDEST_MATRIX = 12;
const LISTED_CONFUSIONS = 10;

/** 0.123 -> "12.3%". */
export const percent = (share: number | null): string => (share === null ? '–' : `${(100 * share).toFixed(1)}%`);

/** Accuracy, the scores of each class, the confusions, and how far the probabilities can be believed. */
export function classificationTables(report: ClassificationReport): string {
  const [low, high] = report.accuracyInterval;
  return [
    table(
      [
        ['examples', count(report.count)],
        ['accuracy', `${percent(report.accuracy)} (95% interval ${percent(low)} to ${percent(high)})`],
        ['macro F1', percent(report.macroF1)],
        ['expected calibration error', percent(report.calibrationError)],
      ],
      2,
    ),
    scoreTable(report),
    confusionTable(report),
    reliabilityTable(report),
    abstentionTable(report),
  ].join('\n');
}

const scoreTable = ({ perClass }: ClassificationReport): string =>
  table([
    ['class', 'precision', 'recall', 'F1', 'examples', 'predicted'],
    ...perClass.map((score) => [
      score.label,
      ...[score.precision, score.recall, score.f1].map(percent),
      ...[score.support, score.predicted].map(count),
    ]),
  ]);

function confusionTable({ perClass, confusion }: ClassificationReport): string {
  const labels = perClass.map(({ label }) => label);
  if (labels.length > WIDEST_MATRIX) return commonConfusions(labels, confusion);
  return table([['is \\ said to be', ...labels], ...confusion.map((row, c) => [labels[c], ...row.map(count)])]);
}

function commonConfusions(labels: readonly string[], confusion: readonly (readonly number[])[]): string {
  const mistakes = confusion
    .flatMap((row, truth) => row.map((times, said) => ({ truth, said, times })))
    .filter(({ truth, said, times }) => truth !== said && times > 0)
    .sort((a, b) => b.times - a.times)
    .slice(0, LISTED_CONFUSIONS);
  const rows = mistakes.map(({ truth, said, times }) => [labels[truth], labels[said], count(times)]);
  return table([['is', 'said to be', 'times'], ...rows], 2);
}

const reliabilityTable = ({ reliability }: ClassificationReport): string =>
  table([
    ['confidence', 'examples', 'mean', 'right'],
    ...reliability
      .filter((bin) => bin.count > 0)
      .map((bin) => [
        `${percent(bin.low)} to ${percent(bin.high)}`,
        count(bin.count),
        ...[bin.confidence, bin.accuracy].map(percent),
      ]),
  ]);

const abstentionTable = ({ abstention }: ClassificationReport): string =>
  table([
    ['silent below', 'answered', 'of these right'],
    ...abstention.map(({ threshold, coverage, accuracy }) => [
      threshold.toFixed(2),
      percent(coverage),
      percent(accuracy),
    ]),
  ]);

/** Entity scores, overall and per type, and the share of words that have the right tag. */
export function spanTables(report: SpanReport): string {
  const facts = [
    ['sentences', count(report.sentences)],
    ['words', count(report.tokens)],
    ['words with the right tag', percent(report.tokenAccuracy)],
  ];
  const rows = [...report.perType, report.overall].map((score) => [
    score.type,
    ...[score.precision, score.recall, score.f1].map(percent),
    ...[score.support, score.predicted, score.correct].map(count),
  ]);
  const heading = ['entities', 'precision', 'recall', 'F1', 'in truth', 'predicted', 'correct'];
  return `${table(facts, 2)}\n${table([heading, ...rows])}`;
}

const SCORES = ['accuracy', 'macroF1', 'calibrationError'] as const;

/** Scores of a prompted model, seed by seed and over all; of a single seed, everything. */
export function promptingTables(
  { classes, contentFree, runs, shots, majority, ...scores }: PromptingReport,
  name: string,
): string {
  const calibration = contentFree === null ? 'no calibration' : `calibrated on ${JSON.stringify(contentFree)}`;
  const facts = `${name}, ${shots} shots, ${calibration}; always the commonest class: ${percent(majority)}, a guess: ${percent(1 / classes.length)}\n\n`;
  if (runs.length === 1) return facts + classificationTables(runs[0].report);
  const over = (title: string, text: (spread: Spread) => string) => [
    title,
    '',
    ...SCORES.map((score) => text(scores[score])),
  ];
  return (
    facts +
    table([
      ['seed', 'shots shown', 'accuracy', 'macro F1', 'calibration error'],
      ...runs.map(({ seed, meanShots, report }) => [
        String(seed),
        meanShots.toFixed(1),
        ...SCORES.map((score) => percent(report[score])),
      ]),
      over('mean', (one) => percent(one.mean)),
      over('deviation', (one) => percent(one.deviation)),
      over('range', ({ low, high }) => `${percent(low)} to ${percent(high)}`),
    ])
  );
}
