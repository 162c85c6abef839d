import { z } from 'zod';

const NUMBER = z.number().min(-3.5e38).max(3.5e38);
/** What float32 holds, so that no difference overflows. JSON has no NaN: what was none is read as one again. */
const number = z.union([NUMBER, z.null().transform(() => Number.NaN)]);
const figure = number.optional();
/** What may be unknown, and then is null. */
const known = NUMBER.nullable();

/** What a watched step was seen to do, and the model after it: see docs/health.md for what is healthy. */
export const Inside = z.object({
  /** Each matrix or embedding that is trained, in order. */
  weights: z.array(
    z.object({
      name: z.string(),
      /** Root mean square of the weights. */
      rms: number,
      /** How far the step moved them, in units of their own size: ||dW|| / ||W||. */
      update: number,
      /** Euclidean norm of their gradient, before clipping; NaN where gradients overflowed. */
      gradient: number,
    }),
  ),
  /** By layer and head. */
  heads: z.array(
    z.array(
      z.object({
        /** Mean entropy of attention over positions, in nats. */
        entropy: number,
        /** What the head adds to the stream: root mean square of its part of the projection's output, by that of the stream. */
        share: number,
      }),
    ),
  ),
  /** By layer: share of the MLP's units whose largest output in the batch is below 1% of the layer's root mean square. */
  deadUnits: z.array(number),
  /** Inner product of the gradient with that of the step before; null where that is not known. */
  gradientProduct: known,
  /** Simple gradient noise scale (McCandlish et al., 2018), in tokens; null while it cannot be told. */
  noiseScale: known,
});
export type Inside = z.infer<typeof Inside>;

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
  /** Of steps that were watched: one in `watchEvery`, where a run is. */
  inside: Inside.optional(),
});
export type LogRecord = z.infer<typeof LogRecord>;
