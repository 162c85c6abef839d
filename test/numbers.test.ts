import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { table } from '../src/cli/terminal/output.ts';
import { largest, smallest } from '../src/numbers.ts';
import { range } from '../src/report/format.ts';
import { classificationReport } from '../src/tasks/metrics/classification.ts';
import { spanReport } from '../src/tasks/metrics/spans.ts';
import { fitTemperature } from '../src/tasks/metrics/temperature.ts';
import { readChat } from '../src/text/chat/chat.ts';
import { readConll, writeConll } from '../src/text/labels/conll.ts';
import { removeDuplicates, sameText, stratifiedSplit } from '../src/text/labels/splits.ts';

const MANY = 200_000;
const many = <T>(make: (i: number) => T): T[] => Array.from({ length: MANY }, (_, i) => make(i));

it('numbers may be as many as there are', () => {
  const values = many((i) => (i * 7919) % MANY);
  expect([largest(values), smallest(values)]).toEqual([MANY - 1, 0]);
  expect([largest([]), smallest([])]).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
  expect(range(values, String)).toBe(`0 to ${MANY - 1}`);
});

it('so may rows of a table, and what is scored', () => {
  expect(table(many((i) => [String(i), 'x'])).split('\n')).toHaveLength(MANY + 1);
  const truth = many((i) => i % 2);
  expect(
    classificationReport(
      ['a', 'b'],
      truth,
      many(() => [0.75, 0.25]),
    ).accuracy,
  ).toBe(0.5);
  expect(fitTemperature(many((i) => [i % 3, 1]).slice(0, 20_000), truth)).toBeGreaterThan(0);
  const tags = [many((i) => (i % 2 ? 'O' : 'B-X'))];
  expect(spanReport(tags, tags).overall.f1).toBe(1);
});

it('so may examples, sentences and words', () => {
  const examples = many((i) => ({ text: `text ${i}`, label: 'ab'[i % 2] }));
  const { splits } = removeDuplicates({ train: examples, validation: [], test: [] }, sameText);
  expect(stratifiedSplit(splits.train, { validation: 0.1, test: 0.1 }, 0).test).toHaveLength(MANY / 10);
  const sentences = many((i) => ({ words: [`w${i}`], tags: ['B-X'] }));
  expect(readConll(writeConll(sentences)).sentences).toHaveLength(MANY);
  expect(
    readConll(writeConll([{ words: many(String), tags: many(() => 'O') }]), { wordsColumn: 0 }).sentences[0].words,
  ).toHaveLength(MANY);
  expect(readChat('{"prompt": "a", "answer": "b"}\n'.repeat(MANY))).toHaveLength(MANY);
});

/** Rooms whose lists are as long as what a user gives; what kernels and models spread is bounded by a shape or a batch. */
const ROOMS = ['src/text', 'src/tasks', 'src/cli', 'src/report', 'src/train', 'src/export', 'experiments', 'data'];

it.each(ROOMS)('%s spreads no list into the arguments of a call', (room) => {
  const root = new URL('..', import.meta.url).pathname;
  const files = readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const spreading = files.filter((file) =>
    /\b(?:push|unshift|Math\.max|Math\.min)\((?:[^()]*, )?\.\.\./.test(readFileSync(join(root, room, file), 'utf8')),
  );
  expect(spreading).toEqual([]);
});
