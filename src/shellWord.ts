import { printable } from './quote.ts';

/** A character by the numbers of its bytes, as $'...' has them. */
const numbered = (character: string): string =>
  [...new TextEncoder().encode(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');

/** An argument as it can be pasted into a shell: as it is, in quotes, or, where a terminal would obey its characters, with these by number. */
export function shellWord(argument: string): string {
  if (/^[\w./@+-]+$/.test(argument)) return argument;
  if (printable(argument) === argument) return `'${argument.replaceAll("'", "'\\''")}'`;
  const characters = argument.replace(/['\\]/g, '\\$&');
  return `$'${Array.from(characters, (one) => (printable(one) === one ? one : numbered(one))).join('')}'`;
}
