import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { givenOf, openCorpus } from '../../src/cli/corpus.ts';
import { argumentOr, stopOption } from '../../src/cli/options.ts';
import { namesFile } from '../../src/cli/textOrFile.ts';
import { planTraining } from '../../src/cli/trainPlan.ts';
import type { DataCard } from '../../src/text/windows/dataset.ts';

/** What verbs take what they are given for. */

const home = process.cwd();
const cwd = mkdtempSync(join(tmpdir(), 'dawnlm-given-'));
const said: string[] = [];

beforeAll(() => {
  process.chdir(cwd);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => !!said.push(String(text)));
  for (const folder of ['src', 'moby-dick', 'texts', 'runs/x']) mkdirSync(join(cwd, folder), { recursive: true });
  for (const file of ['letter.txt', 'LICENSE', 'texts/a.txt']) writeFileSync(join(cwd, file), 'words');
});

afterAll(() => {
  vi.restoreAllMocks();
  process.chdir(home);
});

it.each([
  ['-', undefined, true, ''],
  ['letter.txt', undefined, true, 'reading the file letter.txt (--literal takes the name for a text)'],
  ['LICENSE', undefined, true, 'reading the file LICENSE'],
  ['LICENSE', true, false, ''],
  ['src', undefined, false, '"src" is taken for a text, though a folder has that name'],
  ['gone.txt', undefined, false, '"gone.txt" is taken for a text: no file has that name'],
  ['a letter. Or not', undefined, false, ''],
  ['x'.repeat(5000), undefined, false, ''],
])('%s, literally %s, names a file: %s', async (given, literal, isFile, sentence) => {
  said.length = 0;
  expect(await namesFile(given, literal)).toBe(isFile);
  expect(said.join('')).toContain(sentence);
  expect(said).toHaveLength(sentence ? 1 : 0);
});

it('a known text of the name of a folder is said to be one', async () => {
  said.length = 0;
  expect((await openCorpus('moby-dick')).source).toContain('stdlib');
  expect(said.join('')).toContain('what lies here is called ./moby-dick');
});

it('a device is no text', async () => {
  if (existsSync('/dev/zero')) await expect(openCorpus('/dev/zero')).rejects.toThrow(/may never end/);
});

it('the text of a run is found from its folder, then from where it was named, and else said to be missing', () => {
  const card = (source: string, path?: string) => ({ name: 'a', source, path }) as DataCard;
  expect(givenOf(card('gone/a.txt', '../../texts/a.txt'), 'runs/x', '')).toBe(join('texts', 'a.txt'));
  expect(givenOf(card('texts', '../../gone'), 'runs/x', '')).toBe('texts');
  expect(givenOf(card('.'), 'runs/x', '')).toBe('.');
  expect(() => givenOf(card('b.txt', '../b.txt'), 'runs/x', 'Give it.')).toThrow(
    `The text that runs/x was trained on (b.txt) cannot be read again: there is no ${join(process.cwd(), 'runs', 'b.txt')}. Give it.`,
  );
  expect(() => givenOf(card('standard input'), 'runs/x', 'Give it.')).toThrow(
    '(standard input) cannot be read again. Give it.',
  );
});

it('a list gives the argument back that it has taken', () => {
  const isPair = (value: string) => value.includes('=');
  const values = ['a=b', 'c=d', 'file.csv'];
  expect(argumentOr(undefined, values, isPair)).toBe('file.csv');
  expect(values).toEqual(['a=b', 'c=d']);
  expect(argumentOr(undefined, values, isPair)).toBeUndefined();
  expect(argumentOr('other.csv', ['a=b', 'x'], isPair)).toBe('other.csv');
  expect(argumentOr(undefined, undefined, isPair)).toBeUndefined();
});

it('--stop reads \\n as templates do, and is not empty', () => {
  const { parseArg } = stopOption('end');
  expect(parseArg!('\\n', parseArg!('a\\\\n', undefined as never))).toEqual(['a\\n', '\n']);
  expect(() => parseArg!('', undefined as never)).toThrow(/empty/);
});

it('a settings file may begin with a byte order mark', async () => {
  writeFileSync('config.json', '\uFEFF{"nLayer": 1, "steps": 30}');
  const plan = await planTraining('letter.txt', { config: 'config.json', out: 'fresh' });
  expect(plan!.config).toMatchObject({ nLayer: 1, steps: 30 });
});
