import type { FolderLock } from '../node/lock.ts';
import { lockRun } from '../train/place.ts';
import { say } from './terminal/output.ts';
import { endAtSignals } from './terminal/stopSignal.ts';

/** Takes the folder that a verb writes, to the end of the process. @throws UserError when another process writes there, or it cannot be */
export function holdFolder(folder: string, resume = false): Promise<FolderLock> {
  endAtSignals();
  return lockRun(folder, resume, say);
}
