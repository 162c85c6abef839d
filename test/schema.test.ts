import { expect, it } from 'vitest';
import { z } from 'zod';
import { UsageError, UserError } from '../src/errors.ts';
import { check, checkJson, checkLines, damaged, expected, jsonSchemaOf, wrongUse } from '../src/schema.ts';

const IN_WORDS: [z.ZodType, string][] = [
  [z.int(), 'a whole number'],
  [z.int().min(0), 'a whole number of 0 or more'],
  [z.int().min(1).max(1024), 'a whole number from 1 to 1,024'],
  [z.number().min(0.0001).lt(1), 'a number from 0.0001 to below 1'],
  [z.number().positive(), 'a number above 0'],
  [z.number().max(9), 'a number to 9'],
  [z.number().nullable(), 'a number or null'],
  [z.boolean().default(true), 'true or false'],
  [z.string().min(1), 'a text that is not empty'],
  [z.enum(['a', 'b']).optional(), 'one of a, b'],
  [z.literal(2), '2'],
  [z.literal([true, 'x']), 'one of true, x'],
  [z.array(z.string()), 'a list'],
  [z.record(z.string(), z.string()), 'an object'],
  [z.array(z.string()).meta({ title: 'a list of names' }), 'a list of names'],
];
it('says in words what a schema takes', () => {
  for (const [schema, words] of IN_WORDS) expect(expected(jsonSchemaOf(schema))).toBe(words);
});

const Shape = z.strictObject({
  size: z.int().min(1).default(3),
  parts: z.array(z.object({ name: z.string() })).optional(),
  table: z.record(z.string(), z.number()).optional(),
  kind: z.discriminatedUnion('is', [
    z.object({ is: z.literal('one'), n: z.int() }),
    z.object({ is: z.literal('other'), t: z.string().refine((text) => text !== 'no', 'must not be "no"') }),
  ]),
});
const kind = { is: 'one', n: 1 };

it('fills in what is left out', () => {
  expect(check(Shape, { kind }, wrongUse)).toEqual({ size: 3, kind });
});

it.each<[unknown, string]>([
  [null, 'it must be an object; got null'],
  [[], 'it must be an object; got []'],
  [{}, 'kind must be an object; it is missing'],
  [{ kind, size: 0 }, 'size must be a whole number of 1 or more; got 0'],
  [{ kind, size: Number.NaN }, 'size must be a whole number of 1 or more; got NaN'],
  [{ kind, parts: [{ name: 'a' }, { name: 7 }] }, 'parts[1].name must be a text; got 7'],
  [{ kind, table: { 'a b': 'c' } }, 'table["a b"] must be a number; got "c"'],
  [{ kind, more: 1 }, 'unknown setting "more"; the settings are size, parts, table, kind'],
  [JSON.parse('{"kind": {"is": "one", "n": 1}, "__proto__": 1}'), 'unknown setting "__proto__"'],
  [{ kind: { is: 'none' } }, 'kind.is must be "one" or "other"; got "none"'],
  [{ kind: { is: 'other' } }, 'kind.t must be a text; it is missing'],
  [{ kind: { is: 'other', t: 'no' } }, 'kind.t must not be "no"'],
  [{ kind: 'x'.repeat(100) }, `kind must be an object; got "${'x'.repeat(59)}…`],
])('of %j it says: %s', (value, sentence) => {
  expect(() => check(Shape, value, wrongUse)).toThrow(UsageError);
  expect(() => check(Shape, value, wrongUse)).toThrow(sentence);
});

it('reads JSON, and lines of it of which others are passed over', () => {
  const size = z.object({ size: z.int() });
  expect(checkJson(size, '{"size": 2}', wrongUse)).toEqual({ size: 2 });
  expect(() => checkJson(size, '{"size":', damaged('x.json'))).toThrow(UserError);
  expect(() => checkJson(size, '{"size":', damaged('x.json'))).toThrow(
    /^x\.json is damaged: it is not JSON \(.*\)\. Restore/,
  );
  expect(() => checkJson(size, undefined, damaged('x.json', 'Try.'))).toThrow('x.json is damaged: it is missing. Try.');
  expect(checkLines(size, '{"size": 1}\n\nnull\n{"size": "2"}\n{"size": 3}\n{"si')).toEqual([{ size: 1 }, { size: 3 }]);
});

const nested = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth);

it.each<[string, string, string]>([
  ['nested lists', nested('[', ']', 100_000), 'it is nested more than 64 deep, at character 64'],
  ['nested objects', `${'{"a":'.repeat(100_000)}0${'}'.repeat(100_000)}`, 'it is nested more than 64 deep'],
  ['brackets that never close', '[{"a":'.repeat(1e6), 'it is nested more than 64 deep'],
  ['one bracket too many', nested('[', ']', 65), 'it is nested more than 64 deep, at character 64'],
  ['control characters', '{"a": \x1b\x9b}', 'it is not JSON'],
])('refuses %s, in a sentence that steers no terminal', (_, text, sentence) => {
  const attempt = () => checkJson(z.unknown(), text, damaged('run.json'));
  expect(attempt).toThrow(`run.json is damaged: ${sentence}`);
  expect(attempt).toThrow(/^[^\p{Cc}]{1,300}$/u);
});

it('brackets in strings nest nothing, and what closes may be followed by more', () => {
  const wide = [{ '["': ['\\"[[[', '['.repeat(1000)] }, ...Array.from({ length: 1000 }, () => [[{}]])];
  expect(checkJson(z.unknown(), JSON.stringify(wide), Error)).toEqual(wide);
  expect(checkJson(z.unknown(), nested('[', ']', 64), Error)).toBeTruthy();
});

it('of a long name as of a long value it says the beginning', () => {
  const value = { kind, table: { [`${'k'.repeat(1e6)}\x9b`]: 'c' } };
  expect(() => check(Shape, value, wrongUse)).toThrow(/^table\["k{53}… must be a number; got "c"$/);
});
