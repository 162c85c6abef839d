import type { ModelConfig } from '../model/config.ts';
import type { DataCard } from '../text/windows/dataset.ts';
import type { Appraisal } from './appraisal.ts';
import type { LogRecord } from './logRecord.ts';

/** Everything that a run's report shows. Plain data, so that a report can be made again from a run folder. */
export interface ReportData {
  readonly name: string;
  /** `stopped`: by the user, before the planned steps were done. `diverged`: the loss was no longer a number, or exploded. */
  readonly status: 'finished' | 'stopped' | 'diverged';
  /** Why it diverged, or whatever else must be known, a sentence each. */
  readonly warnings?: readonly string[];
  /** ISO 8601. */
  readonly startedAt: string;
  /** Spent training, over all resumptions. */
  readonly durationMs: number;
  readonly plannedSteps: number;
  readonly model: ModelConfig;
  readonly parameters: readonly ParameterRow[];
  /** The training settings as they were set, shown in this order. */
  readonly train: Readonly<Record<string, unknown>>;
  readonly adapter: { readonly name: string; readonly software: boolean };
  readonly dataCard: DataCard;
  /** Of any length; null instead of a number is taken as missing. */
  readonly log: readonly LogRecord[];
  readonly samples: readonly Sample[];
  readonly memory: MemoryCard;
  readonly appraisal?: Appraisal;
}

/** One row of the model table, for instance all attention layers. */
export interface ParameterRow {
  readonly group: string;
  /** In words or symbols, such as "4 x (128, 384)". */
  readonly shape: string;
  /** Learned numbers; 0 for what only computes. */
  readonly parameters: number;
  /** Floating-point operations of the forward pass, for one token of a window; a multiply and an add are two. */
  readonly flopsPerToken: number;
}

export interface MemoryCard {
  /** What was planned on the adapter before training, part by part. */
  readonly planned: readonly { readonly what: string; readonly sizeBytes: number }[];
  /** What was taken at most. */
  readonly peakBytes?: number;
}

export interface Sample {
  readonly prompt: string;
  /** What the model wrote after the prompt. */
  readonly text: string;
  readonly settings: Readonly<Record<string, unknown>>;
}
