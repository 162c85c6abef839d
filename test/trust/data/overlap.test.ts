import { describe, expect, it } from 'vitest';
import { taskSets } from '../../../data/corpora.ts';
import { findHeldOutOverlap, findOverlaps } from '../../../src/trust/data/overlap.ts';
import { paragraphs } from '../../../src/trust/data/paragraphs.ts';
import { setDocuments } from '../../../src/trust/data/tables.ts';
import { draw, edited, known, sourceOf } from './texts.ts';

const words = (i: number, count: number): string =>
  Array.from({ length: count }, (_, j) => `word${draw(j, 500, i)}`).join(' ');

describe('a test part', () => {
  it('is held against the training part to the last line, short rows too', async () => {
    const train = Array.from({ length: 300 }, (_, i) => (i % 10 === 0 ? `only ${i}` : words(i, 60)));
    const test = Array.from({ length: 200 }, (_, i) => (i % 10 === 0 ? `just ${i}` : words(1000 + i, 60)));
    test[3] = train[17];
    test[40] = ` ${train[20]}\n`;
    test[77] = edited(train[50 + 1], 1, 7);
    test[199] = train[299];
    const parts = [...train.map(() => 'train'), ...test.map(() => 'test')];
    const [overlap] = await findOverlaps(sourceOf([...train, ...test], parts));
    expect(overlap).toMatchObject({ part: 'test', within: 'train', documents: 200, exact: 3, near: 1 });
    expect(overlap.places.map(({ kind, line, first }) => [kind, line - 300, first.line])).toEqual([
      ['exact', 4, 18],
      ['exact', 41, 21],
      ['near', 78, 52],
      ['exact', 200, 300],
    ]);
  });

  it('without a training part is held against nothing', async () => {
    expect(await findOverlaps(sourceOf(['one', 'two'], ['a', 'b']))).toEqual([]);
  });

  it('of a known set has no exact copy', async () => {
    const set = taskSets.find(({ name }) => name === 'synthetic-names')!;
    const overlaps = await findOverlaps(await setDocuments(set, () => {}));
    expect(overlaps.length).toBeGreaterThan(1);
    for (const { exact } of overlaps) expect(exact).toBe(0);
  });
});

describe('the held-out end of a text', () => {
  const source = (text: string) => ({
    ...{ name: 'it', parts: [] },
    async *documents() {
      const chunks = (async function* () {
        yield text;
      })();
      for await (const one of paragraphs(chunks)) yield { part: 'it', ...one };
    },
  });

  it('is held against the rest, by documents, lines and passages, to the last one', async () => {
    const train = Array.from({ length: 90 }, (_, i) => words(i, 70)).join('\n\n');
    const line = 'a line of the training text that is there again';
    const heldOut = `${words(7, 70)}\n\n${words(500, 30)}\n${line}\n${words(501, 30)} ${words(30, 70)} end\n${words(89, 70)}`;
    const text = `${line}\n\n${train}\n\n\u{1f600}${heldOut}`;
    const fraction = [...`\u{1f600}${heldOut}`].length / [...text].length;
    const found = await findHeldOutOverlap(source(text), fraction);
    const lineOf = (part: string): number => text.slice(0, text.lastIndexOf(part)).split('\n').length;
    expect(found).toMatchObject({
      documents: 2,
      exact: 0,
      near: 1,
      lines: 5,
      places: [{ kind: 'near', first: { line: 17 } }],
    });
    expect(found.knownLines).toEqual([lineOf(line), lineOf(words(89, 70))]);
    const passages = Math.floor(`\u{1f600}${heldOut}`.length / 128);
    const naive = Array.from({ length: passages }, (_, i) => `\u{1f600}${heldOut}`.slice(128 * i, 128 * i + 128));
    expect(found).toMatchObject({ passages, knownPassages: naive.filter((one) => train.includes(one)).length });
    expect(found.knownPassages).toBeGreaterThan(5);
  });

  it('of a clean novel has next to nothing in common with it', async () => {
    const found = await findHeldOutOverlap(await known('moby-dick'), 0.1);
    expect(found.near + found.exact).toBeLessThan(3);
    expect(found.knownPassages / found.passages).toBeLessThan(0.01);
  });

  it('is cut within a paragraph, where training cuts it', async () => {
    const found = await findHeldOutOverlap(source('x'.repeat(50) + 'y'.repeat(50)), 0.5);
    expect(found).toMatchObject({ documents: 1, exact: 0 });
  });
});
