import { expect, it } from 'vitest';
import type { PackageFiles } from '../../data/files.ts';
import { cityNames } from '../../data/synthetic-names/cities.ts';
import { tellingWords } from '../../data/synthetic-names/gazetteer.ts';
import { syntheticNames } from '../../data/synthetic-names/recipe.ts';
import { FIXED_WORDS } from '../../data/synthetic-names/templates.ts';
import { spansOf, type TaggedSentence } from '../../src/text/labels/conll.ts';

/** Names that sound like names, as many as are asked for. */
const invent = (count: number, ending: string): string[] =>
  Array.from({ length: count }, (_, i) => {
    const [a, b, c] = [i % 20, Math.floor(i / 20) % 20, Math.floor(i / 400)].map((n) => 'bcdfghjklmnpqrstvwxz'[n]);
    return `${a.toUpperCase()}a${b}e${c}${ending}`;
  });

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
const city = (name: string, people: number): number[] => {
  const text = [...new TextEncoder().encode(name)];
  const unused = [
    ...varint((1 << 3) | 0),
    ...varint(2 ** 40),
    ...varint((3 << 3) | 2),
    2,
    70,
    82,
    (4 << 3) | 1,
    ...Array(8).fill(1),
  ];
  const message = [...unused, (2 << 3) | 2, ...varint(text.length), ...text, 9 << 3, ...varint(people)];
  return [...varint(message.length), ...message];
};

it('cities are read from protocol buffers, the small and the oddly spelled left out', () => {
  const cities = [city('Paris', 2_000_000), city('San Remo', 20_000), city('Nowhere', 900), city("L'Aquila", 70_000)];
  expect(cityNames(Uint8Array.from(cities.flat()))).toEqual(['Paris', 'San Remo']);
});

const persons = invent(400, 'son').map((name, i) => `0000${1000 + i} 18 n 01 Ann_${name} 0 001 @i 0 n 0000 | a person`);
const towns = ['San Remo', 'New April', ...invent(400, 'ville'), ...invent(100, 'wick').map((name) => `${name} Lake`)];
const files: PackageFiles = {
  read: async ({ name }, file) =>
    name.includes('names')
      ? JSON.stringify(['April', ...invent(200, name.includes('female') ? 'a' : 'o')])
      : file.endsWith('noun')
        ? persons.join('\n')
        : '',
  readBytes: async () => Uint8Array.from(towns.flatMap((name) => city(name, 50_000))),
  list: async () => [],
};
const { parts } = await syntheticNames.build(files);
const nameWords = (sentences: readonly TaggedSentence[]): Set<string> =>
  new Set(sentences.flatMap(({ words, tags }) => spansOf(tags).flatMap(({ start, end }) => words.slice(start, end))));

it('no telling word of a test name occurs in training or validation', () => {
  const seen = new Set([...parts.train, ...parts.validation].flatMap(({ words }) => words));
  for (const part of [parts.test, parts.newTemplates]) {
    const telling = [...nameWords(part)].filter(
      (word) => tellingWords(word).length > 0 && !FIXED_WORDS.has(word) && /^[A-Z][a-z]/.test(word),
    );
    expect(telling.length).toBeGreaterThan(100);
    expect(telling.filter((word) => seen.has(word))).toEqual([]);
  }
});

it('words that stand in templates are no names', () => {
  expect(nameWords(parts.train).has('April')).toBe(false);
  expect(nameWords(parts.test).has('April')).toBe(false);
});

it('the sentences are well formed, of all types, and the same each time', async () => {
  for (const { words, tags } of Object.values(parts).flat()) {
    expect(tags.length).toBe(words.length);
    expect(words.every((word) => /^[^\s{}]+$/.test(word))).toBe(true);
  }
  const types = new Set(parts.train.flatMap(({ tags }) => spansOf(tags).map(({ type }) => type)));
  expect(types).toEqual(new Set(['PER', 'LOC', 'ORG']));
  expect((await syntheticNames.build(files)).parts).toEqual(parts);
});
