import { UserError } from '../errors.ts';
import { ALPHABET } from '../text/tokenizers/bytes.ts';
import type { TokenizerFile } from '../text/tokenizers/tokenizer.ts';
import type { Cut, ImportedFile } from '../text/tokenizers/types.ts';
import type { Marks } from '../text/windows/fillInMiddle.ts';
import type { GgufValue } from './gguf.ts';
import { isLong, vocabularyOf } from './merges.ts';

/** What llama.cpp calls the patterns that cut text into words (src/llama-vocab.cpp). Bytes and characters need none. */
const CUTS: Readonly<Record<Exclude<TokenizerFile['kind'], 'imported'> | Cut, string>> = {
  byte: 'trillion',
  char: 'trillion',
  pieces: 'trillion',
  bpe: 'trillion',
  r50k: 'trillion',
  cl100k: 'llama-bpe',
  o200k: 'gpt-4o',
  llama3: 'llama-bpe',
  digits: 'smollm', // and then GPT-2's
};

/** As llama.cpp numbers the kinds: a token that is a token and nothing else; one that is no text; one that is found before words are cut. */
const KINDS = { normal: 1, control: 3, userDefined: 4 };

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
  if (file.kind !== 'char' && file.kind !== 'pieces') return [CAVEATS[file.kind] ?? []].flat();
  const tokens = file.kind === 'char' ? [...file.characters] : file.pieces;
  const end = JSON.stringify(tokens[endOf(file, tokens)]);
  const stops = `GGUF needs a token that ends a text, and ${file.kind === 'char' ? 'characters' : 'pieces'} have none: llama.cpp stops at ${end} unless it is told --ignore-eos`;
  const overlap = file.kind === 'pieces' && overlapOf(file.pieces.filter(isLong));
  return overlap
    ? [
        stops,
        `llama.cpp takes the longest piece of a text first: where pieces overlap, as in ${overlap}, it has other tokens`,
      ]
    : [stops];
}

/** A text in which one piece ends within another, quoted; undefined where none can. */
function overlapOf(pieces: readonly string[]): string | undefined {
  const prefixes = new Map<string, string>();
  for (const piece of pieces) for (let end = 1; end < piece.length; end++) prefixes.set(piece.slice(0, end), piece);
  for (const piece of pieces) {
    for (let start = 1; start < piece.length; start++) {
      const next = prefixes.get(piece.slice(start));
      if (next !== undefined && next !== piece) return JSON.stringify(piece.slice(0, start) + next);
    }
  }
  return undefined;
}

/**
 * A tokenizer as metadata of a GGUF file.
 * @param marks of a model that fills holes: then llama.cpp's server does so too (POST /infill)
 * @throws UserError when the format cannot hold it
 */
export function ggufTokenizer(file: TokenizerFile, marks?: Marks): Record<string, GgufValue> {
  const { tokens, merges } = vocabularyOf(file);
  const { bos = endOf(file, tokens), eos = endOf(file, tokens) } = file.kind === 'imported' ? file : {};
  const kinds = kindsOf(file);
  const fields: Record<string, GgufValue> = {
    ...{ model: 'gpt2', pre: file.kind === 'imported' ? preOf(file) : CUTS[file.kind], tokens },
    token_type: { i32s: tokens.map((_, id) => kinds.get(id) ?? KINDS.normal) },
    ...{ merges: merges.map((pair) => pair.join(' ')), add_bos_token: false },
    ...{ bos_token_id: { u32: bos }, eos_token_id: { u32: eos } },
    ...(marks && {
      ...{ fim_pre_token_id: { u32: marks.prefix }, fim_suf_token_id: { u32: marks.suffix } },
      ...{ fim_mid_token_id: { u32: marks.middle }, eot_token_id: { u32: marks.end } },
    }),
  };
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [`tokenizer.ggml.${name}`, value]));
}

/** Of tokens that are found as texts before words are cut, and are not in bytes. */
function kindsOf(file: TokenizerFile): Map<number, number> {
  if (file.kind === 'pieces') {
    return new Map(file.pieces.flatMap((piece, id) => (isLong(piece) ? [[id, KINDS.userDefined]] : [])));
  }
  const { added = [] } = file.kind === 'imported' ? file : {};
  return new Map(added.map(({ id, special }) => [id, special ? KINDS.control : KINDS.userDefined]));
}

/** A token for the end of a text, where a model knows none: that of a line, of things that have one each. */
function endOf(file: TokenizerFile, tokens: readonly string[]): number {
  if (file.kind === 'pieces' && file.pieces.includes('\n')) return file.pieces.indexOf('\n');
  if (file.kind === 'char' || file.kind === 'pieces') return tokens.length - 1;
  return file.kind === 'imported' ? Math.max(0, tokens.indexOf(ALPHABET[NEVER])) : NEVER;
}

/** What llama.cpp calls the cuts of a tokenizer. @throws UserError where it has no name for them */
function preOf({ cuts }: ImportedFile): string {
  const [first = 'byte', second, ...more] = cuts;
  if (more.length === 0 && (second === undefined ? first !== 'digits' : first === 'digits' && second === 'r50k')) {
    return CUTS[first];
  }
  throw new UserError(
    `llama.cpp cuts no text as this tokenizer does (${cuts.join(', then ')}); export the run to hf or onnx`,
  );
}
