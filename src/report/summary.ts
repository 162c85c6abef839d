import type { ReportData } from './data.ts';
import { lowest, type Point, seriesOf, smooth } from './series.ts';

/** What the report says more than once, worked out once. */
export interface Summary {
  readonly data: ReportData;
  readonly training: readonly Point[];
  readonly validation: readonly Point[];
  readonly learningRates: readonly Point[];
  readonly gradientNorms: readonly Point[];
  readonly speeds: readonly Point[];
  /** The lowest validation loss. */
  readonly best: Point | undefined;
  /** The last training loss, smoothed. */
  readonly finalTraining: number | undefined;
  /** Steps done. */
  readonly steps: number;
  /** Training tokens seen. */
  readonly tokens: number;
  /** Learned numbers. */
  readonly parameters: number;
  /** ln V: the loss in nats of giving every token the same probability. */
  readonly uniformLoss: number;
}

export function summarize(data: ReportData): Summary {
  const training = seriesOf(data.log, 'loss');
  const validation = seriesOf(data.log, 'validationLoss');
  return {
    data,
    training,
    validation,
    learningRates: seriesOf(data.log, 'learningRate'),
    gradientNorms: seriesOf(data.log, 'gradientNorm'),
    speeds: seriesOf(data.log, 'tokensPerSecond'),
    best: lowest(validation),
    finalTraining: smooth(training).at(-1)?.value,
    steps: data.log.reduce((most, { step }) => Math.max(most, step), 0),
    tokens: data.log.reduce((most, { tokens }) => Math.max(most, tokens), 0),
    parameters: data.parameters.reduce((sum, row) => sum + row.parameters, 0),
    uniformLoss: Math.log(data.model.vocabSize),
  };
}

/** Validation loss this far above its best, at the end, is worth a word: the checkpoints differ. */
const OVERFITTED_NATS = 0.05;

/** Sentences about what a reader should mind: those handed in, and what the figures show. */
export function warningsOf({ data, validation, best, steps }: Summary): string[] {
  const warnings = [...(data.warnings ?? [])];
  const planned = data.plannedSteps.toLocaleString('en');
  if (data.status === 'stopped') {
    warnings.unshift(`Stopped early, after ${steps.toLocaleString('en')} of ${planned} steps. It can be resumed.`);
  }
  if (data.status === 'diverged') {
    warnings.unshift(
      `Training diverged at step ${steps.toLocaleString('en')} of ${planned} and was stopped. The last good checkpoint is kept.`,
    );
  }
  const last = validation.at(-1);
  if (data.status !== 'diverged' && best && last && last.value > best.value + OVERFITTED_NATS) {
    warnings.push(
      `Validation loss rose from ${best.value.toFixed(3)} at step ${best.step.toLocaleString('en')} to ` +
        `${last.value.toFixed(3)} at the end: the model began to learn its text by heart. The best checkpoint is from before.`,
    );
  }
  return warnings;
}
