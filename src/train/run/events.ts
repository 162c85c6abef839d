/** What a run is told, and what it tells. */

import type { FolderLock } from '../../node/lock.ts';
import type { Appraisal } from '../../report/appraisal.ts';
import type { MemoryCard, ReportData, Sample } from '../../report/data.ts';
import type { LogRecord } from '../../report/logRecord.ts';
import type { Precision } from '../../tensor/capabilities.ts';
import type { Engine } from '../../tensor/engine.ts';
import type { DataCard } from '../../text/windows/dataset.ts';
import type { AutotuneSummary } from '../autotune.ts';
import type { TrainConfig } from '../config.ts';
import type { Dial } from '../runFolder.ts';
import type { TextTuning } from '../trainable.ts';
import type { Trainer } from '../trainer.ts';
import type { CorpusSource, Material } from './material.ts';

export interface TrainRunOptions {
  engine: Engine;
  adapter: { name: string; software: boolean };
  corpus: CorpusSource;
  config: TrainConfig;
  folder: string;
  /** What its size was chosen by, if it was; kept with the run. */
  dial?: Dial;
  /** The lock of the folder, where it is held already. */
  lock?: FolderLock;
  /** Continue the run in `folder`. */
  resume: boolean;
  /** Measure, for at most a few seconds, what kernels do best where the engine's tables do not know; and keep it for others. */
  autotune?: boolean;
  /** A trained model to go on from, in place of fresh weights and a tokenizer of the text's own. */
  base?: TextTuning;
  /** What a run is to learn from in place of the material that was made of its text: for studies that spoil it and see what is found. */
  spoil?: (material: Material) => Material;
  /** Stops the run at the next step, with everything saved. */
  signal?: AbortSignal;
  onEvent?: (event: RunEvent) => void;
  /**
   * What rooms above this one say of the run when it has ended, stopped or diverged; called before the report is written, with the
   * run still in memory. A UserError of it becomes a warning: a run does not fail for what is said of it.
   */
  appraise?: (run: EndedRun) => Promise<Appraisal>;
}

/** A run at its end. Its model stands as after the last step; whoever takes steps with the trainer changes nothing that is kept. */
export interface EndedRun
  extends Pick<ReportData, 'status' | 'warnings' | 'durationMs' | 'log' | 'samples' | 'memory' | 'startedAt'> {
  readonly engine: Engine;
  readonly adapter: TrainRunOptions['adapter'];
  /** With the precision that it was trained in. */
  readonly config: TrainConfig;
  readonly folder: string;
  readonly trainer: Trainer;
  /** Tokens, tokenizer and data card. */
  readonly text: Material;
  /** The text itself, to be read again. */
  readonly corpus: CorpusSource;
  /** Whether it began with fresh weights, and goes on from no other run. */
  readonly isFresh: boolean;
  /** What was said of it when it ended before, if it was resumed. */
  readonly before: Appraisal;
}

export type RunEvent =
  | { type: 'data'; card: DataCard }
  | { type: 'tuning'; unknown: number; budgetMs: number }
  | ({ type: 'tuned' } & AutotuneSummary)
  | {
      type: 'plan';
      parameters: number;
      /** Of them, or of adapters beside them, those that are trained. */
      trained: number;
      memoryBytes: number;
      memory: MemoryCard['planned'];
      precision: Precision;
      steps: number;
      firstStep: number;
    }
  | { type: 'log'; record: LogRecord; plannedSteps: number; remainingMs?: number }
  | { type: 'checkpoint'; step: number; best: boolean }
  /** The folder was removed or moved away, and was written anew; the best weights up to here went with it. */
  | { type: 'restored'; step: number }
  | { type: 'sample'; prompt: string; text: string };

export interface RunResult {
  status: 'finished' | 'stopped' | 'diverged';
  folder: string;
  steps: number;
  /** Whether there are weights to go on from. */
  saved: boolean;
  validationLoss: number;
  bestValidationLoss: number;
  log: readonly LogRecord[];
  samples: readonly Sample[];
  warnings: readonly string[];
  appraisal: Appraisal;
  /** Path of report.html. */
  report: string;
}
