/**
 * One line of a run's log.jsonl. Training figures and validation loss of a step may stand in one record or in two; after a
 * resume, steps may come again, and then the later record holds.
 */
export interface LogRecord {
  /** Optimizer steps done, counted from 1; 0 is before the first. */
  readonly step: number;
  /** Training tokens seen so far. */
  readonly tokens: number;
  /** Time spent training so far, over all resumptions. */
  readonly timeMs: number;
  /** Mean cross-entropy of the step's batch, in nats a token. */
  readonly loss?: number;
  /** Mean cross-entropy over held-out text, in nats a token. */
  readonly validationLoss?: number;
  readonly learningRate?: number;
  /** Euclidean norm of all gradients, before clipping. */
  readonly gradientNorm?: number;
  /** In mixed precision: what the loss was multiplied by in the backward pass. */
  readonly lossScale?: number;
  /** In mixed precision: gradients overflowed, so the step changed nothing. It then has no gradientNorm. */
  readonly skipped?: true;
  readonly tokensPerSecond?: number;
}
