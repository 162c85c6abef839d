/**
 * YAML as the front matter of cards needs it: mappings, lists, texts and numbers in block style. Every text stands in double quotes,
 * so that none is taken for a number, a date, a truth value or a comment, by readers of YAML 1.1 and 1.2 alike.
 */

export type Yaml = string | number | readonly Yaml[] | { readonly [key: string]: Yaml | undefined };

/** Lines of a mapping or list; keys whose value is undefined are left out. Throws RangeError for numbers that JSON does not have. */
export function toYaml(value: Yaml): string {
  return `${linesOf(value).join('\n')}\n`;
}

function linesOf(value: Yaml): string[] {
  if (isList(value)) return value.length === 0 ? ['[]'] : value.flatMap((item) => indented(linesOf(item), '- '));
  if (typeof value !== 'object') return [scalar(value)];
  const entries = Object.entries(value).filter((entry): entry is [string, Yaml] => entry[1] !== undefined);
  if (entries.length === 0) return ['{}'];
  return entries.flatMap(([key, item]) => {
    const lines = linesOf(item);
    const name = BARE.test(key) ? key : scalar(key);
    const nested = typeof item === 'object' && !['[]', '{}'].includes(lines[0]);
    return nested ? [`${name}:`, ...indented(lines, '  ')] : [`${name}: ${lines[0]}`];
  });
}

/** Keys without quotes: not those that YAML 1.1 takes for a truth value. */
const BARE = /^(?!(?:y|n|yes|no|on|off|true|false|null)$)[A-Za-z][\w-]*$/i;

/** `Array.isArray` does not tell read-only lists from mappings. */
const isList = (value: Yaml): value is readonly Yaml[] => Array.isArray(value);

/** The mark before the first line, as many spaces before the others. */
const indented = (lines: readonly string[], mark: string): string[] =>
  lines.map((line, i) => (i === 0 ? mark : ' '.repeat(mark.length)) + line);

/** What JSON leaves as it is and YAML does not print, or takes for the end of a line. */
const UNPRINTED = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

function scalar(value: string | number): string {
  if (typeof value === 'string') {
    const hex = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
    return JSON.stringify(value.replace(/\p{Surrogate}/gu, '\ufffd')).replace(UNPRINTED, hex);
  }
  if (!Number.isFinite(value)) throw new RangeError(`YAML of a card has no ${value}`);
  return String(value).replace(/^(-?\d+)e/, '$1.0e'); // YAML 1.1 takes 1e-7 for a text
}
