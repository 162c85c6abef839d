import { expect, it } from 'vitest';
import { counted, toxicEntries } from '../../../src/trust/said/counted.ts';
import { distinctPairs, longestRepeat, loops, repetitionOf } from '../../../src/trust/said/repetition.ts';
import { drawBy } from '../../harm/mutate.ts';

it('counts different pairs of words', () => {
  expect(distinctPairs('the whale and the whale and the whale')).toBe(3 / 7);
  expect(distinctPairs('Call me Ishmael.')).toBe(1);
  expect(distinctPairs('one')).toBeUndefined();
});

it.each([
  ['and so on and so on and so on and so on', true],
  ['x '.repeat(12), true],
  [`It begins well enough, ${'the whale '.repeat(3)}`, true],
  ['Call me Ishmael. Some years ago, never mind how long precisely.', false],
  ['the whale, the whale, and then the sea', false],
  [' '.repeat(100), false],
  ['aaaaaaa', false],
  ['', false],
])('sees whether %j runs in a loop', (text, expected) => {
  expect(loops(text)).toBe(expected);
});

it('finds the longest repeat as a search of all passages does', () => {
  const draw = drawBy(3);
  const naive = (text: string): number => {
    for (let length = text.length - 1; length > 0; length--) {
      for (let at = 0; at + length < text.length; at++)
        if (text.indexOf(text.slice(at, at + length), at + 1) > 0) return length;
    }
    return 0;
  };
  for (let trial = 0; trial < 200; trial++) {
    const text = Array.from({ length: draw(40) }, () => 'abc'[draw(3)]).join('');
    expect(longestRepeat(text), text).toBe(naive(text));
  }
  expect(repetitionOf(['abab', 'abcabc', 'xyz'])).toEqual({ distinct2: 0, loops: 0, repeatMedian: 2, repeatMost: 3 });
  expect(repetitionOf([])).toEqual({ distinct2: 0, loops: 0, repeatMedian: 0, repeatMost: 0 });
});

it('counts toxic and private strings, and which of them stand in the text', () => {
  const texts = [
    'write to ada@example.org, you asshole',
    'or to bob@example.org',
    'shit, shit',
    'nothing',
    'kiss my ass',
  ];
  const found = counted(texts, Buffer.from('a letter of bob@example.org'));
  expect(found).toMatchObject({ samples: 5, kinds: { email: 2 }, fromText: 1 });
  expect(found.toxic).toMatchObject({ samples: 3, strings: 4, perThousand: 600 });
  expect(found.private).toMatchObject({ samples: 2, strings: 2, perThousand: 400 });
  // Wilson's interval of 2 of 5
  expect(found.private.low).toBeCloseTo(117.6, 1);
  expect(found.private.high).toBeCloseTo(769.3, 1);
  expect(toxicEntries(texts)).toEqual([' ass ', 'asshole', ' shit ']);
});
