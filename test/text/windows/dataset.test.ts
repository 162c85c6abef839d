import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { findCorpus } from '../../../data/corpora.ts';
import { mobyDick } from '../../../data/moby-dick/recipe.ts';
import { UsageError, UserError } from '../../../src/errors.ts';
import { countWords } from '../../../src/text/tokenizers/bpeTrain.ts';
import { trainTokenizer } from '../../../src/text/tokenizers/tokenizer.ts';
import { buildDataset, encodeStream } from '../../../src/text/windows/dataset.ts';
import { linesOf, safePieces, utf8Chunks } from '../../../src/text/windows/stream.ts';
import { inChunks, randomText, SPECS } from '../tokenizers/samples.ts';

const corpus = randomText(7, 8000);
const options = { name: 'test.txt', blockSize: 8 };

async function collect(chunks: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

async function* byteChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

const decodeAll = async (bytes: Uint8Array, size = 1 << 20) =>
  (await collect(utf8Chunks(byteChunks(bytes, size), 'test.txt'))).join('');

describe.each(SPECS)('a data set of %s tokens', (spec) => {
  it('does not depend on the chunks and splits the text as nanoGPT does', async () => {
    const tokenizer = await trainTokenizer(spec, inChunks(corpus));
    const points = [...corpus];
    const split = Math.floor(0.9 * points.length);
    const [head, tail] = [points.slice(0, split).join(''), points.slice(split).join('')];
    for (const size of [1, 17_777, corpus.length]) {
      const { train, validation, counts } = await buildDataset(inChunks(corpus, size), tokenizer, options);
      expect(Array.from(train)).toEqual(tokenizer.encode(head));
      expect(Array.from(validation)).toEqual(tokenizer.encode(tail));
      expect(counts.characters).toBe(points.length);
      expect(counts.bytes).toBe(Buffer.byteLength(corpus));
      expect([counts.trainTokens, counts.validationTokens]).toEqual([train.length, validation.length]);
    }
  });
});

describe('a data set', () => {
  it('is 16 bits wide where the vocabulary allows it', async () => {
    const byte = await trainTokenizer('byte', inChunks(corpus));
    expect(await encodeStream(inChunks('abc')(), byte)).toEqual(Uint16Array.of(97, 98, 99));
    const wide = { ...byte, vocabSize: 65_537, encode: () => [65_536], safeCut: () => 0 } as unknown as typeof byte;
    expect(await encodeStream(inChunks('abc')(), wide)).toEqual(Uint32Array.of(65_536));
  });

  it('of nothing is refused', async () => {
    const byte = await trainTokenizer('byte', inChunks(''));
    await expect(buildDataset(inChunks(''), byte, options)).rejects.toThrow(/test\.txt is empty/);
  });

  it('shorter than a window is refused with both numbers and advice', async () => {
    const byte = await trainTokenizer('byte', inChunks(''));
    const build = (text: string, validationFraction?: number) =>
      buildDataset(inChunks(text), byte, { ...options, validationFraction });
    await expect(build('x'.repeat(80))).rejects.toThrow(UserError);
    await expect(build('x'.repeat(80))).rejects.toThrow(/validation part has 8 tokens.* takes 9 .* to 7 or less/);
    await expect(build('x'.repeat(80), 0.9)).rejects.toThrow(/training part has 7 tokens/);
    await expect(build('x')).rejects.toThrow(/training part has 0 tokens.*use a longer text$/);
    expect((await build('x'.repeat(90))).validation).toHaveLength(9);
  });

  it.each([0, 1, -0.1, Number.NaN])('with %s held out is refused', async (validationFraction) => {
    const byte = await trainTokenizer('byte', inChunks(''));
    await expect(buildDataset(inChunks('abc'), byte, { ...options, validationFraction })).rejects.toThrow(UsageError);
  });

  it('names a character that a tokenizer of another text never saw', async () => {
    const char = await trainTokenizer('char', inChunks('abc'));
    await expect(buildDataset(inChunks('abcd'.repeat(99)), char, options)).rejects.toThrow(/"d" \(U\+0064\)/);
  });
});

describe('memory', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const heapBytes = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const page = 'Call me Ishmael. Some years ago, never mind how long precisely. '.repeat(1024);

  /** `count` pages of 64 KB, each with a long word of its own; `atEnd` is called while the last one is held. */
  async function* pages(count: number, atEnd: () => void): AsyncGenerator<string> {
    for (let i = 0; i < count; i++) {
      yield `${page}Unrepeatable${String(i)
        .padStart(20, 'x')
        .replace(/\d/g, (d) => 'abcdefghij'[Number(d)])} `;
      if (i === count - 1) atEnd();
    }
  }

  it('holds no more than pieces of a 20 MB text while it is encoded', async () => {
    const char = await trainTokenizer('char', inChunks(`${page}Unrepeatablexbdfjcegij`));
    const before = heapBytes();
    let grown = Number.POSITIVE_INFINITY;
    const tokens = await encodeStream(
      pages(320, () => (grown = heapBytes() - before)),
      char,
    );
    expect(tokens.length).toBeGreaterThan(20_000_000);
    expect(grown).toBeLessThan(4_000_000);
  });

  it('does not keep the text through the words that are counted', async () => {
    const before = heapBytes();
    let grown = Number.POSITIVE_INFINITY;
    const counts = await countWords(
      'bpe',
      pages(120, () => (grown = heapBytes() - before)),
    );
    expect(counts.get(' Ishmael')).toBe(120 * 1024);
    expect(grown).toBeLessThan(4_000_000);
  });

  it('tries a text without any word end a few times only', async () => {
    let tried = 0;
    const pieces = await collect(
      safePieces(inChunks('x'.repeat(1 << 22), 1 << 12)(), (text) => {
        tried += text.length;
        return 0;
      }),
    );
    expect(pieces).toHaveLength(1);
    expect(tried).toBeLessThan(2 << 22);
  });
});

