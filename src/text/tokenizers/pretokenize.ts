import type { BpeKind } from './types.ts';

/** GPT-2's split: a contraction, or a run of letters, digits or signs with the space before it, or spaces. */
const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const CONTRACTION = "'(?:[sS]|[dD]|[mM]|[tT]|[lL][lL]|[vV][eE]|[rR][eE])";

/** GPT-4's: digits in threes, a sign may lead a word, newlines stay with the signs before them. `$` would mean the end of a line to some. */
const CL100K = `${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s+(?![\\s\\S])|\\s*[\\r\\n]|\\s+(?!\\S)|\\s`;

const UPPER = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const LOWER = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';

/** GPT-4o's: words also split where lower case turns upper, and keep their contraction and combining marks. */
const O200K =
  `[^\\r\\n\\p{L}\\p{N}]?${UPPER}*${LOWER}+(?:${CONTRACTION})?|[^\\r\\n\\p{L}\\p{N}]?${UPPER}+${LOWER}*(?:${CONTRACTION})?` +
  '|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

/** How each kind cuts text into words before it merges bytes; no token reaches over a word's end. As OpenAI writes it. */
export const PATTERNS: Record<BpeKind, string> = { bpe: GPT2, r50k: GPT2, cl100k: CL100K, o200k: O200K };

/** White space is Unicode's, as it is for OpenAI's encoders: JavaScript's own has U+FEFF, and has not U+0085. */
const unicode = (pattern: string): RegExp =>
  new RegExp(pattern.replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}'), 'gu');
const COMPILED = new Map(Object.entries(PATTERNS).map(([kind, pattern]) => [kind, unicode(pattern)]));

/** The words of `text`, in order and without gaps. */
export function words(kind: BpeKind, text: string): readonly string[] {
  return text.match(COMPILED.get(kind)!) ?? [];
}

const WORD_END = /^[\p{L}\p{N}][^\p{L}\p{N}\p{M}'\p{Surrogate}]$/u;

/**
 * The last position where every pattern above ends a word whatever comes after, or 0: behind a letter or digit and before
 * something that is none, nor an apostrophe (a contraction) nor a combining mark (part of a word for o200k). Surrogates
 * are avoided altogether: what they are is only known in pairs. None of the patterns looks behind itself, so that the
 * right side is split as if it stood alone.
 */
export function wordCut(text: string): number {
  for (let cut = text.length - 1; cut > 0; cut--) if (WORD_END.test(text.slice(cut - 1, cut + 1))) return cut;
  return 0;
}
