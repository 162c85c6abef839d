import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { table } from '../src/cli/terminal/output.ts';
import { largest, smallest } from '../src/numbers.ts';
import { range } from '../src/report/format.ts';
import { classificationReport } from '../src/tasks/metrics/classification.ts';
import { spanReport } from '../src/tasks/metrics/spans.ts';
import { readChat } from '../src/text/chat/chat.ts';
import { readConll } from '../src/text/labels/conll.ts';

const MANY = 200_000;
/** Enough to overflow the stack, were they arguments. */
const ROWS = 130_000;
const many = <T>(make: (i: number) => T, length = ROWS): T[] => Array.from({ length }, (_, i) => make(i));

it('numbers may be as many as there are', () => {
  const values = many((i) => (i * 7919) % MANY, MANY);
  expect([largest(values), smallest(values)]).toEqual([MANY - 1, 0]);
  expect([largest([]), smallest([])]).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]);
  expect(range(values, String)).toBe(`0 to ${MANY - 1}`);
});

it('so may rows of a table, and what is scored', () => {
  expect(table(many((i) => [String(i), 'x'])).split('\n')).toHaveLength(ROWS + 1);
  const truth = many((i) => i % 2);
  expect(
    classificationReport(
      ['a', 'b'],
      truth,
      many(() => [0.75, 0.25]),
    ).accuracy,
  ).toBe(0.5);
  const tags = [many((i) => (i % 2 ? 'O' : 'B-X'))];
  expect(spanReport(tags, tags).overall.f1).toBe(1);
});

it('so may sentences, words and answers', () => {
  expect(readConll('word B-X\n\n'.repeat(ROWS)).sentences).toHaveLength(ROWS);
  expect(readConll('word B-X\n'.repeat(ROWS)).sentences[0].words).toHaveLength(ROWS);
  expect(readChat('{"prompt": "a", "answer": "b"}\n'.repeat(ROWS))).toHaveLength(ROWS);
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
