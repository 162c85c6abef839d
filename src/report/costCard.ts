import { z } from 'zod';

/** Joules, operations, bytes: whatever is counted up over a run. */
const amount = z.number().min(0).max(1e30);

/** What a part of the model, or of the work around it, took in all steps of a run. */
export const PartCost = z.object({
  /** 'attention', 'MLP', 'optimizer': as `operationsOf` names them. */
  part: z.string().min(1),
  /** Floating-point operations, by formula; a multiply and an add are two. */
  operations: amount,
  /** The least that had to be moved to and from memory, by formula. */
  bytes: amount,
  /** By timestamps of a step; absent where the adapter takes none. */
  timeMs: amount.optional(),
});
export type PartCost = z.infer<typeof PartCost>;

/** What an adapter was measured to do at most. */
export const Roof = z.object({ operationsPerSecond: amount, bytesPerSecond: amount });
export type Roof = z.infer<typeof Roof>;

/** Energy is never known to a digit: a band, and where it comes from. */
export const Energy = z.object({
  lowJoules: amount,
  highJoules: amount,
  source: z.enum(['RAPL', 'GPU driver', 'nameplate']),
  /** What was read, or what was assumed of the machine: a sentence. */
  basis: z.string(),
});
export type Energy = z.infer<typeof Energy>;

/** What a run cost, over all resumptions. */
export const CostCard = z.object({
  parts: z.array(PartCost),
  /** Tokens trained on. */
  tokens: amount,
  /** Spent in steps, validations and checkpoints. */
  timeMs: amount,
  /** Of it, spent in steps alone. */
  stepsMs: amount.optional(),
  roof: Roof.optional(),
  /** Operations a second in steps as a share of the roof (model FLOPs utilization): recomputed ones do not count. */
  utilization: z.number().min(0).max(1).optional(),
  energy: Energy.optional(),
});
export type CostCard = z.infer<typeof CostCard>;
