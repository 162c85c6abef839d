import { z } from 'zod';
import { check, damaged } from '../../schema.ts';
import { BpeTokenizer } from './bpe.ts';
import { unspell, wellFormed } from './bytes.ts';
import { ByteTokenizer } from './byteTokenizer.ts';
import { CharTokenizer, sortCharacters } from './charTokenizer.ts';
import type { Tokenizer, TokenizerFile } from './types.ts';

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

const File: z.ZodType<TokenizerFile> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('byte'), version }),
  CharFile,
  BpeFile,
]);

/**
 * The tokenizer that `toJSON` described. `json` is a parsed file that nobody vouches for: everything is checked before it
 * is used. Throws UserError when it is foreign, of a later version or damaged.
 */
export function tokenizerFromJSON(json: unknown, fileName = 'the tokenizer file'): Tokenizer {
  const file = check(File, json, damaged(fileName, "Give the one that was saved beside the model's weights."));
  if (file.kind === 'byte') return new ByteTokenizer();
  if (file.kind === 'char') return new CharTokenizer(file.characters);
  return new BpeTokenizer(file.kind, file.tokens, file.mergeOnly);
}
