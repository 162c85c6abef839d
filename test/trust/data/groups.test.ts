import { expect, it } from 'vitest';
import { mix } from '../../../src/text/windows/permutation.ts';
import { associations, CoOccurrence, wordsOf } from '../../../src/trust/data/groups.ts';
import { GROUPS, OCCUPATIONS, VALUED } from '../../../src/trust/data/groupWords.ts';

const MENTIONED = new Map([
  ['she', 'women'],
  ['he', 'men'],
  ['old people', 'old people'],
]);
const LOOKED = new Map([
  ['nurse', 'nurse'],
  ['nurses', 'nurse'],
  ['captain', 'captain'],
]);
const WORDS = ['she', 'he', 'old', 'people', 'nurse', 'nurses', 'captain', 'the', 'a', 'sea', 'ship', 'of'];

/** A text of words that a seed picks. */
const drawn = (length: number, seed: number): string[] =>
  Array.from({ length }, (_, i) => WORDS[mix(i, seed) % WORDS.length]);

/** By the definition: every word is looked at once for each group, and is near where a mention is in its window. */
function naive(words: readonly string[], group: string, window: number) {
  const isMention = (at: number): boolean =>
    MENTIONED.get(words[at]) === group || MENTIONED.get(`${words[at]} ${words[at + 1]}`) === group;
  const near = words.filter((_, i) => words.some((_, at) => Math.abs(at - i) <= window && isMention(at)));
  return {
    mentions: words.filter((_, at) => isMention(at)).length,
    words: near.length,
    near: near
      .map((word) => LOOKED.get(word))
      .filter((name) => name !== undefined)
      .sort(),
  };
}

it.each([0, 1, 3, 10])('within %i words counts what the definition counts', (window) => {
  for (let seed = 1; seed <= 20; seed++) {
    const words = drawn(1 + (mix(seed, 5) % 120), seed);
    const counted = new CoOccurrence(MENTIONED, LOOKED, window);
    counted.add(words);
    for (const group of ['women', 'men', 'old people']) {
      const found = counted.groups.get(group) ?? { mentions: 0, words: 0, near: new Map<string, number>() };
      const near = [...found.near].flatMap(([name, n]) => Array<string>(n).fill(name)).sort();
      expect({ ...found, near }).toEqual(naive(words, group, window));
    }
  }
});

it('words of one text are not near those of another, and texts add up', () => {
  const apart = new CoOccurrence(MENTIONED, LOOKED);
  for (const text of ['she said', 'the nurse', 'he is a captain']) apart.add(wordsOf(text));
  expect(apart.words).toBe(8);
  expect(apart.groups.get('women')).toMatchObject({ mentions: 1, words: 2, near: new Map() });
  expect(apart.groups.get('men')?.near).toEqual(new Map([['captain', 1]]));
  expect(apart.occurrences).toEqual(
    new Map([
      ['nurse', 1],
      ['captain', 1],
    ]),
  );
});

/** 500 sentences, in `share` of which the nurse is she, else he; far apart, so that none is near the next. */
function hospital(share: number): CoOccurrence {
  const counted = new CoOccurrence(MENTIONED, LOOKED);
  for (let i = 0; i < 500; i++) {
    const who = mix(i, 3) % 100 < 100 * share ? 'she' : 'he';
    counted.add([
      ...Array<string>(12).fill('sea'),
      who,
      'is',
      'a',
      i % 2 ? 'nurse' : 'captain',
      ...Array<string>(12).fill('ship'),
    ]);
    counted.add([...Array<string>(12).fill('sea'), 'he', 'and', 'she', ...Array<string>(40).fill('ship')]);
  }
  return counted;
}

it('tells a pair that goes together, and none where groups are treated alike', () => {
  const biased = new CoOccurrence(MENTIONED, LOOKED);
  for (let i = 0; i < 300; i++) {
    const [who, what] = i % 2 ? ['she', 'nurse'] : ['he', 'captain'];
    biased.add([...Array<string>(30).fill('sea'), who, 'is', 'a', what, ...Array<string>(30).fill('ship')]);
  }
  const pairs = associations(biased);
  expect(
    pairs
      .filter(({ bits }) => bits > 0)
      .map(({ group, word }) => `${group} ${word}`)
      .sort(),
  ).toEqual(['men captain', 'women nurse']);
  const [first] = pairs;
  expect(first.near).toBe(150);
  expect(first.expected).toBeCloseTo((150 * 150 * 21) / (300 * 64), 6); // 21 of 64 words are near in every second text
  expect(first.bits).toBeCloseTo(Math.log2(first.near / first.expected), 9);
  const fair = hospital(0.5);
  const of = (group: string, word: string) =>
    associations(fair).find((one) => one.group === group && one.word === word);
  const [women, men] = ['women', 'men'].map((group) => of(group, 'nurse')?.bits ?? 0);
  expect(Math.abs(women - men)).toBeLessThan(0.3);
});

it('says nothing where counts are small', () => {
  const few = new CoOccurrence(MENTIONED, LOOKED);
  for (let i = 0; i < 4; i++) few.add([...Array<string>(500).fill('sea'), 'she', 'nurse']);
  expect(associations(few)).toEqual([]);
});

it('finds words whatever their letters, and takes a long text without spaces for one', () => {
  expect(wordsOf("Don’t cry, l'été 1851—Übermut!")).toEqual(['don’t', 'cry', "l'été", '1851', 'übermut']);
  expect(wordsOf('')).toEqual([]);
  expect(wordsOf('a'.repeat(1e6))).toHaveLength(1);
  expect(wordsOf("'-".repeat(5e5))).toEqual([]);
  expect(wordsOf("a'".repeat(5e5))).toHaveLength(1);
});

it('no word is listed twice for two things', () => {
  expect(new Set(VALUED.good).size).toBe(VALUED.good.length);
  expect(new Set(VALUED.bad).size).toBe(VALUED.bad.length);
  const [good, bad] = [new Set(VALUED.good), new Set(VALUED.bad)];
  const listed = [...GROUPS.keys(), ...OCCUPATIONS.keys()];
  expect(listed.filter((word) => good.has(word) || bad.has(word))).toEqual([]);
  expect([...GROUPS.keys()].filter((word) => OCCUPATIONS.has(word))).toEqual([]);
  expect([...good].filter((word) => bad.has(word))).toEqual([]);
  expect([OCCUPATIONS.get('secretaries'), OCCUPATIONS.get('firemen'), OCCUPATIONS.get('actresses')]).toEqual([
    'secretary',
    'fireman',
    'actress',
  ]);
});
