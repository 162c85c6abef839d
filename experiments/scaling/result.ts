/** What the scaling experiment measures, and what it makes of it. Plain data, as its files hold them. */
import { z } from 'zod';
import type { ScalingLaw } from '../../src/cost/law.ts';
import type { DataCard } from '../../src/text/windows/dataset.ts';
import type { Band } from './bootstrap.ts';
import type { Parabola } from './fit.ts';

const count = z.int().min(0);
const amount = z.number().min(0);

/** One training, scored on the held-out text. */
export const ScalingRun = z.object({
  budget: amount,
  ...{ nLayer: count, nHead: count, nEmbd: count, steps: count },
  /** Tokens trained on, repeated ones each time. */
  tokens: count,
  ...{ parameters: count, embeddings: count },
  /** Of the whole training, without the optimizer's. */
  operations: amount,
  /** Held out, nats a token; null where it was no number. */
  loss: amount.nullable(),
  /** Mean of the last steps. */
  trainingLoss: amount.nullable(),
  /** A sentence where it went wrong. */
  failed: z.string().optional(),
  seconds: amount,
});
export type ScalingRun = z.infer<typeof ScalingRun>;

const band = z.tuple([z.number(), z.number()]).readonly();

/** What the law said of a run before it was made. */
export const Prediction = z.object({
  ...{ budget: amount, nEmbd: count, parameters: count, tokens: count, loss: amount, band: band.nullable() },
  /** ISO 8601. */
  madeAt: z.string(),
});
export type Prediction = z.infer<typeof Prediction>;

/** What is counted as a model's parameters, and as the operations of training it. */
export const CONVENTIONS = [
  { parameters: 'all', operations: 'exact' },
  { parameters: 'all', operations: '6 N D' },
  { parameters: 'without embeddings', operations: 'exact' },
  { parameters: 'without embeddings', operations: '6 N D' },
] as const;
export type Convention = (typeof CONVENTIONS)[number];

/** N_opt ~ C^exponent, by a way to find it and by what is counted. */
export interface Exponent {
  readonly convention: Convention;
  readonly from: 'parabolas' | 'L(N, D)';
  readonly exponent: number;
  readonly band: Band | null;
}

export interface BudgetFit {
  readonly budget: number;
  /** In all parameters; null where the runs show no bottom. */
  readonly parabola: Parabola | null;
  readonly band: Band | null;
}

export interface ScalingResult {
  readonly version: 1;
  readonly adapter: { readonly name: string; readonly software: boolean };
  readonly startedAt: string;
  /** Whether all that was planned is there. */
  readonly complete: boolean;
  readonly seconds: number;
  readonly seed: number;
  readonly dataCard: DataCard;
  readonly blockSize: number;
  readonly batchSize: number;
  readonly heldOut: number;
  readonly runs: readonly ScalingRun[];
  readonly leftOut: readonly { readonly run: ScalingRun; readonly why: string }[];
  readonly budgets: readonly BudgetFit[];
  readonly exponents: readonly Exponent[];
  /** Null of too few runs. */
  readonly law: ScalingLaw | null;
  readonly prediction: (Prediction & { readonly measured: number | null }) | null;
}
