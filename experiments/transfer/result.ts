/** What the transfer experiment measures. Plain data, as its JSON file holds them. */

import { z } from 'zod';
import type { TaskCard } from '../../src/text/labels/taskCard.ts';
import type { DataCard } from '../../src/text/windows/dataset.ts';
import type { RecallResult } from '../recall/run.ts';
import type { CurveComparison, CurvePoint } from './labelsNeeded.ts';

/**
 * Ways to learn a task from n labels. `majority`: the commonest label, whatever the text. `words`: no network; bag of words
 * under logistic regression, for tags of the word and those around it. `random`: the transformer from random weights. `head`,
 * `lora`, `full`: the pretrained transformer, tuned that far.
 */
export const LEARNERS = ['majority', 'words', 'random', 'head', 'lora', 'full'] as const;
export type Learner = (typeof LEARNERS)[number];

/** One training on n labels, tested. */
export const TransferCell = z.object({
  task: z.string(),
  learner: z.enum(LEARNERS),
  n: z.int().min(1),
  seed: z.int().min(0),
  /** On the test part: accuracy, or entity F1 for tags. */
  score: z.number().min(0).max(1),
  seconds: z.number().min(0),
  /** Numbers that were trained, and those of model and head together; of transformers. */
  trained: z.int().min(0).optional(),
  total: z.int().min(0).optional(),
});
export type TransferCell = z.infer<typeof TransferCell>;

/** The mean score of prompts with so many solved examples in them; a draw of examples a seed. */
export const PromptedPoint = z.object({
  shots: z.int().min(0),
  /** Examples that found room in the context, on average. */
  meanShots: z.number().min(0),
  scores: z.array(z.number().min(0).max(1)).readonly(),
});
export type PromptedPoint = z.infer<typeof PromptedPoint>;

export interface TransferTaskResult {
  readonly name: string;
  readonly task: 'classify' | 'tag';
  readonly metric: 'accuracy' | 'entity F1';
  readonly card: TaskCard;
  readonly classes: readonly string[];
  /** Texts or sentences of the test part that were asked about. */
  readonly tested: number;
  /** All labels that there are to train on. */
  readonly all: number;
  readonly curves: readonly { readonly learner: Learner; readonly points: readonly CurvePoint[] }[];
  /** Share of the parameters that LoRA trains. */
  readonly loraShare: number | null;
  /** `full` against `random`: gains, and labels that the random start needs to match. Null until both were measured. */
  readonly pretraining: CurveComparison | null;
  /** `full` against `words`. */
  readonly overWords: CurveComparison | null;
  readonly prompted: readonly PromptedPoint[];
}

export interface TransferResult {
  readonly version: 1;
  readonly adapter: { readonly name: string; readonly software: boolean };
  readonly base: {
    readonly folder: string;
    readonly sha256: string;
    readonly parameters: number;
    readonly validationLoss: number | null;
    /** What it was pretrained on. */
    readonly dataCard: DataCard;
  };
  /** ISO 8601. */
  readonly startedAt: string;
  /** Spent on trainings and tests, over all resumptions; without the pretraining. */
  readonly seconds: number;
  /** Whether all that was planned is there. */
  readonly complete: boolean;
  readonly sizes: readonly number[];
  readonly seeds: readonly number[];
  /** Validation labels that each training of a transformer stops by at most, besides its n; never more than n. */
  readonly validated: number;
  readonly tasks: readonly TransferTaskResult[];
  readonly recall: RecallResult | null;
}
