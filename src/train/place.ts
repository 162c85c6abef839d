/** The folder that a run is written into: taken for this process alone, and cleared of the run that was there. */
import { existsSync, realpathSync } from 'node:fs';
import { join, normalize, relative, resolve } from 'node:path';
import { UsageError, UserError } from '../errors.ts';
import { errorCode } from '../node/files.ts';
import { type FolderLock, lockFolder } from '../node/lock.ts';
import type { Say } from '../node/npm.ts';
import { FILES, isRunFolder, readRunFile } from './runFolder.ts';

/**
 * The lock of a run's folder, to be taken before the first look into it.
 * @param resume whether the run goes on, and so must be there
 * @throws UserError when another process writes there, the folder cannot be written, or there is none to go on with
 */
export async function lockRun(folder: string, resume: boolean, say?: Say): Promise<FolderLock> {
  if (resume && !existsSync(folder)) await readRunFile(folder, FILES.run); // which says so
  return lockFolder(folder, say);
}

/** Whether a folder holds a run, or what was saved of one. */
export const isOccupied = (folder: string): boolean => isRunFolder(folder) || existsSync(join(folder, FILES.resume));

/**
 * Keeps what is in a locked folder under the first free name of <folder>.1, <folder>.2 and so on, and begins it anew.
 * @throws UsageError for the folder that the process stands in, UserError for one that cannot be moved
 */
export async function moveAside(lock: FolderLock, say: Say): Promise<void> {
  const folder = normalize(lock.folder).replace(/[\\/]+$/, '');
  const inside = relative(realpathSync(folder || '/'), realpathSync('.'));
  if (!inside.startsWith('..') && resolve(inside) !== inside) {
    throw new UsageError(
      `--force would move ${lock.folder} away, and you stand in it: name it from outside, or choose another folder with --out`,
    );
  }
  let number = 1;
  while (existsSync(`${folder}.${number}`)) number++;
  const to = `${folder}.${number}`;
  await lock.moveTo(to).catch((cause) => {
    if (cause instanceof UserError) throw cause;
    const why = `${folder} cannot be moved to ${to} (${errorCode(cause)})`;
    throw new UserError(`${why}: move it yourself, or choose another folder with --out.`, { cause });
  });
  say(`the run that was in ${folder} is now in ${to}`);
}
