/** Where a tuned model is kept. */
import { resolve } from 'node:path';
import { UsageError, UserError } from '../../errors.ts';
import { isRunFolder } from '../../train/runFolder.ts';

/** The folder that was asked for, or one beside the run that is tuned. */
export const tunedFolder = (run: string, name: string, out?: string): string =>
  out ?? `${run.replace(/[\\/]+$/, '')}-${name}`;

/** @throws UserError where another run would be written over, UsageError where that is the one that is tuned */
export function refuseOccupied(folder: string, run: string, force = false): void {
  if (resolve(folder) === resolve(run)) {
    throw new UsageError(`${folder} is the run that is to be tuned: choose another folder with --out`);
  }
  if (force || !isRunFolder(folder)) return;
  throw new UserError(
    `${folder} holds a run already: write over it with --force, or choose another folder with --out.`,
  );
}
