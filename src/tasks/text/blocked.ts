import { UserError } from '../../errors.ts';
import { BlockedTexts, parseBlocked } from '../../text/tokenizers/blocked.ts';
import type { Tokenizer } from '../../text/tokenizers/tokenizer.ts';
import { inWords, readText } from '../data.ts';

/** The entries of a file of texts that no sample may hold. @throws UserError when it is missing, empty or no UTF-8, or has no entry */
export const readBlocked = async (path: string): Promise<string[]> => parseBlocked(await readText(path), inWords(path));

/** The prompts of a file: its lines that are not empty. @throws UserError as `readText` does, and when there is none */
export async function readPrompts(path: string): Promise<string[]> {
  const lines = (await readText(path)).split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0) throw new UserError(`${inWords(path)} holds no prompt: give one a line.`);
  return lines;
}

/** Such texts for a model; says how many of them it could not write anyway. */
export function blockFor(
  entries: readonly string[],
  tokenizer: Tokenizer,
  say: (sentence: string) => void,
): BlockedTexts {
  const canWrite = (text: string): boolean => {
    try {
      tokenizer.encode(text);
      return true;
    } catch {
      return false;
    }
  };
  const cases = (character: string): string[] => [character, character.toLowerCase(), character.toUpperCase()];
  const foreign = entries.filter((entry) => [...entry].some((character) => !cases(character).some(canWrite)));
  if (foreign.length > 0) {
    say(
      `${foreign.length} of the ${entries.length} texts to block have characters that this model cannot write: they cannot come`,
    );
  }
  return new BlockedTexts(entries);
}
