/** What the scaling experiment keeps of what it measured. */
import { z } from 'zod';
import type { FolderLock } from '../../src/node/lock.ts';
import { ExperimentStore, type Lines, type Settings } from '../store.ts';
import { Prediction, ScalingRun } from './result.ts';

const count = z.int().min(0);

const Identity = z.object({
  kind: z.literal('identity'),
  /** SHA-256 of the text. */
  text: z.string(),
  adapter: z.string(),
  startedAt: z.string(),
  ...{ seed: count, blockSize: count, batchSize: count, heldOut: count, recipe: z.string() },
});
type Identity = z.infer<typeof Identity>;
export type ScalingIdentity = Settings<Identity>;

const Measured = z.discriminatedUnion('kind', [
  ScalingRun.extend({ kind: z.literal('run') }),
  Prediction.extend({ kind: z.literal('prediction') }),
]);
export type ScalingRecord = z.infer<typeof Measured>;

const LINES: Lines<Identity, ScalingRecord> = { identity: Identity, record: Measured, names: { text: 'text' } };

export type ScalingStore = ExperimentStore<Identity, ScalingRecord>;
export const ScalingStore = {
  open: (folder: string, identity: ScalingIdentity, lock?: FolderLock): Promise<ScalingStore> =>
    ExperimentStore.open(LINES, folder, identity, lock),
};
