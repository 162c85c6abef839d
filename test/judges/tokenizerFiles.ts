/** tokenizer.json as others write it, of vocabularies that are in use: OpenAI's, from the ranks that gpt-tokenizer lists. */
import { ALPHABET, spell, spellText } from '../../src/text/tokenizers/bytes.ts';

type Ranks = readonly (string | readonly number[])[];

/** The two parts that a token of ranks is made of: what its bytes merge to by the ranks below its own. */
function partsOf(token: string, rank: number, ranks: ReadonlyMap<string, number>): string[] {
  let parts = [...token];
  for (;;) {
    let best = rank;
    let at = -1;
    for (let i = 1; i < parts.length; i++) {
      const one = ranks.get(parts[i - 1] + parts[i]) ?? rank;
      if (one < best) [best, at] = [one, i];
    }
    if (at < 0) return parts;
    parts = [...parts.slice(0, at - 1), parts[at - 1] + parts[at], ...parts.slice(at + 1)];
  }
}

/** All ways to make a token of two others, those of the lower ranks first: as transformers converts tiktoken's files. */
function pairsOf(token: string, ranks: ReadonlyMap<string, number>): string[] {
  const cuts = Array.from({ length: token.length - 1 }, (_, i) => [token.slice(0, i + 1), token.slice(i + 1)]);
  const pairs = cuts.filter((pair) => pair.every((part) => ranks.has(part)));
  const key = ([a, b]: string[]): number => ranks.get(a)! * 1e6 + ranks.get(b)!;
  return pairs.sort((a, b) => key(a) - key(b)).map((pair) => pair.join(' '));
}

const LEVEL = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
const LLAMA3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const sequence = (...pretokenizers: object[]) => ({ type: 'Sequence', pretokenizers });
const split = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });

/** How the models cut text, and whether a word that is a token is one whatever merges. */
const WAYS = {
  gpt2: { pre: LEVEL, pairs: partsOf, ignoreMerges: false },
  smollm: { pre: sequence({ type: 'Digits', individual_digits: true }, LEVEL), pairs: partsOf, ignoreMerges: false },
  llama3: { pre: sequence(split(LLAMA3), { ...LEVEL, use_regex: false }), pairs: pairsOf, ignoreMerges: true },
} as const;
export type Way = keyof typeof WAYS;

/** Texts that are tokens as a whole. The last is no special one. */
export const ADDED = ['<|endoftext|>', '<|end|>', '<|end|>s', ' two words '];

/** A tokenizer.json. @param most ranks of it, those that come first */
export function tokenizerJson(all: Ranks, way: Way, most = all.length): object {
  const tokens = all.slice(0, most).map((token) => (typeof token === 'string' ? spellText(token) : spell(token)));
  for (const byte of ALPHABET) if (!tokens.includes(byte)) throw new Error('bytes are the first of ranks');
  const ranks = new Map(tokens.map((token, rank) => [token, rank]));
  const { pre, pairs, ignoreMerges } = WAYS[way];
  const long = [...ranks].filter(([token]) => token.length > 1);
  const merges = long.flatMap(([token, rank]) =>
    pairs === pairsOf ? pairsOf(token, ranks) : [partsOf(token, rank, ranks).join(' ')],
  );
  const added = ADDED.map((content, i) => ({
    ...{ id: tokens.length + i, content, special: i < 3, normalized: i === 3 },
    ...{ single_word: false, lstrip: false, rstrip: false },
  }));
  return {
    ...{ version: '1.0', truncation: null, padding: null, added_tokens: added, normalizer: null, pre_tokenizer: pre },
    ...{ post_processor: { ...LEVEL, trim_offsets: false }, decoder: LEVEL },
    model: {
      ...{ type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null },
      ...{
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: ignoreMerges,
        vocab: Object.fromEntries(ranks),
        merges,
      },
    },
  };
}
