import { expect, it } from 'vitest';
import { ByteTokenizer } from '../../../src/text/tokenizers/byteTokenizer.ts';
import { Continuation } from '../../../src/text/tokenizers/continuation.ts';

const tokenizer = new ByteTokenizer();

/** What is given out token by token, and at the end. */
function feed(text: string, ...stops: string[]) {
  const continuation = new Continuation(tokenizer, stops);
  const given = [...tokenizer.encode(text).map((id) => continuation.push(id)), continuation.end()];
  return { given, continuation };
}

it('gives text out as it comes', () => {
  const { given, continuation } = feed('héé');
  expect(given).toEqual(['h', '', 'é', '', 'é', '']);
  expect(continuation).toMatchObject({ text: 'héé', tokens: 5, stopped: false });
});

it('ends before a stop text of which nothing was given out', () => {
  const { given, continuation } = feed('one\n\ntwo', '\n\n');
  expect(given.join('')).toBe('one');
  expect(continuation).toMatchObject({ text: 'one', tokens: 5, stopped: true });
});

it('gives out what only looked like a stop text', () => {
  expect(feed('aab', 'aac').given).toEqual(['', '', 'aab', '']);
  expect(feed('aa', 'aac').given).toEqual(['', '', 'aa']);
});

it('takes the first of several stop texts', () => {
  expect(feed('abcdef', 'def', 'cde').continuation.text).toBe('ab');
});

it('ends at the token that ends a text, which is no part of it', () => {
  const ending = Object.assign(new ByteTokenizer(), { eos: 0 });
  const continuation = new Continuation(ending, ['never']);
  expect([...ending.encode('one ne\0two').map((id) => continuation.push(id))].join('')).toBe('one ne');
  expect(continuation).toMatchObject({ text: 'one ne', tokens: 7, stopped: true });
});

it('of what is written a part may count alone, and what stands before it ends nothing', () => {
  const tokenizer = new ByteTokenizer();
  const continuation = new Continuation(tokenizer, ['\n'], (written) => written.split('>').slice(1).join('>'));
  const given = tokenizer.encode('a\nb>c>d\ne').map((id) => continuation.push(id));
  expect(given).toEqual(['', '', '', '', 'c', '>', 'd', '', '']);
  expect(continuation).toMatchObject({ text: 'c>d', before: 'a\nb>', stopped: true, stoppedBy: '\n' });
});
