import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { dawnlm, jsonLines, succeed, trainedRun, trainTiny, workshop } from '../../helpers/dawnlm.ts';

const cwd = workshop();
const NAMES = ['ship', 'whale', 'captain', 'sea', 'boat', 'man'];
const FILE = Array.from(
  { length: 36 },
  (_, i) =>
    `the x O\n${NAMES[i % 6]} x I-NP\nof x O\nold x O\n${NAMES[(i * 5 + (i >> 2)) % 6]} x I-NP\ndeep${i} x O\n\n`,
).join('');
const tune = (...args: string[]) => ['finetune', 'tag', '--run', 'run', 'names.conll', '--steps', '60', ...args];

beforeAll(async () => {
  await trainedRun(cwd, '--tokenizer', 'byte');
  writeFileSync(join(cwd, 'names.conll'), FILE);
  writeFileSync(join(cwd, 'broken.conll'), `${FILE}ship x I-NP extra\n`);
  writeFileSync(join(cwd, 'dull.conll'), FILE.replaceAll('I-NP', 'O'));
  writeFileSync(join(cwd, 'letter.txt'), 'The old captain.\n\nthe whale of the deep\n');
  writeFileSync(join(cwd, 'blank.txt'), ' \n');
  await succeed(tune('--learning-rate', '0.01', '--base-rate', '1', '--out', 'names'), { cwd });
  await succeed(tune('--method', 'lora', '--rank', '2', '--bidirectional', '--out', 'low'), { cwd });
});

describe('finetune tag', () => {
  it('keeps tags, data card, hashes of the parts and scores with the run', () => {
    const card = JSON.parse(readFileSync(join(cwd, 'names/run.json'), 'utf8'));
    expect(card).toMatchObject({ task: 'tag', method: 'full', labels: ['O', 'B-NP'], base: { folder: '../run' } });
    expect(card.dataCard).toMatchObject({ name: 'names.conll', task: 'tag', parts: { train: { examples: 28 } } });
    const file = 'splits/test.conll';
    expect(card.splits.test).toEqual({ examples: 4, file, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(
      readFileSync(join(cwd, 'names', file), 'utf8')
        .trim()
        .split('\n\n'),
    ).toHaveLength(4);
    expect(card.report.test.overall.support).toBe(8);
  });

  it('prints events for machines', async () => {
    const { stdout } = await succeed(tune('--out', 'again', '--json', '--labels', '8'), { cwd });
    const events = jsonLines(stdout);
    expect(events.map(({ type }) => type).filter((type, i, all) => type !== all[i - 1])).toEqual([
      ...['data', 'plan', 'validation', 'result'],
    ]);
    expect(events[1]).toMatchObject({ examples: { train: 8, validation: 4 } });
  });
});

describe('tag', () => {
  it('puts entities in brackets, and leaves the rest as it is', async () => {
    const { stdout } = await succeed(['tag', '--run', 'names', 'letter.txt'], { cwd });
    expect(stdout.replace(/\[(.*?) NP\]/g, '$1')).toBe(readFileSync(join(cwd, 'letter.txt'), 'utf8'));
    expect(stdout).toContain('the [whale NP] of');
  });

  it('gives offsets in the text that it was given', async () => {
    const text = '  the whale of  old 👍 ship.';
    const { stdout } = await succeed(['tag', '--run', 'names', text, '--json'], { cwd });
    const [{ text: same, entities }] = jsonLines(stdout) as [{ text: string; entities: Record<string, never>[] }];
    expect(same).toBe(text);
    expect(entities.length).toBeGreaterThan(0);
    for (const entity of entities) expect(text.slice(entity.start, entity.end)).toBe(entity.text);
  });

  it('reads standard input, with adapters over the base', async () => {
    const { stdout } = await succeed(['tag', '--run', 'low', '-'], { cwd, input: 'the whale of old' });
    expect(stdout.replace(/\[(.*?) NP\]/g, '$1')).toBe('the whale of old\n');
  });

  it('refuses another base than the adapters were made for', async () => {
    cpSync(join(cwd, 'run'), join(cwd, 'kept'), { recursive: true });
    const complaint = async (): Promise<string> => {
      const { code, stderr } = await dawnlm(['tag', '--run', 'low', 'a man'], { cwd });
      expect(code).toBe(1);
      return stderr;
    };
    await succeed(trainTiny('run', '--tokenizer', 'byte', '--force', '--seed', '5'), { cwd });
    expect(await complaint()).toMatch(/run has other weights than low was tuned from/);
    rmSync(join(cwd, 'run'), { recursive: true });
    expect(await complaint()).toMatch(/low was tuned from the run run, which is not there/);
    cpSync(join(cwd, 'kept'), join(cwd, 'run'), { recursive: true });
  });
});

const MISTAKES: [name: string, code: number, args: string[], sentence: RegExp][] = [
  ['a broken file', 1, ['finetune', 'tag', '--run', 'run', 'broken.conll'], /line 253: 4 columns, .* have 3/],
  ['one tag only', 1, ['finetune', 'tag', '--run', 'run', 'dull.conll'], /one tag only.*--column/],
  ['a column that is not there', 1, tune('--column', '7', '--out', 'x'), /there is no column 7/],
  [
    'no such file',
    1,
    ['finetune', 'tag', '--run', 'run', 'gone.conll'],
    /no data set or file called "gone\.conll"\. Known data sets: synthetic-names/,
  ],
  ['no such method', 2, tune('--method', 'most'), /Allowed choices are full, lora, last, head/],
  ['a run in the way', 1, tune('--out', 'names'), /names holds a run already: .*--force/],
  ['a random start of adapters', 2, tune('--random-start', '--method', 'lora', '--out', 'x'), /of no use as they are/],
  ['an empty text', 1, ['tag', '--run', 'names', 'blank.txt'], /the text is empty/],
  ['a run that was not tuned', 1, ['tag', '--run', 'run', 'a man'], /finetune tag/],
];

it.each(MISTAKES)('%s', async (_, code, args, sentence) => {
  const outcome = await dawnlm(args, { cwd });
  expect(outcome.stderr).toMatch(sentence);
  expect(outcome.stderr).not.toContain('should not have happened');
  expect(outcome.code).toBe(code);
});
