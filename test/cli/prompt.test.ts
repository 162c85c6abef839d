import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { dawnlm, jsonLines, succeed, trainedRun, workshop } from '../helpers/dawnlm.ts';

const cwd = workshop();
const TEMPLATE = String.raw`{text} is {label}\n`;

const rows = (n: number): string =>
  Array.from(
    { length: n },
    (_, i) => `${i % 3 ? 'a ship at sea' : 'a white whale'} ${'ab'[i % 2].repeat(i + 1)},${i % 3 ? 'boat' : 'whale'}`,
  ).join('\n');

beforeAll(async () => {
  await trainedRun(cwd);
  writeFileSync(join(cwd, 'things.csv'), `text,label\n${rows(12)}\n`);
  writeFileSync(join(cwd, 'one.csv'), 'text,label\na ship,boat\na boat,boat\n');
});

const prompt = (...args: string[]) => ['prompt', '--run', 'run', '--template', ...args];

it('prompt labels texts without shots: one draw, every score', async () => {
  const { stdout, stderr } = await succeed(prompt(TEMPLATE, 'things.csv'), { cwd });
  expect(stderr).toContain('asking about 12 of 12 texts of things.csv');
  expect(stdout).toMatch(/^things\.csv, 0 shots, no calibration; always the commonest class: 66\.7%, a guess: 50\.0%/);
  expect(stdout).toMatch(/accuracy +\d+\.\d%.*\nmacro F1/);
});

it('prompt draws shots seed by seed, calibrates, and gives everything as JSON', async () => {
  const more = ['--shots', '2', '--calibrate', '--seeds', '2', '--limit', '5', '--verbalize', 'boat=ship', '--json'];
  const { stdout, stderr } = await succeed(prompt(TEMPLATE, 'things.csv', ...more), { cwd });
  const [report] = jsonLines(stdout) as [
    Record<string, number> & { runs: { seed: number; report: { count: number } }[] },
  ];
  expect(report).toMatchObject({ classes: ['boat', 'whale'], words: ['ship', 'whale'], shots: 2, contentFree: '' });
  expect(report.dataCard).toMatchObject({
    source: 'things.csv',
    parts: { pool: { examples: 6 }, tested: { examples: 6 } },
    duplicates: { within: 0, across: 0, conflicting: 0 },
  });
  expect(report.runs.map(({ seed, report: { count } }) => [seed, count])).toEqual([
    [0, 5],
    [1, 5],
  ]);
  // no two examples fit into 32 characters beside a question
  expect(stderr).toMatch(
    /the context of 32 tokens has room for \d\.\d of the 2 shots on average: the first ones were left out/,
  );
  const eaten = prompt(TEMPLATE, ...more.slice(0, -1), 'things.csv', '--json'); // by the list of --verbalize
  expect((await succeed(eaten, { cwd })).stdout).toBe(stdout);
});

it('prompt completes a template, with a text in its place or from standard input', async () => {
  const more = ['--tokens', '8', '--seed', '1'];
  const first = await succeed(prompt('the {text} is', 'sea', ...more), { cwd });
  expect(first.stdout).toMatch(/^the sea is/);
  expect(first.stdout).toHaveLength('the sea is'.length + 8 + 1);
  expect((await succeed(prompt('the {text} is', '-', ...more), { cwd, input: 'sea\n' })).stdout).toBe(first.stdout);
  const [line] = jsonLines((await succeed(prompt('the sea is', ...more, '--json'), { cwd })).stdout);
  expect(`${line.prompt}${line.text}\n`).toBe(first.stdout);
});

it.each<[string, number, string[], RegExp]>([
  ['no template', 2, ['prompt', '--run', 'run'], /required option '--template <text>' not specified/],
  ['a template without {text}', 2, prompt('{label}', 'things.csv'), /must hold \{text\} and behind it \{label\}/],
  ['no data', 2, prompt(TEMPLATE), /asks for \{label\}: give a \.csv, \.tsv or \.jsonl file/],
  ['no text', 2, prompt('the {text}'), /has a place \{text\}: give the text/],
  ['a text without a place', 2, prompt('the', 'sea'), /has no place \{text\} for the text/],
  [
    'no such data',
    1,
    prompt(TEMPLATE, 'none.csv'),
    /no data set or file called "none\.csv"\. Known data sets: wordnet-glosses/,
  ],
  ['a set of tagged sentences', 2, prompt(TEMPLATE, 'brown-chunks'), /brown-chunks tags words/],
  [
    'a missing column',
    1,
    prompt(TEMPLATE, 'things.csv', '--label', 'class'),
    /no column "class"; its columns are "text", "label"/,
  ],
  ['one class', 1, prompt(TEMPLATE, 'one.csv'), /one\.csv has one class only \("boat"\)/],
  [
    'too many shots',
    1,
    prompt(TEMPLATE, 'things.csv', '--shots', '9'),
    /9 shots were asked for, but only 6 examples can be shown/,
  ],
  ['a word for no label', 2, prompt(TEMPLATE, 'things.csv', '--verbalize', 'sub=x'), /names no label; .* boat, whale/],
  [
    'a template longer than the context',
    1,
    prompt(`${'the sea '.repeat(4)}${TEMPLATE}`, 'things.csv'),
    /template takes \d+ tokens without any text, and the model's context holds 32/,
  ],
  ['no such run', 1, ['prompt', '--run', 'nowhere', '--template', 'the'], /no run folder nowhere/],
])('%s', async (_, code, args, sentence) => {
  const outcome = await dawnlm(args, { cwd });
  expect(outcome.stderr).toMatch(sentence);
  expect(outcome.stderr).toMatch(/^dawnlm: /m);
  expect(outcome.stderr).not.toContain('should not have happened');
  expect([outcome.code, outcome.stdout]).toEqual([code, '']);
});
