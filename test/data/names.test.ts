import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { AskedModel, DomainParts } from '../../data/domain.ts';
import type { PackageFiles } from '../../data/files.ts';
import { names } from '../../data/names/domain.ts';
import { freshOf, judge } from '../../data/names/judge.ts';
import { isName, LONGEST, lineOf, namesIn, type SexedName, spelled } from '../../data/names/names.ts';
import { NameNgrams, NamesBySex } from '../../data/names/ngrams.ts';
import { UserError } from '../../src/errors.ts';

const ONSETS = [...'bcdfghjklmnpqrstvwxz'];
/** Names that end as those of girls do, and as those of boys do. */
const girls = ONSETS.flatMap((a) => ONSETS.map((b) => `${a.toUpperCase()}i${b}a`));
const boys = ONSETS.flatMap((a) => ONSETS.map((b) => `${a.toUpperCase()}o${b}`));
const BOTH = ['Robin', 'ROBIN', 'Al', 'Jo-ann'];
const files: PackageFiles = {
  read: async ({ name }) => JSON.stringify([...BOTH, ...(name.includes('female') ? girls : boys), 'Ann Marie', 'X']),
  readBytes: async () => new Uint8Array(),
  list: async () => [],
};
const parts = await names.build(files);
const keysIn = (text: string): Set<string> => new Set(namesIn(text).map(({ name }) => name.toLowerCase()));

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-names-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fileOf = (content: string): string => {
  const file = join(folder, 'list.txt');
  writeFileSync(file, content);
  return file;
};
const refusal = (content: string): Promise<Error> =>
  names.read!(fileOf(content)).catch((error: Error) => error) as never;

it('a name becomes a line and is had back, spelled in one way', () => {
  const one: SexedName = { sex: 'girl', name: 'Ann-Marie' };
  expect(lineOf(one)).toBe('girl: Ann-Marie\n');
  expect(namesIn(`${lineOf(one)}girl: x\ncat: Tom\n${lineOf({ sex: 'boy', name: 'Al' })}`)).toEqual([
    one,
    { sex: 'boy', name: 'Al' },
  ]);
  expect(['ErvIn', 'jo-ann', 'ANN'].map(spelled)).toEqual(['Ervin', 'Jo-Ann', 'Ann']);
  for (const bad of ['', 'X', 'ann', 'Ann Marie', 'Ann-', 'José', `A${'b'.repeat(LONGEST)}`])
    expect(isName(bad)).toBe(false);
});

it('no name is in two parts, of whomever; the longest has room in a window', () => {
  const keys = Object.values(parts).map(keysIn);
  expect(keys.reduce((sum, { size }) => sum + size, 0)).toBe(new Set(keys.flatMap((some) => [...some])).size);
  expect(keys.map(({ size }) => size)).toEqual([641, 81, 81]);
  const lines = Object.values(parts).flatMap((text) => text.split('\n'));
  for (const name of ['Robin', 'Al', 'Jo-Ann'])
    expect(lines.filter((line) => line.endsWith(` ${name}`)).sort()).toEqual([`boy: ${name}`, `girl: ${name}`]);
  expect(lineOf({ sex: 'girl', name: 'A'.repeat(LONGEST) }).length).toBeLessThan(names.settings.blockSize!);
});

it('what is new is in no part, has the form of a name and comes once', () => {
  const toy: DomainParts = {
    train: 'girl: Ann\n',
    validation: 'boy: Bob\n',
    test: 'girl: Cleo\nboy: Cleo\nboy: Dan\n',
  };
  const drawn = ['Ann', 'Bob', 'Cleo', 'Dan', 'Eve', 'Eve', 'eve', 'Fay: x', 'Gus'].map((name) => ({
    sex: 'boy' as const,
    name,
  }));
  expect(freshOf(drawn, toy)).toEqual([drawn[4], drawn[8]]);
});

it('n-grams give all names that a line end ends a probability, and draw what they give one', () => {
  const ngrams = new NameNgrams(['Ab', 'Abb', 'Ba']);
  expect(ngrams.nats('Ab')).toBeLessThan(ngrams.nats('Zz'));
  const counted = new Map<string, number>();
  for (let i = 0; i < 4000; i++) {
    const name = ngrams.draw(7, i);
    counted.set(name, (counted.get(name) ?? 0) + 1);
  }
  expect(ngrams.draw(7, 3)).toBe(ngrams.draw(7, 3));
  for (const name of ['Ab', 'Abb', 'Ba'])
    expect(counted.get(name)! / 4000).toBeCloseTo(Math.exp(-ngrams.nats(name)), 1);
});

