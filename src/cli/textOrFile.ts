/** Arguments that may be a text or the name of a file. */
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { say } from './terminal/output.ts';

/** Help of such an argument, and the option that takes it for a text in any case. */
export const addTextArgument = (verb: Command, files: string): Command =>
  verb
    .argument('[text]', `${files}, or - for standard input; else a text. A folder's name is a text`, '-')
    .option('--literal', 'take [text] as a text, even where a file of that name is');

/**
 * Whether an argument names a file: what is there decides, and where the two could be mixed up it is said which was taken.
 * '-' is standard input.
 */
export async function namesFile(given: string, literal = false): Promise<boolean> {
  if (literal) return false;
  if (given === '-') return true;
  const found = await stat(given).catch(() => undefined);
  const isFile = found !== undefined && !found.isDirectory();
  if (isFile) say(`reading the file ${given} (--literal takes the name for a text)`);
  else if (found) say(`"${given}" is taken for a text, though a folder has that name: give a file to have one read`);
  else if (/^\S+\.[a-z]\w{1,4}$/i.test(given)) say(`"${given}" is taken for a text: no file has that name`);
  return isFile;
}
