import type { TokenizerFile } from '../text/tokenizers/tokenizer.ts';
import type { GgufValue } from './gguf.ts';
import { vocabularyOf } from './merges.ts';

/** What llama.cpp calls the patterns that cut text into words (src/llama-vocab.cpp). Bytes and characters need none. */
const CUTS = {
  byte: 'trillion',
  char: 'trillion',
  bpe: 'trillion',
  r50k: 'trillion',
  cl100k: 'llama-bpe',
  o200k: 'gpt-4o',
} as const;

/** A token that is a token and nothing else, as llama.cpp numbers the kinds. */
const NORMAL = 1;

/**
 * A byte that no UTF-8 text has: llama.cpp takes some token for the end of a text whatever it is told, and this one never comes.
 * Characters have none such: theirs is the last of the alphabet.
 */
const NEVER = 0xff;

/** What llama.cpp does otherwise than we, of kinds of which it has no better pattern (November 2026). */
const CAVEATS: Readonly<Partial<Record<TokenizerFile['kind'], string>>> = {
  cl100k:
    'llama.cpp leaves out spaces before signs such as " ." when it writes tokens of this tokenizer as text, as it does for Llama 3',
  o200k:
    "llama.cpp cuts words with combining marks, as Hindi has them, otherwise than GPT-4o's tokenizer: such texts have other tokens there",
};

/** What llama.cpp does otherwise than we with a tokenizer, for people. */
export function ggufCaveats(file: TokenizerFile): string[] {
  if (file.kind !== 'char') return [CAVEATS[file.kind] ?? []].flat();
  const end = JSON.stringify([...file.characters].at(-1));
  return [
    `GGUF needs a token that ends a text, and characters have none: llama.cpp stops at ${end} unless it is told --ignore-eos`,
  ];
}

/** A tokenizer as metadata of a GGUF file. @throws UserError when the format cannot hold it */
export function ggufTokenizer(file: TokenizerFile): Record<string, GgufValue> {
  const { tokens, merges } = vocabularyOf(file);
  const end = file.kind === 'char' ? tokens.length - 1 : NEVER;
  const fields: Record<string, GgufValue> = {
    ...{ model: 'gpt2', pre: CUTS[file.kind], tokens, token_type: { i32s: tokens.map(() => NORMAL) } },
    ...{ merges: merges.map((pair) => pair.join(' ')), add_bos_token: false },
    ...{ bos_token_id: { u32: end }, eos_token_id: { u32: end } },
  };
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [`tokenizer.ggml.${name}`, value]));
}
