import { describe, expect, it } from 'vitest';
import { UsageError, UserError } from '../../../src/errors.ts';
import {
  countBytes,
  StreamDecoder,
  type Tokenizer,
  tokenizerFromJSON,
  trainTokenizer,
} from '../../../src/text/tokenizers/tokenizer.ts';
import { inChunks, randomText, SPECS } from './samples.ts';

const corpus = randomText(1, 3000);
const trained: [string, Tokenizer][] = [];
for (const spec of SPECS) trained.push([spec, await trainTokenizer(spec, inChunks(corpus))]);

describe.each(trained)('%s', (spec, tokenizer) => {
  it('round-trips any text, with ids below the vocabulary size', () => {
    for (let seed = 0; seed < 200; seed++) {
      const text = randomText(seed, 40);
      const ids = tokenizer.encode(text);
      expect(tokenizer.decode(ids)).toBe(text);
      expect(Math.max(...ids)).toBeLessThan(tokenizer.vocabSize);
    }
    expect(tokenizer.encode('')).toEqual([]);
    expect(tokenizer.decode([])).toBe('');
  });

  it('keeps a byte order mark that begins a text', () => {
    expect(tokenizer.decode(tokenizer.encode('\ufeffa'))).toBe('\ufeffa');
  });

  it('writes a lone surrogate as U+FFFD', () => {
    expect(tokenizer.decode(tokenizer.encode('a\ud800a\udc00'))).toBe('a\ufffda\ufffd');
  });

  it('gives bytes that make up the text', () => {
    const ids = tokenizer.encode(corpus);
    const bytes = new TextEncoder().encode(corpus);
    expect(Buffer.concat(ids.map((id) => tokenizer.tokenBytes(id))).equals(bytes)).toBe(true);
    expect(countBytes(tokenizer, ids)).toBe(bytes.length);
  });

  it('streams the same text token by token', () => {
    const decoder = new StreamDecoder(tokenizer);
    const pieces = tokenizer.encode(corpus).map((id) => decoder.push(id));
    expect(pieces.join('') + decoder.flush()).toBe(corpus);
  });

  it('survives JSON', () => {
    const file: unknown = JSON.parse(JSON.stringify(tokenizer));
    const again = tokenizerFromJSON(file);
    expect(again.kind).toBe(tokenizer.kind);
    expect(again.vocabSize).toBe(tokenizer.vocabSize);
    expect(again.encode(corpus)).toEqual(tokenizer.encode(corpus));
    expect(again.toJSON()).toEqual(file);
  });

  it('cuts only where both sides encode to the ids of the whole', () => {
    for (let seed = 1000; seed < 1200; seed++) {
      const text = randomText(seed, 12);
      for (let end = 1; end <= text.length; end += 3) {
        const cut = tokenizer.safeCut(text.slice(0, end));
        if (splitsPair(text, cut)) throw new Error(`the cut at ${cut} of ${JSON.stringify(text)} splits a pair`);
        const halves = [...tokenizer.encode(text.slice(0, cut)), ...tokenizer.encode(text.slice(cut))];
        expect(halves).toEqual(tokenizer.encode(text));
      }
    }
  });

  it('does not depend on the chunks that it is trained on', async () => {
    const again = await trainTokenizer(spec, inChunks(corpus, 777));
    expect(again.toJSON()).toEqual(tokenizer.toJSON());
  });

  it('refuses an id outside of the vocabulary', () => {
    for (const id of [-1, 0.5, Number.NaN, tokenizer.vocabSize])
      expect(() => tokenizer.decode([id])).toThrow(UserError);
  });
});

const splitsPair = (text: string, cut: number): boolean => text.codePointAt(cut - 1)! > 0xffff;

describe('byte', () => {
  it('is UTF-8', () => {
    expect(trained[0][1].encode('é🐋')).toEqual([0xc3, 0xa9, 0xf0, 0x9f, 0x90, 0x8b]);
  });
});

describe('char', () => {
  it('numbers the characters in code point order, above U+FFFF too', async () => {
    const tokenizer = await trainTokenizer('char', inChunks('b\u{10000}a\uffeeab', 1));
    expect(tokenizer.encode('ab\uffee\u{10000}')).toEqual([0, 1, 2, 3]);
    expect(tokenizer.vocabSize).toBe(4);
  });

  it('names a character that it never saw, and what to do', async () => {
    const tokenizer = await trainTokenizer('char', inChunks('abc'));
    const message = /"🐋" \(U\+1F40B\) is not among the 3 .* --tokenizer bpe/;
    expect(() => tokenizer.encode('a🐋')).toThrow(UserError);
    expect(() => tokenizer.encode('a🐋')).toThrow(message);
  });
});

