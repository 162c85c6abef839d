import { z } from 'zod';

/** What float32 holds, so that no difference overflows. JSON has no NaN: what was none is read as one again. */
const figure = z.union([z.number().min(-3.5e38).max(3.5e38), z.null().transform(() => Number.NaN)]).optional();

/**
 * One line of a run's log.jsonl. Training figures and validation loss of a step may stand in one record or in two; after a
 * resume, steps may come again, and then the later record holds.
 */
export const LogRecord = z.object({
  /** Optimizer steps done, counted from 1; 0 is before the first. */
  step: z
    .int()
    .min(0)
    .lt(2 ** 32),
  /** Training tokens seen so far. */
  tokens: z.int().min(0),
  /** Time spent training so far, over all resumptions. */
  timeMs: z.number().min(0).max(1e15),
  /** Mean cross-entropy of the step's batch, in nats a token. */
  loss: figure,
  /** Mean cross-entropy over held-out text, in nats a token. */
  validationLoss: figure,
  learningRate: figure,
  /** Euclidean norm of all gradients, before clipping. */
  gradientNorm: figure,
  /** In mixed precision: what the loss was multiplied by in the backward pass. */
  lossScale: figure,
  /** In mixed precision: gradients overflowed, so the step changed nothing. It then has no gradientNorm. */
  skipped: z.literal(true).optional(),
  tokensPerSecond: figure,
});
export type LogRecord = z.infer<typeof LogRecord>;
