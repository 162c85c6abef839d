import { UserError } from '../../errors.ts';
import { BpeTokenizer } from './bpe.ts';
import { unspell, wellFormed } from './bytes.ts';
import { ByteTokenizer } from './byteTokenizer.ts';
import { CharTokenizer, sortCharacters } from './charTokenizer.ts';
import type { BpeKind, Tokenizer } from './types.ts';

const BPE_KINDS: readonly string[] = ['bpe', 'r50k', 'cl100k', 'o200k'] satisfies BpeKind[];

/**
 * The tokenizer that `toJSON` described. `json` is a parsed file that nobody vouches for: everything is checked before it
 * is used. Throws UserError when it is foreign, of a later version or damaged.
 */
export function tokenizerFromJSON(json: unknown): Tokenizer {
  if (!isRecord(json) || typeof json.kind !== 'string') throw refuse('no tokenizer of this program (it has no "kind")');
  const known = json.kind === 'byte' || json.kind === 'char' || BPE_KINDS.includes(json.kind);
  if (!known) throw refuse(`of the kind ${JSON.stringify(json.kind.slice(0, 40))}, which this program does not know`);
  if (json.version !== 1) throw refuse(`of version ${String(json.version).slice(0, 40)}, where 1 was expected`);
  if (json.kind === 'byte') return new ByteTokenizer();
  if (json.kind === 'char') return new CharTokenizer(checkCharacters(json.characters));
  const tokens = checkTokens(json.tokens);
  return new BpeTokenizer(json.kind as BpeKind, tokens, checkMergeOnly(json.mergeOnly, tokens.length));
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function refuse(what: string): UserError {
  return new UserError(`the tokenizer file is ${what}; give the one that was saved beside the model's weights`);
}

function checkCharacters(characters: unknown): string {
  if (typeof characters !== 'string' || characters === '') throw refuse('damaged: "characters" must be a text');
  if (characters !== sortCharacters(new Set(wellFormed(characters)))) {
    throw refuse('damaged: "characters" must be distinct and in the order of their code points');
  }
  return characters;
}

function checkTokens(tokens: unknown): string[] {
  if (!Array.isArray(tokens)) throw refuse('damaged: "tokens" must be a list');
  const seen = new Set<string>();
  for (const [index, token] of tokens.entries()) {
    if (typeof token !== 'string' || token.length < 2 || !unspell(token) || seen.has(token)) {
      throw refuse(`damaged: tokens[${index}] is repeated or does not spell two bytes or more`);
    }
    seen.add(token);
  }
  return [...seen];
}

function checkMergeOnly(mergeOnly: unknown, tokenCount: number): number[] {
  const inOrder = (index: unknown, i: number, all: unknown[]): boolean =>
    Number.isInteger(index) &&
    (index as number) < tokenCount &&
    (index as number) > (i > 0 ? (all[i - 1] as number) : -1);
  if (!Array.isArray(mergeOnly) || !mergeOnly.every(inOrder)) {
    throw refuse(`damaged: "mergeOnly" must list rising whole numbers below ${tokenCount}`);
  }
  return mergeOnly;
}
