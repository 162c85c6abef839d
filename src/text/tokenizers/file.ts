import { z } from 'zod';
import { check, damaged } from '../../schema.ts';
import { BpeTokenizer } from './bpe.ts';
import { unspell, wellFormed } from './bytes.ts';
import { ByteTokenizer } from './byteTokenizer.ts';
import { CharTokenizer, sortCharacters } from './charTokenizer.ts';
import { ImportedTokenizer } from './imported.ts';
import { PieceTokenizer } from './pieceTokenizer.ts';
import { CUTS } from './pretokenize.ts';
import type { ImportedFile, Tokenizer, TokenizerFile } from './types.ts';

const version = z.literal(1);

const CharFile = z.object({
  ...{ kind: z.literal('char'), version },
  characters: z
    .string()
    .min(1)
    .refine(
      (text) => text === sortCharacters(new Set(wellFormed(text))),
      'must be in order of code points, and distinct',
    ),
});

const PiecesFile = z.object({
  ...{ kind: z.literal('pieces'), version },
  pieces: z
    .array(z.string().min(1))
    .min(1)
    .refine((pieces) => new Set(pieces).size === pieces.length, 'must be distinct')
    .refine((pieces) => pieces.every((piece) => piece === wellFormed(piece)), 'must be well-formed text')
    .refine((pieces) => pieces.every((piece) => !piece.slice(0, -1).includes('\n')), 'must not reach over a line end'),
});

const BpeFile = z
  .object({
    ...{ kind: z.enum(['bpe', 'r50k', 'cl100k', 'o200k']), version },
    tokens: z
      .array(z.string().refine((token) => token.length > 1 && unspell(token), 'must spell two bytes or more'))
      .refine((tokens) => new Set(tokens).size === tokens.length, 'must be distinct'),
    mergeOnly: z.array(z.int().min(0)),
  })
  .refine(
    ({ tokens, mergeOnly }) => mergeOnly.every((at, i) => at < tokens.length && (i === 0 || at > mergeOnly[i - 1])),
    { path: ['mergeOnly'], error: 'must list rising whole numbers below the number of tokens' },
  );

const id = z.int().min(0);
const spelled = z.string().refine((token) => token !== '' && unspell(token), 'must spell a byte or more');

const Imported = z
  .object({
    ...{ kind: z.literal('imported'), version, tokens: z.array(spelled).min(1), merges: z.array(z.string()) },
    ...{ cuts: z.array(z.enum(CUTS)).max(8), ignoreMerges: z.boolean() },
    added: z.array(z.object({ id, special: z.boolean(), normalized: z.boolean() })),
    ...{ bos: id.optional(), eos: id.optional() },
  })
  .check(({ value, issues }) => {
    const problem = importedProblem(value);
    if (problem) issues.push({ ...{ code: 'custom', input: value }, path: [problem[0]], message: problem[1] });
  });

/** What of a file does not fit together, if anything: where, and what it must be. */
function importedProblem({ tokens, merges, added, bos, eos }: ImportedFile): [string, string] | undefined {
  const known = new Set(tokens);
  const pairs = merges.map((pair) => pair.split(' '));
  if (pairs.some((pair) => pair.length !== 2 || !pair.every((part) => known.has(part)) || !known.has(pair.join('')))) {
    return ['merges', 'must be pairs of tokens that spell a token'];
  }
  if (new Set(added.map(({ id }) => tokens[id])).size < added.length) return ['added', 'must be distinct'];
  const ids = [...added.map(({ id }) => id), bos ?? 0, eos ?? 0];
  return ids.some((one) => one >= tokens.length) ? ['added', 'must be tokens'] : undefined;
}

const File: z.ZodType<TokenizerFile> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('byte'), version }),
  ...[CharFile, PiecesFile, BpeFile, Imported],
]);

/**
 * The tokenizer that `toJSON` described. `json` is a parsed file that nobody vouches for: everything is checked before it
 * is used. Throws UserError when it is foreign, of a later version or damaged.
 */
export function tokenizerFromJSON(json: unknown, fileName = 'the tokenizer file'): Tokenizer {
  const file = check(File, json, damaged(fileName, "Give the one that was saved beside the model's weights."));
  if (file.kind === 'byte') return new ByteTokenizer();
  if (file.kind === 'char') return new CharTokenizer(file.characters);
  if (file.kind === 'pieces') return new PieceTokenizer(file.pieces);
  if (file.kind === 'imported') return new ImportedTokenizer(file);
  return new BpeTokenizer(file.kind, file.tokens, file.mergeOnly);
}
