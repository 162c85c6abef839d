/** How fast models go that were not measured themselves. */
import type { Pace } from './pace.ts';

/** What one step of a model took, and the operations a token that go with that. */
export interface Probe {
  readonly operations: number;
  readonly step: number;
}

/** What is at a run's end, in seconds, as far as it can be told without one: samples and the report. */
const END_SECONDS = 3;

/**
 * The pace of a model of other `operations` a token: its step on the line through two that were measured, never below a quarter of the
 * smaller one's; a validation's batch a third of a step, which is what the forward pass is.
 */
export function paceBetween(small: Probe, large: Probe, operations: number): Omit<Pace, 'memory'> {
  const share = small === large ? 0 : (operations - small.operations) / (large.operations - small.operations);
  const step = Math.max(small.step / 4, small.step + share * Math.max(0, large.step - small.step));
  return { step, begin: 0, validationBatch: step / 3, checkpoint: step, end: END_SECONDS };
}
