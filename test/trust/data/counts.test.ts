import { describe, expect, it } from 'vitest';
import { countIn, phraseOf, type Wanted } from '../../../src/trust/bias/counts.ts';

const wanted: Wanted = {
  words: [],
  fillers: new Set(['nurse', 'Emily']),
  sides: new Set(['she', 'he', 'Brad']),
  phrases: ['the nurse said that she', 'when the nurse came he'],
};
const TEXT = `The nurse said that she was ready. He slept. "When the nurse came, HE heard", she said to Mr. Brad of emily, and Emily.

The nurse

he. A shepherd nursed; the nurse said that shells one two three four five six seven eight nine he`;

describe('counts in a text', () => {
  it('are of whole words in the same sentence, at most ten words away', async () => {
    const counts = await countIn([TEXT], wanted);
    expect([counts.word('nurse'), counts.word('she'), counts.word('he')]).toEqual([4, 2, 4]);
    expect([counts.word('Emily'), counts.word('Brad')]).toEqual([1, 1]); // "emily" is no name
    expect([counts.near('nurse', 'she'), counts.near('nurse', 'he')]).toEqual([2, 1]);
    expect([counts.near('Emily', 'he'), counts.near('Emily', 'she'), counts.near('Emily', 'Brad')]).toEqual([1, 1, 1]);
    expect(counts.phrase('the nurse said that she')).toBe(1);
    expect(counts.phrase('when the nurse came he')).toBe(1);
  });

  it('are the same however the text comes', async () => {
    const text = `${TEXT} `.repeat(20);
    const whole = await countIn([text], wanted);
    for (const size of [1, 7, 100, 1500]) {
      const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
        text.slice(i * size, (i + 1) * size),
      );
      const counts = await countIn(pieces, wanted);
      expect(counts.total).toBe(whole.total);
      expect(counts.near('nurse', 'he')).toBe(whole.near('nurse', 'he'));
      expect(counts.phrase('the nurse said that she')).toBe(20);
    }
  });

  it('take a text without any space, or of one endless sentence', async () => {
    const counts = await countIn(Array(50).fill('x'.repeat(100_000)), wanted);
    expect(counts.word('nurse')).toBe(0);
    const long = await countIn(Array(2000).fill('the nurse said that she '.repeat(10)), wanted);
    expect(long.phrase('the nurse said that she')).toBe(20_000);
    expect(long.word('nurse')).toBe(20_000);
  });

  it('have phrases without marks', () => {
    expect(phraseOf('When the nurse came, he')).toBe('when the nurse came he');
  });
});