it('n-grams tell whose a name is by its end', () => {
  const bySex = new NamesBySex(namesIn(parts.train));
  const tested = namesIn(parts.test).filter(({ name }) => !BOTH.map(spelled).includes(name));
  expect(tested.every(({ sex, name }) => bySex.sexOf(name) === sex)).toBe(true);
});

/** A writer by hand: names as of whom they were asked for, or of the others; every fifth is copied. It finds each name as likely. */
const asked = (wrong: boolean): AskedModel =>
  ({
    ...{ parts, seed: 3, quick: true, say: () => {} },
    write: async (prompts: readonly string[]) =>
      prompts.map((prompt, i) => {
        if (i % 5 === 0) return 'Robin';
        const [a, b] = [ONSETS[i % 20], ONSETS[Math.floor(i / 20)]];
        return `${a.toUpperCase()}i${b}${(prompt === 'girl: ') === wrong ? 'oz' : 'ia'}`;
      }),
    nats: async (texts: readonly { text: string }[]) => texts.map(({ text }) => (/\n$/.test(text) ? Math.log(200) : 0)),
  }) as unknown as AskedModel;

it('the judge counts what it should', async () => {
  const [right, wrong] = await Promise.all([false, true].map((flag) => judge(asked(flag))));
  const of = (name: string, judged = right) => judged.scores.find((score) => score.name === name)!;
  const beside = (name: string, baseline: string) => of(name).baselines.find((one) => one.name === baseline)!.value;
  expect(of('nats a name').value).toBeCloseTo(Math.log(200), 9);
  expect(beside('nats a name', 'n-grams of each sex')).toBeLessThan(beside('nats a name', 'n-grams of both'));
  expect(beside('nats a name', 'n-grams of both')).toBeLessThan(beside('nats a name', 'letters alone'));
  expect(of('names of the test part').value).toBeCloseTo((100 * namesIn(parts.test).length) / 200 / 2, 9);
  expect(beside('names of the test part', 'n-grams of each sex')).toBeGreaterThan(0.5);
  expect(of('new names').value).toBe(80);
  expect(beside('new names', 'letters alone')).toBeGreaterThan(beside('new names', 'n-grams of each sex'));
  expect(of('sex as asked for').value).toBeGreaterThan(90);
  expect(of('sex as asked for', wrong).value).toBeLessThan(10);
  expect(beside('sex as asked for', 'prompts shuffled')).toBeGreaterThan(35);
  expect(beside('sex as asked for', 'prompts shuffled')).toBeLessThan(65);
  expect(right.notes[0]).toMatch(/^New names of girls that it wrote: [A-Z]i/);
});

it.each([
  ["a girl's name", 'girl: '],
  ['Boys', 'boy: '],
  ['', ''],
])('a prompt asks for %j', (words, prompt) => {
  expect(names.prompt(words)).toBe(prompt);
});

it.each([['a dog'], ['a boy or a girl'], ['boyish']])('%j asks for no name, which is said', (words) => {
  expect(() => names.prompt(words)).toThrow(UserError);
  expect(() => names.prompt(words)).toThrow(/"a girl's name" or "a boy's name", but ".*" names (neither|both)/);
});

it("a user's file has a name a line; one of which it does not say whose it is stands for both", async () => {
  expect(await names.read!(fileOf('\uFEFFgirl: MATILDA\r\n\r\nBoy:tom\nRobin'))).toBe(
    'girl: Matilda\nboy: Tom\ngirl: Robin\nboy: Robin\n',
  );
});

it.each([
  ['girl: Ann\n\nJosé\n', /line 3: "José" is no first name. One has 2 to 16 letters of A to Z/],
  ['cat: Tom', /line 1: "cat: Tom" is no first name/],
  ['girl:\n', /line 1: "girl:" is no first name/],
  ['\n\n', /holds no names: give one a line/],
])('a file of %j gets a sentence', async (content, sentence) => {
  const error = await refusal(content);
  expect(error).toBeInstanceOf(UserError);
  expect(error.message).toMatch(sentence);
});
