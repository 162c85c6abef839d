import { expect, it } from 'vitest';
import { fromTokenizerJson } from '../../src/export/readTokenizerJson.ts';
import { toTokenizerJson } from '../../src/export/tokenizerJson.ts';
import { mix } from '../../src/text/windows/permutation.ts';
import { fuzzed, judge } from './judges.ts';
import { ADDED, tokenizerJson, type Way } from './tokenizerFiles.ts';

/** Tokenizers that others made: GPT-2's own, one that cuts digits before, and one in the way of Llama 3 (of GPT-4's ranks). */
const RANKS: Readonly<Record<Way, string>> = { gpt2: 'r50k', smollm: 'r50k', llama3: 'cl100k' };

/** Texts with tokens in them that are found before anything else, some cut short, some next to each other. */
const TEXTS = fuzzed('byte').map((text, seed) => {
  const token = ADDED[mix(seed, 5) % ADDED.length];
  const piece = mix(seed, 6) % 3 === 0 ? token.slice(0, -1) : token;
  const at = mix(seed, 7) % (text.length + 1);
  const whole = seed % 2 === 0 ? text : text.slice(0, at) + piece + (seed % 6 === 1 ? piece : '') + text.slice(at);
  return whole.replace(/\p{Surrogate}/gu, '\ufffd');
});

/** White space and digits of which transformers.js thinks otherwise than the library that it follows: as JavaScript does. */
const OTHERWISE = /[\ufeff\u0085]|(?![0-9])\p{N}/u;

it.each(Object.keys(RANKS) as Way[])('%s: ids and texts of the library itself, and of transformers.js', async (way) => {
  const { default: ranks } = await import(`gpt-tokenizer/bpeRanks/${RANKS[way]}_base`);
  const json = JSON.parse(JSON.stringify(tokenizerJson(ranks, way)));
  const { tokenizer: ours, notes } = fromTokenizerJson(json, { rows: 1e6 });
  expect(notes).toEqual([]);
  const library = (await judge('tokenizers')).default.Tokenizer;
  const script = (await judge('@huggingface/tokenizers')).Tokenizer;
  const theirs = library.fromString(JSON.stringify(json));
  const exported = library.fromString(JSON.stringify(toTokenizerJson(ours.toJSON())));
  const inScript = new script(json, { clean_up_tokenization_spaces: false });
  for (const text of TEXTS) {
    const ids = ours.encode(text);
    for (const one of [theirs, exported]) {
      expect((await one.encode(text, null, { addSpecialTokens: false })).getIds(), JSON.stringify(text)).toEqual(ids);
    }
    if (!OTHERWISE.test(text)) {
      expect(inScript.encode(text, { add_special_tokens: false }).ids, JSON.stringify(text)).toEqual(ids);
    }
    expect(ours.decode(ids)).toBe(text);
    expect(await theirs.decode(ids, false)).toBe(text);
  }
});
