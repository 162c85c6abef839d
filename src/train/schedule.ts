import { CONTEXT_HALVINGS, type TrainConfig } from './config.ts';

/** The settings that the learning rate follows. */
export type ScheduleSettings = Pick<
  TrainConfig,
  'schedule' | 'learningRate' | 'minLearningRate' | 'warmupSteps' | 'steps' | 'decayFraction'
>;

/** The settings that the context follows. */
export type ContextSettings = Pick<TrainConfig, 'contextGrowth' | 'steps'>;

/**
 * The learning rate of step `step` (from 0): linear warm-up, then the schedule's course down to minLearningRate.
 * The cosine is nanoGPT's (get_lr in train.py); warmup-stable-decay is that of MiniCPM (Hu et al., 2024) with a linear end.
 */
export function learningRateAt(step: number, config: ScheduleSettings): number {
  const { schedule, learningRate, minLearningRate, warmupSteps, steps, decayFraction } = config;
  if (step < warmupSteps) return (learningRate * (step + 1)) / (warmupSteps + 1);
  const between = (share: number): number => minLearningRate + share * (learningRate - minLearningRate);
  const done = Math.min(1, (step - warmupSteps) / Math.max(1, steps - warmupSteps));
  switch (schedule) {
    case 'constant':
      return learningRate;
    case 'linear':
      return between(1 - done);
    case 'cosine':
      return between(0.5 * (1 + Math.cos(Math.PI * done)));
    case 'warmup-stable-decay': {
      const decaySteps = Math.max(1, decayFraction * steps);
      return between(Math.min(1, Math.max(0, (steps - step) / decaySteps)));
    }
  }
}

/**
 * How often the windows of step `step` (from 0) are halved: during the first contextGrowth of the steps the context grows from a
 * quarter over a half, in equal shares, to all of it. What a head finds among a few tokens it finds sooner than among many. The tokens
 * of a step are the same, and so are their number and order.
 */
export function contextHalvings(step: number, { contextGrowth, steps }: ContextSettings): number {
  const done = contextGrowth === 0 ? 1 : step / (contextGrowth * steps);
  return Math.max(0, CONTEXT_HALVINGS - Math.floor(CONTEXT_HALVINGS * done));
}
