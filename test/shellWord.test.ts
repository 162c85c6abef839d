import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { printable } from '../src/quote.ts';
import { shellWord } from '../src/shellWord.ts';

const WORDS = [
  ...['runs/book', 'a b', "it's", '', '$(id)', '`id`', 'a;b', '~', 'a*', 'back\\slash', '"', '-x', 'naïve', '🐋'],
  ...['\x1b[2Jgone', 'two\nlines', '\x7f', '\u009b31m', "'\t\\", '\u2028', '\u202etxt.exe'],
];

it.each(WORDS)('%j comes out of a shell as it went in, and shows no control character', (word) => {
  expect(shellWord(word)).toBe(printable(shellWord(word)));
  expect(execFileSync('bash', ['-c', `printf %s ${shellWord(word)}`], { encoding: 'utf8' })).toBe(word);
});

it('leaves what needs no quotes as it is', () => {
  expect(shellWord('runs/moby-dick_2.1')).toBe('runs/moby-dick_2.1');
  expect(shellWord('my runs')).toBe("'my runs'");
});
