import { UserError } from '../errors.ts';
import { ALPHABET, spellText } from '../text/tokenizers/bytes.ts';
import { textOf } from '../text/tokenizers/imported.ts';
import type { TokenizerFile } from '../text/tokenizers/tokenizer.ts';
import type { ImportedFile } from '../text/tokenizers/types.ts';

/** A tokenizer as other programs have it: spelled tokens in the order of their ids, and the pairs that merge, first ones first. */
export interface Vocabulary {
  /** In GPT-2's printable alphabet: a character a byte. */
  readonly tokens: readonly string[];
  readonly merges: readonly (readonly [left: string, right: string])[];
}

/**
 * The vocabulary of a tokenizer of bytes. Here a token is its spelling, so that any two neighbours that spell it may merge;
 * elsewhere pairs are listed: all pairs of tokens that spell one.
 * @throws UserError for a tokenizer that merges through tokens which have no id, as runs of earlier versions may
 */
export function vocabularyOf(file: TokenizerFile): Vocabulary {
  if (file.kind === 'byte') return { tokens: ALPHABET, merges: [] };
  if (file.kind === 'char') return characters(file.characters);
  if (file.kind === 'pieces') return pieces(file.pieces);
  if (file.kind === 'imported') return imported(file);
  if (file.mergeOnly.length > 0) {
    throw new UserError(
      `this run's tokenizer (${file.kind}) merges through ${file.mergeOnly.length} tokens that have no id, which no other program does; train a run anew, whose tokenizer has an id for each`,
    );
  }
  const tokens = [...ALPHABET, ...file.tokens];
  const known = new Set(tokens);
  return { tokens, merges: file.tokens.flatMap((token) => pairsOf(token, (part) => known.has(part))) };
}

/** What came from another program goes as it came: added tokens are texts there, not spelled ones. */
function imported({ tokens, merges, added }: ImportedFile): Vocabulary {
  const texts = new Map(added.map(({ id }) => [id, textOf(tokens[id])]));
  return {
    tokens: tokens.map((token, id) => texts.get(id) ?? token),
    merges: merges.map((pair) => pair.split(' ') as [string, string]),
  };
}

/** Longer pieces are texts there, found as a whole before anything merges; what they leave are characters. */
function pieces(all: readonly string[]): Vocabulary {
  const { merges } = characters(all.filter((piece) => !isLong(piece)).join(''));
  return { tokens: all.map((piece) => (isLong(piece) ? piece : spellText(piece))), merges };
}

/** Whether a piece is more than a character. */
export const isLong = (piece: string): boolean => [...piece].length > 1;

/** Characters, each merged from its bytes: what it passes through on the way is no token of its own. */
function characters(text: string): Vocabulary {
  const tokens = Array.from(text, spellText);
  const merges = new Map<string, readonly [string, string]>();
  for (let length = 2; length <= 4; length++) {
    for (const token of tokens) {
      if (token.length >= length) merges.set(token.slice(0, length), [token.slice(0, length - 1), token[length - 1]]);
    }
  }
  return { tokens, merges: [...merges.values()] };
}

/** The ways to spell a token as two others, the shorter left one first. */
function pairsOf(token: string, isToken: (part: string) => boolean): [string, string][] {
  const cuts = Array.from({ length: token.length - 1 }, (_, i): [string, string] => [
    token.slice(0, i + 1),
    token.slice(i + 1),
  ]);
  return cuts.filter((pair) => pair.every(isToken));
}
