import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, it } from 'vitest';
import { DuplicateFinder } from '../../../src/trust/data/duplicateFinder.ts';
import { findDuplicates } from '../../../src/trust/data/duplicates.ts';
import { NEAR } from '../../../src/trust/data/nearIndex.ts';
import { jaccard, shinglesOf, wordHashes } from '../../../src/trust/data/shingles.ts';
import { all, draw, edited, known, nearestBefore, placed, runsOfFive, sourceOf } from './texts.ts';

/** Paragraphs of a novel, of 20 words or more. */
let paragraphs: string[];
beforeAll(async () => {
  const texts = (await all((await known('moby-dick')).documents())).map(({ text }) => text);
  paragraphs = texts.filter((text) => text.split(/\s+/).length >= 20);
});

const PLANTED = 500;
/** The first paragraphs and, in places that chance picks, a copy of each of the first 500, edited up to once in 25 words. */
function planted(): string[] {
  const texts = paragraphs.slice(0, 1200);
  for (let i = 0; i < PLANTED; i++) {
    const most = Math.max(2, Math.ceil(paragraphs[i].split(/\s+/).length / 25));
    const copy = edited(paragraphs[i], 1 + draw(i, most, 5), i);
    texts.splice(draw(i, texts.length - PLANTED, 6) + PLANTED, 0, copy);
  }
  return texts;
}

describe('near-duplicates planted in a novel', () => {
  it('are found, and little else is, as all pairs compared without hashes tell', () => {
    const texts = planted();
    const runs = texts.map(runsOfFive);
    const nearest = nearestBefore(runs);
    const isNear = nearest.map(({ similarity }) => similarity >= NEAR);
    const finder = new DuplicateFinder();
    const found = texts.map((text, i) => finder.look(placed(text, i)));
    const count = (of: (i: number) => unknown): number => texts.filter((_, i) => of(i)).length;
    const [truth, said, right] = [count((i) => isNear[i]), count((i) => found[i]), count((i) => found[i] && isNear[i])];
    expect(truth).toBeGreaterThan(150);
    expect(nearest.filter(({ similarity }) => similarity < NEAR && similarity > 0.4).length).toBeGreaterThan(100);
    expect(right / truth).toBeGreaterThanOrEqual(0.95);
    expect(right / said).toBeGreaterThanOrEqual(0.95);
    for (const [i, copy] of found.entries()) {
      if (copy) expect(copy.similarity).toBeCloseTo(nearest[i].similarity, 2);
    }
  });
});

it('a copy among thousands of form letters is found, and they are no copies of each other', () => {
  const form = Array.from({ length: 60 }, (_, i) => `form${i}`);
  const letters = Array.from({ length: 2000 }, (_, i) =>
    [...form, ...Array.from({ length: 40 }, (_, j) => `own${draw(j, 100_000, i)}`)].join(' '),
  );
  const finder = new DuplicateFinder();
  expect(letters.filter((text, i) => finder.look(placed(text, i)))).toEqual([]);
  expect(finder.look(placed(letters[1500].replace('form30', 'other'), 2000))).toMatchObject({
    ...{ kind: 'near', first: { line: 1501 } },
  });
});

describe('duplicates of documents and lines', () => {
  it('are counted, with places and masked excerpts', async () => {
    const wrapped = 'Write to ada@example.com about the engine\nthat weaves algebraic patterns, and to nobody else.';
    const other = 'A paragraph of its own, which is nowhere else.\nthat weaves algebraic patterns, and to nobody else.';
    const texts = [wrapped, 'Yes.', other, 'Yes.', ` ${wrapped.replace('\n', '\r\n')}`, wrapped.replace('\n', ' ')];
    const found = await findDuplicates(sourceOf(texts, ['a', 'a', 'a', 'b', 'b', 'b']));
    expect(found.documents).toEqual({
      ...{ looked: 4, copies: 1, characters: wrapped.length + 2, byPart: { b: 1 } },
      groups: [
        {
          ...{ times: 2, first: { part: 'a', line: 1 }, others: [{ part: 'b', line: 5 }], similarity: 1 },
          excerpt: 'Write to <EMAIL> about the engine that weaves algebraic patterns, and to nobody else.',
        },
      ],
    });
    expect(found.near).toMatchObject({
      looked: 3,
      copies: 1,
      groups: [{ times: 2, similarity: 1, others: [{ line: 6 }] }],
    });
    expect(found.lines).toMatchObject({ looked: 7, copies: 3, groups: [{ times: 3 }, { times: 2 }] });
    expect(found).toMatchObject({ phrases: 2, forgotten: 0 });
    expect(JSON.stringify(found)).not.toContain('ada@');
  });

  it('of a clean novel are few: five calls of a few words', async () => {
    const { documents, near, lines } = await findDuplicates(await known('moby-dick'));
    expect([documents.looked, documents.copies, near.copies, lines.copies]).toEqual([2431, 3, 2, 5]);
    expect(documents.characters + near.characters).toBeLessThan(250);
  });
});

describe('shingles', () => {
  it('pass over case, signs and how lines are wrapped, and know letters of all writings', () => {
    const same = (a: string, b: string) => expect(wordHashes(a)).toEqual(wordHashes(b));
    same('Call me ISHMAEL. Some years ago', 'call me\r\nIshmael; some -- years "ago"');
    same('ﬁne Größe', 'FINE GRÖSSE'.replace('SS', 'ß'));
    expect(wordHashes('один два')).toHaveLength(2);
    expect(wordHashes('白鯨と海')).toHaveLength(5 - 1);
    expect(wordHashes('"-- ... --"')).toHaveLength(0);
    expect(wordHashes('')).toHaveLength(0);
  });

  it('are runs of five words; shorter texts have none', () => {
    expect(shinglesOf(wordHashes('one two three four'))).toHaveLength(0);
    expect(shinglesOf(wordHashes('one two three four five six'))).toHaveLength(2);
    expect(shinglesOf(wordHashes('a b c d e f '.repeat(9)))).toHaveLength(6);
    const [a, b] = [wordHashes('a b c d e f g h'), wordHashes('a b c d e f g x')].map(shinglesOf);
    expect(jaccard(a, b)).toBe(3 / 5);
  });
});

describe('a stream of twelve megabytes', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;

  /** Phrases of the novel in an order of their own, without end. */
  function* endless(phrases: readonly string[]): Generator<string> {
    for (let i = 0; ; i++) {
      const length = 200 + draw(i, 400);
      yield Array.from({ length }, (_, j) => phrases[draw(i * 7919 + j, phrases.length)]).join(' ');
    }
  }

  it('is walked in bounded memory, and says what it could not remember', () => {
    const phrases = paragraphs.join(' ').match(/(?:\S+\s+){8}/g)!;
    const finder = new DuplicateFinder({ most: 100 });
    const held: number[] = [];
    let [size, count] = [0, 0];
    let last = '';
    for (const text of endless(phrases)) {
      expect(finder.look(placed(text, count++))).toBeUndefined();
      if (count <= 100) last = text;
      size += text.length;
      if (count === 200 || size > 12e6) {
        for (let i = 0; i < 2; i++) collectGarbage(); // what is only waiting to be freed is not held; a second one waits for the sweepers of the first
        held.push(process.memoryUsage().arrayBuffers);
      }
      if (size > 12e6) break;
    }
    expect(count).toBeGreaterThan(500);
    expect(finder.forgotten).toBe(count - 100);
    expect(held[1] - held[0]).toBeLessThan(8e6);
    expect(finder.find(placed(last, count))?.first.line).toBe(100); // what came early is still known
  });
});