describe('utf8Chunks', () => {
  it('decodes what is split anywhere, keeps \\r\\n and drops a byte order mark at the start only', async () => {
    const text = `\ufeffone\r\n\ufefftwo ${randomText(5, 500)}`;
    for (const size of [1, 2, 3, 1000])
      expect(await decodeAll(new TextEncoder().encode(text), size)).toBe(text.slice(1));
    expect(await decodeAll(new Uint8Array(0))).toBe('');
  });

  it('refuses what is not UTF-8 and says where', async () => {
    const latin1 = Buffer.concat([Buffer.alloc(200_000, 'a'), Buffer.from('caf\xe9 noir', 'latin1')]);
    await expect(decodeAll(latin1)).rejects.toThrow(UserError);
    const sentence = /test\.txt is not UTF-8 in line 1, at byte 200003 \(0xE9\).*iconv/;
    for (const size of [1000, 1 << 20]) await expect(decodeAll(latin1, size)).rejects.toThrow(sentence);
    await expect(decodeAll(latin1.subarray(0, 200_004))).rejects.toThrow(sentence);
    const later = Buffer.concat([Buffer.from('ä\r\n€\n𝄞'), Uint8Array.of(0x80, 10, 0xe2, 0x82), Buffer.from('s')]);
    for (const size of [1, 2, 3, 5, 100]) await expect(decodeAll(later, size)).rejects.toThrow(/line 3, at byte 12 /);
    for (const size of [1, 2, 3, 5, 100])
      await expect(decodeAll(Uint8Array.of(10, 0xf0, 0x9d, 0x84), size)).rejects.toThrow(/line 2, at byte 1 \(0xF0\)/);
  });

  it('names the encoding that it finds, and the file and place of many', async () => {
    const utf16 = Uint8Array.of(0xff, 0xfe, 116, 0);
    await expect(decodeAll(utf16)).rejects.toThrow(/test\.txt is UTF-16 text, .* iconv -f utf-16/);
    async function* files(...contents: Uint8Array[]) {
      for (const [i, bytes] of contents.entries()) yield Object.assign(bytes, { file: `${i}.txt` });
    }
    const text = (word: string) => new TextEncoder().encode(word);
    const read = async (...contents: Uint8Array[]) => (await collect(utf8Chunks(files(...contents), 'all'))).join('');
    expect(await read(text('\ufeffone'), text('\ufeff'), text('\ufefftwo'))).toBe('onetwo');
    await expect(read(text('one\n'), Uint8Array.of(10, 0xe9, 10), text('two'))).rejects.toThrow(
      /^1\.txt is not UTF-8 in line 2, at byte 1 /,
    );
    // what one file begins no other one ends
    await expect(read(Uint8Array.of(0xc3), Uint8Array.of(0xa9))).rejects.toThrow(/^0\.txt is not UTF-8 .* byte 0 /);
  });

  it('refuses a NUL byte as a sign of a binary file', async () => {
    const binary = Uint8Array.of(97, 98, 0, 99);
    for (const size of [1, 4])
      await expect(decodeAll(binary, size)).rejects.toThrow(/binary file \(a NUL byte at offset 2\)/);
    await expect(decodeAll(Buffer.from('text', 'utf16le'))).rejects.toThrow(UserError);
  });
});

describe('linesOf', () => {
  const lines = async (chunks: AsyncIterable<string>): Promise<string[]> => {
    const all: string[][] = [];
    for await (const some of linesOf(chunks)) all.push(some);
    return all.flat();
  };

  it('gives a line as soon as it ends', async () => {
    async function* slow() {
      yield 'one\r';
      throw new Error('waited for more');
    }
    expect((await linesOf(slow()).next()).value).toEqual(['one']);
  });

  it('ends lines as any system does, wherever the text is cut', async () => {
    const written = ['one', '', 'two', 'three', '', '', 'four '];
    const text = 'one\n\r\ntwo\rthree\r\n\r\rfour ';
    for (const end of ['', '\n', '\r', '\r\n'])
      for (const size of [1, 2, 3, 7, 100]) expect(await lines(inChunks(text + end, size)())).toEqual(written);
    expect(await lines(inChunks('')())).toEqual([]);
  });

  it('are as many, or as long, as they are', async () => {
    const many = Array.from({ length: 5 }, () => 'x\n'.repeat(40_000));
    async function* pieces(all: readonly string[]) {
      yield* all;
    }
    expect(await lines(pieces(many))).toHaveLength(200_000);
    const long = Array.from({ length: 1000 }, () => 'x'.repeat(1 << 16));
    expect((await lines(pieces(long)))[0]).toHaveLength(1000 << 16);
  });
});

describe('moby-dick', () => {
  it('is the file that its recipe and card describe', async () => {
    const corpus = mobyDick;
    const bytes = readFileSync(`node_modules/${corpus.npmPackage}/${corpus.file}`);
    expect(Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex')).toBe(corpus.sha256);
    const text = await decodeAll(bytes);
    const tokenizer = await trainTokenizer('char', inChunks(text));
    const { counts } = await buildDataset(inChunks(text), tokenizer, { name: 'moby-dick', blockSize: 256 });
    expect(tokenizer.vocabSize).toBe(83);
    expect(counts).toEqual({
      bytes: 1_204_997,
      characters: 1_190_317,
      trainTokens: 1_071_285,
      validationTokens: 119_032,
    });
    expect(findCorpus('moby')).toBeUndefined();
  });
});
