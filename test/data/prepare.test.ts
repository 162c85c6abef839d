import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { corpusFile, isPrepared, partFiles, prepareTask } from '../../data/prepare.ts';
import type { BuiltCorpus, ClassifySet, TagSet } from '../../data/recipe.ts';
import { fetchedFolder, type NpmPackage } from '../../src/node/npm.ts';
import { writeConll } from '../../src/text/labels/conll.ts';
import { writeTable } from '../../src/text/labels/labelled.ts';

const cache = mkdtempSync(join(tmpdir(), 'dawnlm-data-'));
const before = process.env.DAWNLM_CACHE;
const pkg: NpmPackage = { name: '@none/such', version: '1.0.0', integrity: 'sha512-none', sizeMB: 1 };
const said: string[] = [];
const say = (line: string): void => {
  said.push(line);
};

beforeAll(() => {
  process.env.DAWNLM_CACHE = cache;
  mkdirSync(fetchedFolder(pkg), { recursive: true });
  writeFileSync(join(fetchedFolder(pkg), 'x.txt'), 'the text');
});
afterAll(() => {
  process.env.DAWNLM_CACHE = before ?? '';
  rmSync(cache, { recursive: true, force: true });
});

const hash = (...contents: string[]): string => createHash('sha256').update(contents.join('')).digest('hex');
const about = { folder: 'x', title: 'T', licence: 'L', source: 'S', note: 'N', packages: [pkg] };
const texts = [
  { text: 'a, "b"', label: 'x' },
  { text: 'c', label: 'y' },
];
const sentences = [{ words: ['A', 'b'], tags: ['B-X', 'O'] }];
const duplicates = { within: 1, across: 2, conflicting: 3 };
const classify: ClassifySet = {
  ...about,
  name: 'texts',
  task: 'classify',
  sha256: hash(writeTable(texts), writeTable(texts), writeTable(texts)),
  build: async () => ({ parts: { train: texts, validation: texts, test: texts }, duplicates }),
};
const tag: TagSet = {
  ...about,
  name: 'tags',
  task: 'tag',
  sha256: hash(...Array(4).fill(writeConll(sentences))),
  build: async () => ({
    parts: { train: sentences, validation: sentences, test: sentences, more: sentences },
    duplicates,
  }),
};

it('a set is built once, kept, and read back the same', async () => {
  expect(isPrepared(classify)).toBe(false);
  const built = await prepareTask(classify, say);
  const failing = { ...classify, build: () => Promise.reject(new Error('built again')) };
  expect(await prepareTask(failing, say)).toEqual(built);
  expect(isPrepared(classify)).toBe(true);
  expect(built.card).toEqual({
    ...{ name: 'texts', task: 'classify', source: 'S', licence: 'L', note: 'N', sha256: classify.sha256, duplicates },
    parts: Object.fromEntries(
      ['train', 'validation', 'test'].map((part) => [part, { examples: 2, labels: { x: 1, y: 1 } }]),
    ),
  });
  const tags = await prepareTask(tag, say);
  expect(await prepareTask(tag, say)).toEqual(tags);
  expect(tags.card.parts.more).toEqual({ examples: 1, words: 2, labels: { X: 1 } });
  expect(partFiles(tags).map(({ file }) => file)).toEqual([
    'train.conll',
    'validation.conll',
    'test.conll',
    'more.conll',
  ]);
});

/** Where `classify` is kept. */
const folder = (): string =>
  join(cache, 'data', readdirSync(join(cache, 'data')).find((name) => name.startsWith('texts-'))!);

it('what was damaged is built again', async () => {
  await prepareTask(classify, say);
  for (const content of ['text,label\nz,x\n', 'rubbish', '']) {
    writeFileSync(join(folder(), 'test.csv'), content);
    expect((await prepareTask(classify, say)).parts.test).toEqual(texts);
    expect(readFileSync(join(folder(), 'test.csv'), 'utf8')).toBe(writeTable(texts));
  }
});

it('a card speaks in the words of its recipe, though the kept one is older', async () => {
  await prepareTask(classify, say);
  const { card } = await prepareTask({ ...classify, licence: 'another', note: 'mind this' }, say);
  expect(card).toMatchObject({ licence: 'another', note: 'mind this', duplicates });
});

it('a set whose building was cut short is not there, and is built again', async () => {
  await prepareTask(classify, say);
  rmSync(join(folder(), 'card.json'));
  expect(isPrepared(classify)).toBe(false);
  expect((await prepareTask(classify, say)).parts.test).toEqual(texts);
  expect(isPrepared(classify)).toBe(true);
});

it('what its recipe does not expect is refused and not kept', async () => {
  const other = { ...classify, name: 'other', sha256: hash('else') };
  await expect(prepareTask(other, say)).rejects.toThrow(
    /other was built, but it is not what its recipe expects \(SHA-256/,
  );
  expect(isPrepared(other)).toBe(false);
});

it('a set with a narrow licence waits to be asked for', async () => {
  const absent = { ...pkg, name: '@none/absent' };
  const narrow: TagSet = { ...tag, name: 'narrow', onRequest: true, packages: [absent] };
  await expect(prepareTask(narrow, say)).rejects.toThrow(
    /narrow is not there.*licence \(L\).*npx dawnlm data prepare narrow/,
  );
});

it('a corpus is built from its packages, once', async () => {
  const corpus: BuiltCorpus = {
    ...about,
    name: 'text',
    sha256: hash('the text, read'),
    build: async (files) => `${await files.read(pkg, 'x.txt')}, read`,
  };
  const path = await corpusFile(corpus, say);
  expect(readFileSync(path, 'utf8')).toBe('the text, read');
  expect(await corpusFile({ ...corpus, build: () => Promise.reject(new Error('again')) } as BuiltCorpus, say)).toBe(
    path,
  );
});
