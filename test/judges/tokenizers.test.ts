import { expect, it } from 'vitest';
import { toTokenizerJson } from '../../src/export/tokenizerJson.ts';
import { fuzzed, inUtf8, isOfCharacters, judge, loneBytes, SPECS, tokenizerOf } from './judges.ts';

it.each([...SPECS, 'gpt:cl100k', 'gpt:o200k'])(
  'tokenizer.json of %s gives our ids and texts in @huggingface/tokenizers',
  async (spec) => {
    const ours = await tokenizerOf(spec);
    const { Tokenizer } = await judge('@huggingface/tokenizers');
    const json = JSON.parse(JSON.stringify(toTokenizerJson(ours.toJSON())));
    const theirs = new Tokenizer(json, { clean_up_tokenization_spaces: false });
    for (const text of fuzzed(spec)) {
      const ids = ours.encode(text);
      expect(theirs.encode(text).ids, JSON.stringify(text)).toEqual(ids);
      expect(theirs.decode(ids)).toBe(inUtf8(text));
    }
    if (!isOfCharacters(spec))
      for (const ids of loneBytes()) expect(theirs.decode(ids), `${ids}`).toBe(ours.decode(ids));
  },
);
