/**
 * Our tokenizers as Hugging Face's tokenizer.json, which tokenizers, transformers and transformers.js read. The format is what
 * the Rust library serializes: https://github.com/huggingface/tokenizers.
 */
import { PATTERNS } from '../text/tokenizers/pretokenize.ts';
import type { BpeKind, TokenizerFile } from '../text/tokenizers/types.ts';
import { vocabularyOf } from './merges.ts';

/** Bytes in GPT-2's alphabet. Its own pattern is not asked for: in JavaScript it has another white space than in Rust. */
const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };

/** How a text is cut before anything merges. */
function preTokenizer(kind: BpeKind | 'byte'): object {
  if (kind === 'byte') return BYTE_LEVEL;
  const pattern = { Regex: PATTERNS[kind] };
  const split = { type: 'Split', pattern, behavior: 'Isolated', invert: false };
  return { type: 'Sequence', pretokenizers: [split, BYTE_LEVEL] };
}

const numbered = (tokens: readonly string[]): Record<string, number> =>
  Object.fromEntries(tokens.map((token, id) => [token, id]));

const bpe = (tokens: readonly string[], merges: readonly (readonly [string, string])[]) => ({
  ...{ type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null },
  ...{ fuse_unk: false, byte_fallback: false, ignore_merges: false, vocab: numbered(tokens), merges },
});

/** The content of tokenizer.json. @throws UserError when the format cannot hold the tokenizer */
export function toTokenizerJson(file: TokenizerFile): Record<string, unknown> {
  const shared = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    post_processor: null,
  };
  if (file.kind === 'char') {
    // characters are themselves; one that is not known is left out, for there is no token to stand for it
    return { ...shared, pre_tokenizer: null, decoder: { type: 'Fuse' }, model: bpe([...file.characters], []) };
  }
  const { tokens, merges } = vocabularyOf(file);
  return { ...shared, pre_tokenizer: preTokenizer(file.kind), decoder: BYTE_LEVEL, model: bpe(tokens, merges) };
}