describe('pieces', () => {
  const trainedOn = (pattern: string, text: string) => trainTokenizer(`pieces:${pattern}`, inChunks(text, 3));

  it('takes the longest piece at each place, and characters where none was found', async () => {
    const tokenizer = await trainedOn('\\[[^\\]]+\\]|Cl|Br', 'CCl\nC[nH]c[n+]\n');
    const split = (text: string) => tokenizer.encode(text).map((id) => tokenizer.decode([id]));
    expect(split('ClC[nH]C')).toEqual(['Cl', 'C', '[nH]', 'C']);
    expect(split('[+]')).toEqual(['[', '+', ']']);
    expect(() => tokenizer.encode('Br')).toThrow(/"B" \(U\+0042\) is not among the \d+ pieces/);
  });

  it('refuses what is no pattern, and one that reaches over the ends of lines', async () => {
    await expect(trainedOn('[', 'a')).rejects.toThrow(/pieces: takes a regular expression/);
    await expect(trainedOn('a\nb', 'a\nb')).rejects.toThrow(/reach over the end of a line/);
  });
});

describe('StreamDecoder', () => {
  it('waits for the last byte of a character and replaces one that never ends', () => {
    const decoder = new StreamDecoder(trained[0][1]);
    expect([0xc3, 0xa9, 0xf0, 0x9f].map((byte) => decoder.push(byte))).toEqual(['', 'é', '', '']);
    expect(decoder.flush()).toBe('\ufffd');
    expect(decoder.push(97)).toBe('a');
  });
});

describe('a spec that is not known', () => {
  it.each(['words', 'bpe:', 'bpe:256', 'bpe:1e9', 'bpe:many', 'gpt:gpt5', ''])('%j is refused', async (spec) => {
    const training = trainTokenizer(spec, inChunks('abc'));
    await expect(training).rejects.toThrow(UsageError);
    await expect(training).rejects.toThrow(spec.startsWith('bpe:') ? /bpe:1024/ : /byte, char, bpe/);
  });
});

describe('a tokenizer file that cannot be used', () => {
  const good = { kind: 'bpe', version: 1, tokens: ['ab', 'abc'], mergeOnly: [0] };
  const bad: [string, unknown, RegExp][] = [
    ['nothing', null, /it must be an object; got null/],
    ['a list', [], /it must be an object; got \[\]/],
    ['another program’s', { version: '1.0', model: { type: 'BPE' } }, /kind must be .*; it is missing/],
    ['an unknown kind', { kind: 'sentencepiece', version: 1 }, /kind must be "byte" or .*; got "sentencepiece"/],
    ['a later version', { ...good, version: 2 }, /version must be 1; got 2/],
    ['no characters', { kind: 'char', version: 1, characters: '' }, /characters/],
    ['unsorted characters', { kind: 'char', version: 1, characters: 'ba' }, /order/],
    ['repeated characters', { kind: 'char', version: 1, characters: 'aab' }, /distinct/],
    ['no tokens', { kind: 'bpe', version: 1 }, /tokens/],
    ['a repeated token', { ...good, tokens: ['ab', 'ab'] }, /tokens must be distinct/],
    ['a token of one byte', { ...good, tokens: ['a'] }, /tokens\[0\]/],
    ['a token out of the alphabet', { ...good, tokens: ['a b'] }, /tokens\[0\]/],
    ['mergeOnly out of range', { ...good, mergeOnly: [2] }, /mergeOnly/],
    ['mergeOnly not rising', { ...good, mergeOnly: [1, 1] }, /mergeOnly/],
    ['mergeOnly of text', { ...good, mergeOnly: ['0'] }, /mergeOnly/],
  ];
  it.each(bad)('%s', (_, json, message) => {
    expect(() => tokenizerFromJSON(json)).toThrow(UserError);
    expect(() => tokenizerFromJSON(json)).toThrow(message);
  });

  it('while its neighbour can', () => {
    expect(tokenizerFromJSON(good).encode('abc ab')).toEqual([256, 32, 97, 98]);
  });
});
