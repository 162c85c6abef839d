import { beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { type Tokenizer, trainTokenizer } from '../../../src/text/tokenizers/tokenizer.ts';
import {
  beforeMiddle,
  behindSpace,
  cutLine,
  cutText,
  FilledWindows,
  holePrompt,
  MARK_TEXTS,
  marksOf,
  spaceBefore,
} from '../../../src/text/windows/fillInMiddle.ts';
import { IGNORE, Windows } from '../../../src/text/windows/windows.ts';
import { inChunks } from '../tokenizers/samples.ts';

/** Characters of one to four bytes, so that windows begin and end within some, and words that merge to tokens of many. */
const TEXT = Array.from({ length: 400 }, (_, i) => `function f${i}(): số { return '🐋 ${i % 13}';\n  // кит\n}\n`).join(
  '',
);
const options = { batchSize: 4, blockSize: 48, seed: 7, fillInMiddle: 0.5, piecesOf: () => 1 };
const tokenizers: Record<string, Tokenizer> = {};
beforeAll(async () => {
  for (const spec of ['byte', 'bpe:400', 'char']) tokenizers[spec] = await trainTokenizer(spec, inChunks(TEXT));
});

const windowsOf = (spec: string, more: Partial<typeof options> = {}) => {
  const tokenizer = tokenizers[spec];
  const given = { ...options, ...more };
  const plain = new Windows(Uint16Array.from(tokenizer.encode(TEXT)), given);
  return { plain, filled: new FilledWindows(plain, tokenizer, given), tokenizer, marks: marksOf(tokenizer) };
};

/** The rows of a batch as the tokens that they are, what counts for nothing left out. */
const rowsOf = ({ inputs, targets }: { inputs: Uint32Array; targets: Uint32Array }, T = options.blockSize) =>
  Array.from({ length: inputs.length / T }, (_, row) => {
    const [read, wanted] = [inputs, targets].map((all) => [...all.subarray(row * T, (row + 1) * T)]);
    const counted = wanted.filter((id) => id !== IGNORE);
    const isShifted = counted.every((id, i) => id === wanted[i] && (i + 1 === counted.length || id === read[i + 1]));
    if (!isShifted) throw new Error(`${read} do not predict ${wanted}`);
    return [read[0], ...counted];
  });

describe.each(['byte', 'bpe:400'])('windows of %s', (spec) => {
  it('that are rearranged hold a piece of the text, whose parts stand behind their marks in either order', () => {
    const { filled, plain, tokenizer, marks } = windowsOf(spec, { fillInMiddle: 1 });
    const orders = { 'prefix first': 0, 'suffix first': 0 };
    let [lost, middles] = [0, 0];
    for (let step = 0; step < 40; step++) {
      const originals = rowsOf(plain.batch(step));
      for (const [row, ids] of rowsOf(filled.batch(step)).entries()) {
        const [suffix, middle] = [ids.indexOf(marks.suffix), ids.indexOf(marks.middle)];
        expect([ids[0], ids.at(-1)]).toEqual([marks.prefix, marks.end]);
        expect(ids.length).toBeLessThanOrEqual(options.blockSize + 1);
        const order = suffix === 1 ? 'suffix first' : 'prefix first';
        orders[order]++;
        const text = (from: number, to: number): string => tokenizer.decode(ids.slice(from, to));
        const written = text(middle + 1, ids.length - 1);
        const parts =
          order === 'suffix first' ? [written, text(2, middle)] : [text(1, suffix), written, text(suffix + 1, middle)];
        if (order === 'prefix first') expect(parts[0]).toBe(parts[0].trimEnd()); // white space there is written
        const original = tokenizer.decode(originals[row]);
        expect(original).toContain(parts.join(''));
        lost += [...original].length - [...parts.join('')].length;
        middles += [...written].length;
      }
    }
    expect(Math.abs(orders['prefix first'] - 80)).toBeLessThan(38); // binomial(160, 1/2): six standard deviations
    expect(lost / 160).toBeLessThan(spec === 'byte' ? 6 : 20); // the last 4 tokens, and what cuts through tokens cost
    expect(middles).toBeGreaterThan(160);
  });

  it('are a pure function of the seed and their number, and each epoch cuts anew', () => {
    const [one, two] = [windowsOf(spec), windowsOf(spec)];
    const later = one.filled.batch(9);
    for (const step of [0, 3, 9]) expect(two.filled.batch(step)).toEqual(one.filled.batch(step));
    expect(two.filled.batch(9)).toEqual(later);
    expect(windowsOf(spec, { seed: 8 }).filled.batch(9)).not.toEqual(later);
    // the same window at other numbers, as in other epochs
    const { tokenizer } = one;
    const same = { batch: () => one.plain.batch(0) };
    const cut = new FilledWindows(same, tokenizer, { ...options, fillInMiddle: 1 });
    expect(cut.batch(1)).not.toEqual(cut.batch(0));
  });

  it('that are cut into pieces hold a middle and its marks in each piece, and what is rearranged stays in its own', () => {
    const length = options.blockSize / 2;
    const { filled, plain, tokenizer, marks } = windowsOf(spec, { piecesOf: () => 2 });
    let moved = 0;
    for (let index = 0; index < 40; index++) {
      const originals = rowsOf(plain.batch(index), length);
      for (const [piece, ids] of rowsOf(filled.batch(index), length).entries()) {
        if (ids[0] !== marks.prefix) {
          expect(ids).toEqual(originals[piece]);
          continue;
        }
        moved++;
        expect(ids.at(-1)).toBe(marks.end);
        const isMark = new Set(Object.values(marks));
        const rest = [...tokenizer.decode(originals[piece])];
        for (const character of tokenizer.decode(ids.filter((id) => !isMark.has(id)))) {
          expect(rest).toContain(character);
          rest.splice(rest.indexOf(character), 1);
        }
      }
    }
    expect(Math.abs(moved - 160)).toBeLessThan(54); // binomial(320, 1/2): six standard deviations
  });

  it('are rearranged as often as is asked for, and all others stay as they are, to the bit', () => {
    for (const share of [0, 0.25, 0.9]) {
      const { plain, filled, marks } = windowsOf(spec, { fillInMiddle: share });
      let moved = 0;
      for (let step = 0; step < 40; step++) {
        const before = plain.batch(step);
        const after = filled.batch(step);
        const originals = rowsOf(before);
        for (const [row, ids] of rowsOf(after).entries()) {
          if (ids[0] === marks.prefix) moved++;
          else expect(ids).toEqual(originals[row]);
        }
        if (share === 0) expect(after).toEqual(before);
      }
      expect(Math.abs(moved - 160 * share)).toBeLessThanOrEqual(5 * Math.sqrt(160 * share * (1 - share)));
    }
  });
});

it('a window of a text that holds a mark stays as it is', async () => {
  const text = `a${MARK_TEXTS[2]}b`.repeat(200);
  const tokenizer = await trainTokenizer('byte', inChunks(text));
  const plain = new Windows(Uint16Array.from(tokenizer.encode(text)), options);
  const filled = new FilledWindows(plain, tokenizer, { ...options, fillInMiddle: 1 });
  expect(filled.batch(0)).toEqual(plain.batch(0));
});

it('windows too short for marks stay as they are', () => {
  const { plain, filled } = windowsOf('byte', { blockSize: 2, fillInMiddle: 1 });
  expect(filled.batch(0).inputs.length).toBe(plain.batch(0).inputs.length);
  for (let step = 0; step < 20; step++) expect(rowsOf(filled.batch(step), 2)).toHaveLength(4);
});

it('a tokenizer of characters has no marks', () => {
  expect(() => marksOf(tokenizers.char)).toThrow(UsageError);
  expect(() => marksOf(tokenizers.char)).toThrow(/\(char\) has not; train with --tokenizer bpe/);
});

it('a text is cut at any two characters', () => {
  const characters = [...'abcdefghi'];
  expect(cutText(characters, 0.75, 0.25)).toEqual({ prefix: 'ab', middle: 'cdefg', suffix: 'hi' });
  expect(cutText(characters, 0.25, 0.75)).toEqual(cutText(characters, 0.75, 0.25));
  expect(cutText(characters, 0, 0.999)).toEqual({ prefix: '', middle: 'abcdefghi', suffix: '' });
  expect(cutText(characters, 0.5, 0.5)).toMatchObject({ middle: '' });
  expect(cutText([], 0.3, 0.7)).toEqual({ prefix: '', middle: '', suffix: '' });
  expect(cutText([...'🐋🐋'], 0.4, 0.9)).toEqual({ prefix: '🐋', middle: '🐋', suffix: '' });
});

it('a line that is whole and not blank is cut out of a text', () => {
  const text = 'of a line\n  one();\n \ntwo();\nbegin';
  expect(cutLine(text, 0.49)).toEqual({ prefix: 'of a line\n', middle: '  one();', suffix: '\n \ntwo();\nbegin' });
  expect(cutLine(text, 0.5)).toEqual({ prefix: 'of a line\n  one();\n \n', middle: 'two();', suffix: '\nbegin' });
  for (const none of ['', 'a\nb', 'a\n\n \nb']) expect(cutLine(none, 0.5)).toBeUndefined();
});

it.each([
  ['', 'foo();\n', 'foo();\n'],
  ['\n', '\n    foo();', '    foo();'],
  ['\n    ', '\n    foo();', 'foo();'],
  ['\n\n', '\n', ''], // the rest may come
  ['\n  ', '\n    foo();', '  foo();'],
  ['\n    ', '\n  foo();\n  bar();', 'foo();\n  bar();'], // it stands where it is to stand
  ['\n', ', more\n  foo();', '  foo();'], // what goes on with the line before is none of the next
  ['\n', ', more', ''],
  [' ', 'foo', 'foo'],
  ['\n', MARK_TEXTS[3], MARK_TEXTS[3]],
  ['\n    ', `\n${MARK_TEXTS[3]}foo`, `${MARK_TEXTS[3]}foo`],
])('behind the white space %j stands of %j what counts', (space, written, counts) => {
  expect(behindSpace(space, written)).toBe(counts);
  let told = '';
  for (let end = 0; end <= written.length; end++) {
    const now = behindSpace(space, written.slice(0, end));
    expect(now.startsWith(told)).toBe(true); // more only adds
    expect(written.slice(0, end).endsWith(now)).toBe(true);
    told = now;
  }
  expect(spaceBefore({ prefix: `a b${space}` })).toBe(space);
});

it('half of the rearranged windows lack a line, as files do of which one is to be written', () => {
  const { filled, tokenizer, marks } = windowsOf('byte', { fillInMiddle: 1 });
  let lines = 0;
  for (let step = 0; step < 40; step++) {
    for (const ids of rowsOf(filled.batch(step))) {
      const isFirst = ids[1] === marks.suffix; // the suffix
      const suffix = tokenizer.decode(
        ids.slice(isFirst ? 2 : ids.indexOf(marks.suffix) + 1, ids.indexOf(marks.middle)),
      );
      if (suffix.startsWith('\n')) lines++;
    }
  }
  expect(Math.abs(lines - 82)).toBeLessThan(38); // and a few of the others, by chance: six standard deviations
});

describe('a prompt for a hole', () => {
  const around = (room: number, prefix: string, suffix: string) => {
    const tokenizer = tokenizers.byte;
    const marks = new RegExp(`[${MARK_TEXTS.join('')}]`);
    return tokenizer.decode(holePrompt(tokenizer, { prefix, suffix }, room)).split(marks);
  };
  it('holds what is nearest, two thirds of it from before where both are long', () => {
    const [before, after] = ['abcdefghijkl', 'mnopqrstuvwx'];
    expect(around(12, before, after)).toEqual(['', '', 'mno', 'ghijkl']);
    expect(around(12, 'kl', after)).toEqual(['', '', 'mnopqrs', 'kl']);
    expect(around(12, before, 'm')).toEqual(['', '', 'm', 'efghijkl']);
    expect(around(100, before, after)).toEqual(['', '', after, before]);
    expect(around(4, before, '')).toEqual(['', '', '', 'l']);
  });
  it('begins as a rearranged window does, without white space before the hole, and takes nothing in a text for a mark', () => {
    const tokenizer = tokenizers['bpe:400'];
    const parts = { prefix: 'return ', suffix: ';\n' };
    const ids = { prefix: tokenizer.encode('return'), suffix: tokenizer.encode(parts.suffix) };
    for (const order of ['prefix first', 'suffix first'] as const) {
      const wanted = beforeMiddle(ids, marksOf(tokenizer), order);
      expect(holePrompt(tokenizer, parts, 30, order)).toEqual(wanted);
      const marked = { prefix: `${MARK_TEXTS[3]}return `, suffix: `;${MARK_TEXTS[0]}\n` };
      expect(holePrompt(tokenizer, marked, 30, order)).toEqual(wanted);
    }
  });
});
