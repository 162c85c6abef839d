import { BpeTokenizer, mergeWord } from './bpe.ts';
import { countWords } from './bpeTrain.ts';
import { ALPHABET, spell, spellText } from './bytes.ts';
import type { BpeKind } from './types.ts';

/** OpenAI's encodings: 50,256, 100,256 and 199,998 tokens without the special ones. */
export type GptKind = Exclude<BpeKind, 'bpe'>;

/** Tokens by rank, as gpt-tokenizer lists them: text, or bytes where they are not UTF-8. Loaded only when asked for. */
async function loadRanks(kind: GptKind): Promise<(string | number[])[]> {
  switch (kind) {
    case 'r50k':
      return (await import('gpt-tokenizer/bpeRanks/r50k_base')).default;
    case 'cl100k':
      return (await import('gpt-tokenizer/bpeRanks/cl100k_base')).default;
    case 'o200k':
      return (await import('gpt-tokenizer/bpeRanks/o200k_base')).default;
  }
}

/**
 * OpenAI's encoding `kind`, compacted: the vocabulary is the 256 bytes, the tokens that the text uses and those that its words
 * pass through on the way, in rank order (a tenth of Moby-Dick's are of these: other programs know no token without an id).
 *
 * The full encoding always takes the lowest rank, and on these words that token is always among the kept ones, so that they
 * encode as with the full vocabulary; other words fall back to kept pieces of them, at worst to bytes. Special tokens such as `<|endoftext|>` are
 * plain text here: only the ranks are used, and they are not among them.
 */
export async function compactGpt(kind: GptKind, chunks: AsyncIterable<string>): Promise<BpeTokenizer> {
  const spelled = (await loadRanks(kind)).map((token) => (typeof token === 'string' ? spellText(token) : spell(token)));
  const ranks = new Map(spelled.map((token, rank) => [token, rank]));
  const used = new Set<number>();
  for (const word of (await countWords(kind, chunks)).keys()) {
    for (const rank of mergeWord(spellText(word), ranks, used)) used.add(rank);
  }
  const singles = new Set(ALPHABET.map((byte) => ranks.get(byte)!));
  const kept = [...used].filter((rank) => !singles.has(rank)).sort((a, b) => a - b);
  return new BpeTokenizer(
    kind,
    kept.map((rank) => spelled[rank]),
  );
}
