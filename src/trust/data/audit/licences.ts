/** What known licences say of the use of what stands under them, in a phrase each. No advice: the text of the licence decides. */

/** By SPDX id, as https://spdx.org/licenses has them; the first that a text names is looked for in this order. */
const USES: readonly (readonly [pattern: RegExp, use: string])[] = [
  [/\bCC-BY-NC-ND\b/i, 'sharing it unchanged and not commercially, with the name of the author'],
  [/\bCC-BY-NC(?!-ND)\b/i, 'any but commercial use, with the name of the author'],
  [/\bCC-BY-SA\b/i, 'any use, with the name of the author; what is made of it under the same licence'],
  [/\bCC[- ]BY\b(?!-(?:NC|SA))/i, 'any use, with the name of the author'],
  [/\b(?:CC0|PDDL)\b/i, 'any use, rights in it were given up'],
  [/public domain/i, 'any use, nobody has rights in it'],
  [/\bODbL\b/i, 'any use, with a notice; a collection made of it under the same licence'],
  [/\b[AL]?GPL-/i, 'any use; what is made of it is given on under the same licence, with its source'],
  [/\bApache-2\.0\b/i, 'any use, its notices kept and changes said'],
  [/\b(?:MIT|ISC|BSD-[234]-Clause|BSD)\b/, 'any use, its notice kept'],
  [/\bWordNet licence\b/i, 'any use, its notice kept'],
  [/non-commercial/i, 'said to be not for commercial use'],
];

/** What a licence says of use, by each of the licences that it names; "unknown" where it names none that is known here. */
export const useOf = (licence: string): string =>
  [...new Set(USES.filter(([pattern]) => pattern.test(licence)).map(([, use]) => use))].join('; ') || 'unknown';
