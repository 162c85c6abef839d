/** What a run that goes on must have in common with what it was. */
import { UsageError } from '../../errors.ts';
import type { Engine } from '../../tensor/engine.ts';
import type { DataCard } from '../../text/windows/dataset.ts';
import type { TrainConfig } from '../config.ts';
import type { RunCard } from '../runFolder.ts';

/** Settings that a resumed run may change without becoming another run. */
const FREE: ReadonlySet<keyof TrainConfig> = new Set([
  'steps',
  'recompute',
  'logEvery',
  'evalEvery',
  'evalBatches',
  'checkpointEvery',
]);

/** @throws UsageError when a run would resume under other settings or on another text. */
export function checkSameRun(before: RunCard, config: TrainConfig, card: DataCard, folder: string): void {
  const other = (Object.keys(config) as (keyof TrainConfig)[]).find(
    (key) => !FREE.has(key) && config[key] !== before.config[key],
  );
  if (other) {
    throw new UsageError(
      `${folder} was trained with ${other} = ${before.config[other]}, not ${config[other]}; resume with the same settings, or train into another folder with --out`,
    );
  }
  if (before.dataCard.sha256 !== card.sha256) {
    throw new UsageError(
      `${folder} was trained on another text (${before.dataCard.name}); resume with that one, or use another --out`,
    );
  }
}

/**
 * Makes an engine go by the tables that a run began with: another choice of kernels would change the bits of its numbers. On
 * another adapter they mean nothing.
 */
export function takeTablesOf({ adapter, tuning }: RunCard, engine: Engine, { name }: RunCard['adapter']): void {
  if (adapter.name === name) engine.tuning.use(tuning ?? {});
}
