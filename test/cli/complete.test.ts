import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { typescript } from '../../data/typescript/domain.ts';
import { dawnlm, jsonLines, succeed, TEXT, trainedRun, workshop } from '../helpers/dawnlm.ts';

const cwd = workshop();
const LINES = TEXT.split('\n');
const complete = (...more: string[]): string[] => ['complete', '--run', 'run', 'text.txt', '--line', '40', ...more];
beforeAll(() => trainedRun(cwd, '--tokenizer', 'bpe:300', '--fill-in-middle', '0.9'));

it('complete writes a line, the same each time and another for another seed', async () => {
  const { stdout } = await succeed(complete(), { cwd });
  expect(stdout).toMatch(/^[^\n]*\n$/);
  expect((await succeed(complete(), { cwd })).stdout).toBe(stdout);
  const likeliest = (seed: string) => succeed(complete('--temperature', '0', '--seed', seed), { cwd });
  expect((await likeliest('3')).stdout).toBe((await likeliest('4')).stdout); // the likeliest tokens are not drawn
  const drawn = async (seed: string) =>
    jsonLines(
      (await succeed(complete('--column', '3', '--json', '--temperature', '1.5', '--seed', seed), { cwd })).stdout,
    );
  const [first] = await drawn('3');
  expect(first).toMatchObject({ file: 'text.txt', line: 40, seed: 3, text: expect.any(String) });
  expect(await drawn('3')).toEqual([first]);
  expect((await drawn('4'))[0].text).not.toBe(first.text);
});

it('complete writes behind a column, and some lines where it may', async () => {
  const more = '--column 5 --lines 3 --tokens 28 --candidates 3 --temperature 1 --seed 1'.split(' ');
  const { stdout } = await succeed(complete(...more), { cwd });
  expect(stdout.split('\n').length).toBeLessThanOrEqual(4);
});

/** A copy of the run of which its card says something else. */
function changed(name: string, change: (card: { dataCard: object; config: object }) => object): void {
  cpSync(join(cwd, 'run'), join(cwd, name), { recursive: true });
  const path = join(cwd, name, 'run.json');
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')))));
}

beforeAll(() => {
  writeFileSync(join(cwd, 'bytes.bin'), Uint8Array.of(1, 0, 2));
  const { name, source } = typescript;
  changed('code', (card) => ({ ...card, dataCard: { ...card.dataCard, name, source } }));
  changed('plain', (card) => ({ ...card, config: { ...card.config, fillInMiddle: 0 } }));
});

it.each([
  [
    'no such line',
    complete('--line', '4000'),
    1,
    new RegExp(`text.txt has ${LINES.length} lines, and so no line 4,000`),
  ],
  [
    'no such column',
    complete('--column', '999'),
    1,
    new RegExp(`characters: --column may be ${LINES[39].length + 1} at most`),
  ],
  ['a file that is no text', ['complete', '--run', 'run', 'bytes.bin', '--line', '1'], 1, /binary file/],
  ['more than the context', complete('--tokens', '29'), 2, /--tokens may be 28 at most: the context of 32 tokens/],
  [
    'another language',
    ['complete', '--run', 'code', 'text.txt', '--line', '1'],
    1,
    /text\.txt is no TypeScript by its name/,
  ],
  [
    'a run without',
    ['complete', '--run', 'plain', 'text.txt', '--line', '1'],
    1,
    /plain was not trained to write between texts/,
  ],
])('complete says what is wrong with %s', async (_, args, code, sentence) => {
  const outcome = await dawnlm(args, { cwd });
  expect(outcome.stderr).toMatch(sentence);
  expect(outcome.code).toBe(code);
});
