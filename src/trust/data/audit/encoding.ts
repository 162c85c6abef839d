/** What is wrong with the characters of a text: marks that stand for lost ones, letters read in the wrong encoding, controls. */
import type { FindingCard } from '../../../report/trust/audit.ts';

/** Kinds of fault, as cards name them. `not UTF-8` and `byte order mark` are faults of bytes, told by who decodes them. */
export const ENCODING_FAULTS = [
  'not UTF-8',
  'UTF-16',
  'byte order mark',
  'replacement character',
  'mojibake',
  'NUL',
  'control character',
] as const;
export type EncodingFault = (typeof ENCODING_FAULTS)[number];

/** The characters that Windows-1252 has for the bytes 0x80 to 0xBF, which follow a first byte of UTF-8. */
const FOLLOWING = '\\x80-\\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ';

/**
 * UTF-8 that was read as Latin-1 or Windows-1252 and written again: é as Ã©, a non-breaking space as Â\xa0, ’ as â€™, п as Ð¿. Only the
 * first letters that such texts have most: É before » is French.
 */
const MOJIBAKE = new RegExp(
  `[ÂÃ][${FOLLOWING}]|â[\\x80-\\x84€‚„][${FOLLOWING}]|[ÐÑ][${FOLLOWING}](?=[ÐÑ ][${FOLLOWING}]?)|ï»¿`,
  'g',
);

const PATTERNS: readonly (readonly [EncodingFault, RegExp])[] = [
  ['replacement character', /\ufffd/g],
  ['mojibake', MOJIBAKE],
  ['NUL', /\0/g],
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  ['control character', /[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g],
  ['byte order mark', /\ufeff/g],
];

/** A fault and where it is. */
export interface FoundFault {
  readonly kind: EncodingFault;
  /** UTF-16 units from the start of the text. */
  readonly at: number;
  /** The characters. */
  readonly what: string;
}

/** All faults of a text that can be seen in its characters, kind by kind. */
export const encodingFaults = (text: string): FoundFault[] =>
  PATTERNS.flatMap(([kind, pattern]) =>
    [...text.matchAll(pattern)].map(({ 0: what, index }) => ({ kind, at: index, what })),
  );

/**
 * Bytes that are no UTF-8 were read as U+FFFD, which some texts also hold themselves: tells the two apart, by part, where it is known how
 * many `invalid` there were. Places are those of the characters; a part that has both is named as not UTF-8.
 */
export function tellReplaced(faults: readonly FindingCard[], invalid: ReadonlyMap<string, number>): FindingCard[] {
  const replaced = faults.find(({ kind }) => kind === 'replacement character');
  if (!replaced || invalid.size === 0) return [...faults];
  const own = Object.entries(replaced.parts).map(([part, n]) => [part, n - (invalid.get(part) ?? 0)] as const);
  const card = (
    kind: EncodingFault,
    counts: readonly (readonly [string, number])[],
    isOf: (part: string) => boolean,
  ) => ({
    kind,
    count: counts.reduce((sum, [, n]) => sum + n, 0),
    parts: Object.fromEntries(counts),
    places: replaced.places.filter(({ part }) => isOf(part)),
  });
  return [
    card('not UTF-8', [...invalid], (part) => invalid.has(part)),
    card(
      'replacement character',
      own.filter(([, n]) => n > 0),
      (part) => !invalid.has(part),
    ),
    ...faults.filter((fault) => fault !== replaced),
  ].filter(({ count }) => count > 0);
}
