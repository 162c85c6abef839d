/**
 * Our tokenizers as Hugging Face's tokenizer.json, which tokenizers, transformers and transformers.js read. The format is what
 * the Rust library serializes: https://github.com/huggingface/tokenizers.
 */
import { anyOf } from '../text/tokenizers/imported.ts';
import { PATTERNS } from '../text/tokenizers/pretokenize.ts';
import type { Cut, ImportedFile, TokenizerFile } from '../text/tokenizers/types.ts';
import { isLong, vocabularyOf } from './merges.ts';

/** Bytes in GPT-2's alphabet. Its own pattern is not asked for: in JavaScript it has another white space than in Rust. */
const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };

/** How a text is cut before anything merges. */
function preTokenizer(cuts: readonly Cut[]): object {
  if (cuts.length === 0) return BYTE_LEVEL;
  return { type: 'Sequence', pretokenizers: [...cuts.map(splitBy), BYTE_LEVEL] };
}

const splitBy = (cut: Cut): object =>
  cut === 'digits'
    ? { type: 'Digits', individual_digits: true }
    : { type: 'Split', pattern: { Regex: PATTERNS[cut] }, behavior: 'Isolated', invert: false };

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
  if (file.kind === 'pieces') {
    // cut into pieces, each a word that is a token; a character that is none is left out
    const longer = file.pieces.filter(isLong);
    const pattern = { Regex: [...(longer.length > 0 ? [anyOf(longer)] : []), '[\\s\\S]'].join('|') };
    const cut = { type: 'Split', pattern, behavior: 'Isolated', invert: false };
    const model = { ...bpe(file.pieces, []), ignore_merges: true };
    return { ...shared, pre_tokenizer: cut, decoder: { type: 'Fuse' }, model };
  }
  const { tokens, merges } = vocabularyOf(file);
  const model = bpe(tokens, merges);
  if (file.kind !== 'imported') {
    const cuts = file.kind === 'byte' ? [] : [file.kind];
    return { ...shared, pre_tokenizer: preTokenizer(cuts), decoder: BYTE_LEVEL, model };
  }
  return {
    ...{ ...shared, added_tokens: addedTokens(file, tokens), pre_tokenizer: preTokenizer(file.cuts) },
    ...{ decoder: BYTE_LEVEL, model: { ...model, ignore_merges: file.ignoreMerges } },
  };
}

const addedTokens = ({ added }: ImportedFile, tokens: readonly string[]): object[] =>
  added.map(({ id, special, normalized }) => ({
    ...{ id, content: tokens[id], single_word: false, lstrip: false, rstrip: false, normalized, special },
  }));
