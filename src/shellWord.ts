// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g;

/** A character by the numbers of its bytes, as $'...' has them. */
const numbered = (character: string): string =>
  [...new TextEncoder().encode(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');

/** An argument as it can be pasted into a shell: as it is, in quotes, or, where a terminal would obey its control characters, by their numbers. */
export function shellWord(argument: string): string {
  if (/^[\w./@+-]+$/.test(argument)) return argument;
  if (argument.search(CONTROL) < 0) return `'${argument.replaceAll("'", "'\\''")}'`;
  return `$'${argument.replace(/['\\]/g, '\\$&').replace(CONTROL, numbered)}'`;
}
