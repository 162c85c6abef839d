/** Text of files and of users as sentences and terminals may show it: no byte of it steers a terminal, and it is short. */

/** C0, DEL and C1, halves of surrogate pairs, and what ends lines or turns the direction of writing. */
const STEERS = /[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * A text with its control characters spelled as JSON spells them, so that JSON stays what it says. `keep` are those that stay, such
 * as the line ends of what is printed on several lines.
 */
export const printable = (text: string, keep = ''): string =>
  text.replace(STEERS, (character) =>
    keep.includes(character)
      ? character
      : (SHORT[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );

const LONGEST = 60;

/** A text of one line, and not too long a one. */
export function short(text: string): string {
  const shown = printable(text.slice(0, 2 * LONGEST + 1));
  const characters = [...shown]; // by code points: no half of a pair is left over
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join('')}…` : shown;
}

/** A value as a sentence quotes it: as JSON, cut short, and NaN as it is. */
export function quote(value: unknown): string {
  if (typeof value === 'string') return short(JSON.stringify(value.slice(0, 2 * LONGEST)));
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    return short(JSON.stringify(value));
  } catch {
    return 'what is nested too deep to be shown'; // or goes round in a circle
  }
}
