/** What a run leaves in its folder beside its log and checkpoints: the card that says what it is and must stay, and the report. */
import { basename, join, resolve } from 'node:path';
import { UsageError } from '../../errors.ts';
import { writeAtomic } from '../../node/files.ts';
import type { FolderLock } from '../../node/lock.ts';
import type { Appraisal } from '../../report/appraisal.ts';
import type { ReportData } from '../../report/data.ts';
import type { DataCard } from '../../text/windows/dataset.ts';
import { restoreCheckpoint } from '../checkpoint.ts';
import type { TrainConfig } from '../config.ts';
import { modelTable } from '../modelTable.ts';
import { FILES, type RunCard, type RunState, writeRunCard } from '../runFolder.ts';
import { writeAdapterConfig } from '../savedRun.ts';
import type { Trainer } from '../trainer.ts';
import type { TrainRunOptions } from './events.ts';
import type { Material } from './material.ts';

/** Settings that a resumed run may change without becoming another run. */
const FREE = ['steps', 'recompute', 'logEvery', 'evalEvery', 'evalBatches', 'checkpointEvery', 'watch', 'watchEvery'];

/**
 * @param free settings that may differ: by default those that a resumed run may change
 * @throws UsageError when a run was trained under other settings
 */
export function checkSameSettings(
  { config: before }: Pick<RunCard, 'config'>,
  config: TrainConfig,
  folder: string,
  free: readonly string[] = FREE,
): void {
  const keys = Object.keys(config) as (keyof TrainConfig)[];
  const other = keys.find((key) => !free.includes(key) && config[key] !== before[key]);
  if (!other) return;
  throw new UsageError(
    `${folder} was trained with ${other} = ${before[other]}, not ${config[other]}; resume with the same settings, or train into another folder with --out`,
  );
}

/** @throws UsageError when a run would resume under other settings or on another text. */
export function checkSameRun(before: RunCard, config: TrainConfig, card: DataCard, folder: string): void {
  checkSameSettings(before, config, folder);
  if (before.dataCard.sha256 !== card.sha256) {
    throw new UsageError(
      `${folder} was trained on another text (${before.dataCard.name}); resume with that one, or use another --out`,
    );
  }
}

/** What a run is made of. */
export interface RunParts {
  readonly options: TrainRunOptions;
  readonly lock: FolderLock;
  readonly text: Material;
  readonly trainer: Trainer;
  /** ISO 8601; of a resumed run, when it was first begun. */
  readonly startedAt: string;
  /** What was said of it at its end, or when it ended before. */
  appraisal: Appraisal;
}

/** Gives a run fresh weights, or those of its checkpoint, and writes its card. Returns how far it is. */
export async function beginFolder(parts: RunParts): Promise<RunState> {
  const { trainer } = parts;
  const { folder, resume, config, base } = parts.options;
  if (!resume && !base) trainer.model.initialize(config.seed, config);
  const state = resume
    ? await restoreCheckpoint(folder, trainer)
    : { step: 0, timeMs: 0, bestValidationLoss: null, bestStep: 0 };
  await writeCard(parts);
  return state;
}

/** Writes what stays the same all through a run, and what was said of it. @throws UserError when the folder cannot be written */
export async function writeCard({ options, text, trainer, startedAt, appraisal }: RunParts): Promise<void> {
  const { model } = trainer;
  const { folder, config, adapter, engine, base, dial } = options;
  if (base?.adapters) await writeAdapterConfig(folder, base.adapters, base.from, model.config);
  const { table: tuning } = engine.tuning;
  const card = { config, dial, dataCard: text.card, adapter, startedAt, tuning, tunedFrom: base?.from, ...appraisal };
  await writeRunCard(folder, { version: 1, ...card }, text.tokenizer, model);
}

/** What became of a run, for its report. */
type Outcome = Pick<ReportData, 'status' | 'warnings' | 'durationMs' | 'log' | 'samples' | 'memory'>;

/** Writes report.html and returns its path. @throws UserError when the folder cannot be written */
export async function writeReport(
  { options, text, trainer, startedAt, appraisal }: RunParts,
  outcome: Outcome,
): Promise<string> {
  const { folder, config, adapter } = options;
  const { config: model, parameters } = trainer.model;
  const { renderReport } = await import('../../report/trainingReport.ts'); // takes a second, for its charts
  const page = renderReport({
    ...{ name: basename(resolve(folder)), startedAt, ...outcome, adapter, dataCard: text.card },
    ...{ plannedSteps: config.steps, train: { ...config }, model, parameters: modelTable(model, parameters.specs) },
    appraisal,
  });
  const path = join(folder, FILES.report);
  await writeAtomic(path, page);
  return path;
}
