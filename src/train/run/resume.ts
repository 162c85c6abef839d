import { UsageError } from '../../errors.ts';
import type { DataCard } from '../../text/windows/dataset.ts';
import type { TrainConfig } from '../config.ts';
import type { RunCard } from '../runFolder.ts';

/** Settings that a resumed run may change without becoming another run. */
const FREE = ['steps', 'recompute', 'logEvery', 'evalEvery', 'evalBatches', 'checkpointEvery'];

/** @throws UsageError when a run would resume under other settings or on another text. */
export function checkSameRun(before: RunCard, config: TrainConfig, card: DataCard, folder: string): void {
  const keys = Object.keys(config) as (keyof TrainConfig)[];
  const other = keys.find((key) => !FREE.includes(key) && config[key] !== before.config[key]);
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
