/** What the transfer experiment keeps of what it measured. */
import { z } from 'zod';
import type { FolderLock } from '../../src/node/lock.ts';
import { RecallResult } from '../recall/run.ts';
import { ExperimentStore, type Lines, type Settings } from '../store.ts';
import { PromptedPoint, TransferCell } from './result.ts';

const size = z.int().min(0);

const Identity = z.object({
  kind: z.literal('identity'),
  /** SHA-256 of the base's weights. */
  base: z.string(),
  adapter: z.string(),
  startedAt: z.string(),
  ...{ prompted: size, tested: size, mostSteps: size, validated: size, maxTokens: size },
});
type Identity = z.infer<typeof Identity>;
export type TransferIdentity = Settings<Identity>;

const Measured = z.discriminatedUnion('kind', [
  TransferCell.extend({ kind: z.literal('cell') }),
  PromptedPoint.extend({ kind: z.literal('prompted'), task: z.string() }),
  z.object({ kind: z.literal('recall'), result: RecallResult }),
]);
export type TransferRecord = z.infer<typeof Measured>;

const LINES: Lines<Identity, TransferRecord> = { identity: Identity, record: Measured, names: { base: 'base model' } };

export type TransferStore = ExperimentStore<Identity, TransferRecord>;
export const TransferStore = {
  open: (folder: string, identity: TransferIdentity, lock?: FolderLock): Promise<TransferStore> =>
    ExperimentStore.open(LINES, folder, identity, lock),
  check: (folder: string, known: Partial<TransferIdentity>): Promise<void> =>
    ExperimentStore.check(LINES, folder, known),
};
