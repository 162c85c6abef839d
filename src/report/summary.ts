import type { ReportData } from './data.ts';
import { exact, loss } from './format.ts';
import { lowest, seriesOf, smooth } from './series.ts';

export type Summary = ReturnType<typeof summarize>;

/** What the report says more than once, worked out once. */
export function summarize(data: ReportData) {
  const { log, model, parameters } = data;
  const validation = seriesOf(log, 'validationLoss');
  const training = seriesOf(log, 'loss');
  const smoothed = smooth(training);
  return {
    ...{ data, training, smoothed, validation, best: lowest(validation) },
    learningRates: seriesOf(log, 'learningRate'),
    gradientNorms: seriesOf(log, 'gradientNorm'),
    speeds: seriesOf(log, 'tokensPerSecond'),
    /** The last training loss, smoothed. */
    finalTraining: smoothed.at(-1)?.value,
    /** Steps done, and training tokens seen. */
    steps: log.reduce((most, { step }) => Math.max(most, step), 0),
    tokens: log.reduce((most, { tokens }) => Math.max(most, tokens), 0),
    /** Learned numbers. */
    parameters: parameters.reduce((sum, row) => sum + row.parameters, 0),
    /** ln V: the loss in nats of giving every token the same probability. */
    uniformLoss: Math.log(model.vocabSize),
  };
}

/** Validation loss this far above its best, at the end, is worth a word: the checkpoints differ. */
const OVERFITTED_NATS = 0.05;

/** Sentences about what a reader should mind: what the figures show, and those handed in. */
export function warningsOf({ data, validation, best, steps }: Summary): string[] {
  const { status, plannedSteps, warnings = [] } = data;
  const last = validation.at(-1);
  const overfitted = status !== 'diverged' && best && last && last.value > best.value + OVERFITTED_NATS;
  const found = [
    status === 'stopped' && `Stopped early, after ${exact(steps)} of ${exact(plannedSteps)} steps. It can be resumed.`,
    status === 'diverged' &&
      `Training diverged at step ${exact(steps)} of ${exact(plannedSteps)} and was stopped. The last good checkpoint is kept.`,
    ...warnings,
    overfitted &&
      `Validation loss rose from ${loss(best.value)} at step ${exact(best.step)} to ${loss(last.value)} at the end: ` +
        'the model began to learn its text by heart. The best checkpoint is from before.',
  ];
  return found.filter((sentence) => typeof sentence === 'string');
}
