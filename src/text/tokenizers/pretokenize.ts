import type { BpeKind, Cut } from './types.ts';

/** GPT-2's split: a contraction, or a run of letters, digits or signs with the space before it, or spaces. */
const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const CONTRACTION = "'(?:[sS]|[dD]|[mM]|[tT]|[lL][lL]|[vV][eE]|[rR][eE])";

/** GPT-4's: digits in threes, a sign may lead a word, newlines stay with the signs before them. `$` would mean the end of a line to some. */
const CL100K = `${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s+(?![\\s\\S])|\\s*[\\r\\n]|\\s+(?!\\S)|\\s`;

/** Llama 3's: GPT-4's, but for lines and spaces at the end of a text. Many write it for GPT-4's. */
const LLAMA3 = `${CONTRACTION}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

/** Each digit by itself, before another pattern cuts what is between them: StarCoder's and SmolLM's way. */
const DIGITS = '\\p{N}|\\P{N}+';

const UPPER = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]';
const LOWER = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]';

/** GPT-4o's: words also split where lower case turns upper, and keep their contraction and combining marks. */
const O200K =
  `[^\\r\\n\\p{L}\\p{N}]?${UPPER}*${LOWER}+(?:${CONTRACTION})?|[^\\r\\n\\p{L}\\p{N}]?${UPPER}+${LOWER}*(?:${CONTRACTION})?` +
  '|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+';

/** The ways to cut text into words before bytes merge; no token reaches over a word's end. As OpenAI and others write them. */
export const PATTERNS: Record<Cut, string> = {
  ...{ bpe: GPT2, r50k: GPT2, cl100k: CL100K, o200k: O200K },
  ...{ llama3: LLAMA3, digits: DIGITS },
};

/** As programs with more of regular expressions write a contraction. */
const INSENSITIVE = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

/** The cut that a pattern of another program is; undefined for one that is not known: of it nobody knows where a text may be cut, or whether it ends. */
export function cutOf(pattern: string): Cut | undefined {
  const plain = pattern
    .replaceAll(`${INSENSITIVE}|`, `${CONTRACTION}|`)
    .replaceAll(INSENSITIVE, `(?:${CONTRACTION})`)
    .replace("'(?:[sdmt]|ll|ve|re)|", "'s|'t|'re|'ve|'m|'ll|'d|");
  return CUTS.find((cut) => cut !== 'bpe' && PATTERNS[cut] === plain);
}

/** White space is Unicode's, as it is for OpenAI's encoders: JavaScript's own has U+FEFF, and has not U+0085. */
const unicode = (pattern: string): RegExp =>
  new RegExp(pattern.replaceAll('\\s', '\\p{White_Space}').replaceAll('\\S', '\\P{White_Space}'), 'gu');
/** Their names. */
export const CUTS = Object.keys(PATTERNS) as readonly Cut[];
const COMPILED = new Map(Object.entries(PATTERNS).map(([kind, pattern]) => [kind, unicode(pattern)]));

/** The words of `text`, in order and without gaps. */
export function words(kind: BpeKind | Cut, text: string): readonly string[] {
  return text.match(COMPILED.get(kind)!) ?? [];
}

const WORD_END = /^[\p{L}\p{N}][^\p{L}\p{N}\p{M}'\p{Surrogate}]$/u;

/**
 * The last position where every pattern above ends a word whatever comes after, or 0: behind a letter or digit and before
 * something that is none, nor an apostrophe (a contraction) nor a combining mark (part of a word for o200k). Surrogates
 * are avoided altogether: what they are is only known in pairs. None of the patterns looks behind itself, so that the
 * right side is split as if it stood alone. `isFree` may rule out more.
 */
export function wordCut(text: string, isFree: (cut: number) => boolean = () => true): number {
  for (let cut = text.length - 1; cut > 0; cut--) {
    if (WORD_END.test(text.slice(cut - 1, cut + 1)) && isFree(cut)) return cut;
  }
  return 0;
}
