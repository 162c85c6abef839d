import { expect, it } from 'vitest';
import { UserError } from '../src/errors.ts';
import { printable, quote, short } from '../src/quote.ts';

it('spells what would steer a terminal, and leaves all other text', () => {
  expect(printable('\x1b[31mred\x9b0m\x07\x7f\r\n\t')).toBe('\\u001b[31mred\\u009b0m\\u0007\\u007f\\r\\n\\t');
  expect(printable('\u202eevil\u2066\u2028\ud800')).toBe('\\u202eevil\\u2066\\u2028\\ud800');
  expect(printable('naïve 👩‍🚀 \ufeff日本 שלום')).toBe('naïve 👩‍🚀 \ufeff日本 שלום');
  expect(printable('two\nlines\x1b', '\n')).toBe('two\nlines\\u001b');
  const json = JSON.stringify({ 'a\x9b': '\x1b\u202e\n' });
  expect(JSON.parse(printable(json))).toEqual(JSON.parse(json));
});

it.each<[string, unknown, string]>([
  ['a text', 'a "b"', '"a \\"b\\""'],
  ['control characters', '\x1b[2J\x9b', '"\\u001b[2J\\u009b"'],
  ['NaN', Number.NaN, 'NaN'],
  ['nothing', undefined, 'undefined'],
  ['a large number', 10n ** 30n, `1${'0'.repeat(30)}`],
  ['a list', [1, null, 'x'], '[1,null,"x"]'],
  ['a long text', 'x'.repeat(1e6), `"${'x'.repeat(59)}…`],
  ['a text of pairs', '👩'.repeat(1000), `"${'👩'.repeat(59)}…`],
  ['a text that just fits', 'x'.repeat(58), `"${'x'.repeat(58)}"`],
])('quotes %s', (_, value, quoted) => {
  expect(quote(value)).toBe(quoted);
});

it('cuts a text to a line', () => {
  expect(short('a\nb')).toBe('a\\nb');
  expect(short('👩'.repeat(61))).toBe(`${'👩'.repeat(60)}…`);
  expect(short('\x1b'.repeat(1e6)).length).toBe(61);
});

it('quotes what is nested too deep, or in a circle, in words', () => {
  let deep: unknown = 0;
  for (let i = 0; i < 1e5; i++) deep = [deep];
  const circle: unknown[] = [];
  circle.push(circle);
  for (const value of [deep, circle]) expect(quote(value)).toBe('what is nested too deep to be shown');
});

it('no message for people steers a terminal, and lines stay lines', () => {
  expect(new UserError('the file \x1b]0;title\x07\nis damaged').message).toBe(
    'the file \\u001b]0;title\\u0007\nis damaged',
  );
});
