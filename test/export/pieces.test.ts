import { expect, it } from 'vitest';
import { ggufCaveats, ggufTokenizer } from '../../src/export/ggufTokenizer.ts';
import { fromTokenizerJson } from '../../src/export/readTokenizerJson.ts';
import { toTokenizerJson } from '../../src/export/tokenizerJson.ts';
import { PieceTokenizer } from '../../src/text/tokenizers/pieceTokenizer.ts';
import type { TokenizerFile } from '../../src/text/tokenizers/types.ts';

const file = (...pieces: string[]): TokenizerFile => ({ kind: 'pieces', version: 1, pieces });
const MOLECULES = file('\n', ' ', 'C', 'l', '[nH]', 'Cl', '(');

it('pieces come back from tokenizer.json as they were', () => {
  for (const one of [MOLECULES, file('a', 'b')]) {
    const json = JSON.parse(JSON.stringify(toTokenizerJson(one)));
    const { tokenizer } = fromTokenizerJson(json, { rows: 9 }, 'tokenizer.json');
    expect(tokenizer.toJSON()).toEqual(one);
  }
});

it('tokenizer.json cuts a text as the tokenizer does', () => {
  const { pre_tokenizer } = toTokenizerJson(MOLECULES) as { pre_tokenizer: { pattern: { Regex: string } } };
  const tokenizer = new PieceTokenizer((MOLECULES as { pieces: string[] }).pieces);
  const text = 'ClC([nH] C\nClCl';
  const words = text.match(new RegExp(pre_tokenizer.pattern.Regex, 'gu'))!;
  expect(words).toEqual(tokenizer.encode(text).map((id) => tokenizer.decode([id])));
});

it('a GGUF file has longer pieces as texts, characters in bytes, and ends with the line', () => {
  const fields = ggufTokenizer(file('\n', ' ', 'é', 'xy'));
  expect(fields['tokenizer.ggml.tokens']).toEqual(['Ċ', 'Ġ', 'Ã©', 'xy']);
  expect(fields['tokenizer.ggml.token_type']).toEqual({ i32s: [1, 1, 1, 4] });
  expect(fields['tokenizer.ggml.merges']).toEqual(['Ã ©']);
  expect(fields['tokenizer.ggml.eos_token_id']).toEqual({ u32: 0 });
});

it('says where llama.cpp goes other ways', () => {
  expect(ggufCaveats(MOLECULES)).toEqual([expect.stringMatching(/stops at "\\n" unless it is told --ignore-eos/)]);
  expect(ggufCaveats(file('a', 'b', 'c', 'ab', 'bc'))[1]).toMatch(/where pieces overlap, as in "abc", it has other/);
});
