import { UserError } from '../errors.ts';
import type { FolderLock } from '../node/lock.ts';
import { writeCards } from '../trust/cards/cards.ts';
import { say } from './terminal/output.ts';

/** Writes a run, and then its cards: no run fails for what is said of it. @throws what `write` throws */
export async function withCards<T>(lock: FolderLock, write: () => Promise<T>): Promise<T> {
  const written = await write();
  try {
    await lock.write(() => writeCards(lock.folder));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    say(`no card was written: ${error.message}`);
  }
  return written;
}
