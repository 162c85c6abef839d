/** What a run is told, and what it tells. */

import type { FolderLock } from '../../node/lock.ts';
import type { MemoryCard, Sample } from '../../report/data.ts';
import type { LogRecord } from '../../report/logRecord.ts';
import type { Precision } from '../../tensor/capabilities.ts';
import type { Engine } from '../../tensor/engine.ts';
import type { DataCard } from '../../text/windows/dataset.ts';
import type { AutotuneSummary } from '../autotune.ts';
import type { TrainConfig } from '../config.ts';
import type { TextTuning } from '../trainable.ts';
import type { CorpusSource, Material } from './material.ts';

export interface TrainRunOptions {
  engine: Engine;
  adapter: { name: string; software: boolean };
  corpus: CorpusSource;
  config: TrainConfig;
  folder: string;
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
  /** Path of report.html. */
  report: string;
}
