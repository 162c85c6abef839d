/** What was measured of a run on what was held out, each beside what it costs nothing to reach. */
import { exact, figure, loss, percent, range } from '../../report/format.ts';
import { lowest, seriesOf } from '../../report/series.ts';
import type { ClassificationReport } from '../../tasks/metrics/classification.ts';
import type { SpanReport } from '../../tasks/metrics/spans.ts';
import type { CardFacts, LabelFacts, TextFacts } from './facts.ts';

export interface Measured {
  readonly name: string;
  readonly value: number;
  readonly inWords: string;
  /** Its identifier on the hub, where it has one. */
  readonly metric?: string;
  /** What a reader should hold it against, in words. */
  readonly against?: string;
}

export interface PartScores {
  readonly split: string;
  readonly measured: readonly Measured[];
}

/** By part of the data; nothing of a run that was never scored. */
export const scoresOf = (facts: CardFacts): PartScores[] =>
  facts.task === 'text' ? textScores(facts) : labelScores(facts);

/** Of the lowest validation loss, whose weights are kept as the best. */
function textScores({ log, card, model }: TextFacts): PartScores[] {
  const best = lowest(seriesOf(log, 'validationLoss'));
  if (!best) return [];
  const { bytes, trainTokens, validationTokens } = card.dataCard;
  const bits = (best.value / Math.LN2) * ((trainTokens + validationTokens) / bytes);
  const guessing = Math.log(model.vocabSize);
  const at = `at step ${exact(best.step)}`;
  const measured: Measured[] = [
    {
      ...{ name: 'Cross-entropy, nats a token', value: best.value, inWords: `${loss(best.value)} ${at}` },
      against: `guessing: ${loss(guessing)}`,
    },
    {
      ...{
        name: 'Perplexity',
        metric: 'perplexity',
        value: Math.exp(best.value),
        inWords: figure(Math.exp(best.value)),
      },
      against: `guessing: ${exact(model.vocabSize)}`,
    },
    ...(bytes > 0 && card.tunedFrom?.chat === undefined
      ? [{ name: 'Bits a byte, by the tokens a byte of the whole text', value: bits, inWords: bits.toFixed(2) }]
      : []),
  ];
  return [{ split: 'validation', measured }];
}

function labelScores({ card }: LabelFacts): PartScores[] {
  const { report } = card;
  if (!report) return [];
  if (card.task === 'classify') {
    const most = mostFrequent(card.dataCard.parts.test?.labels ?? {});
    return [{ split: 'test', measured: classified(report as ClassificationReport, most) }];
  }
  return Object.entries(report as Record<string, SpanReport>).map(([split, one]) => ({ split, measured: spans(one) }));
}

/** The share that is right when the commonest label is always said. */
function mostFrequent(counts: Readonly<Record<string, number>>): string | undefined {
  const all = Object.values(counts);
  const sum = all.reduce((a, b) => a + b, 0);
  return sum > 0 ? `the commonest label always: ${percent(all.reduce((a, b) => Math.max(a, b), 0) / sum)}` : undefined;
}

function classified(report: ClassificationReport, against: string | undefined): Measured[] {
  const { accuracy, accuracyInterval, macroF1, calibrationError, count } = report;
  const share = (name: string, value: number, more = '', metric?: string): Measured => ({
    ...{ name, value, inWords: `${percent(value)}${more}`, metric },
  });
  const band = ` (95% interval ${range([...accuracyInterval], percent)}; ${exact(count)} texts)`;
  return [
    { ...share('Accuracy', accuracy, band, 'accuracy'), against },
    share('Macro F1', macroF1, '', 'f1'),
    share('Calibration error', calibrationError),
  ];
}

function spans({ overall, tokenAccuracy, sentences }: SpanReport): Measured[] {
  const { precision, recall, f1, support } = overall;
  const found = ` (${exact(support)} spans in ${exact(sentences)} sentences)`;
  const share = (name: string, metric: string, value: number, more = ''): Measured => ({
    ...{ name, metric, value, inWords: `${percent(value)}${more}` },
  });
  return [
    share('F1 of whole spans', 'f1', f1, found),
    share('Precision of whole spans', 'precision', precision),
    share('Recall of whole spans', 'recall', recall),
    share('Words tagged right', 'accuracy', tokenAccuracy),
  ];
}
