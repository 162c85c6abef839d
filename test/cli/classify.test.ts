import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { dawnlm, jsonLines, succeed, trainedRun, workshop } from '../helpers/dawnlm.ts';

const cwd = workshop();
const FIRST = ['the old', 'a white', 'my small', 'one deep'];
const LAST = ['is here', 'sank', 'came back', 'was seen', 'is gone', 'waits'];
const rows = FIRST.flatMap((first) =>
  LAST.flatMap((last) => [`${first} whale ${last},animal`, `${first} ship ${last},thing`]),
);
const write = (file: string, ...lines: string[]) => writeFileSync(join(cwd, file), `${lines.join('\n')}\n`);
const tune = (...args: string[]) => [
  'finetune',
  'classify',
  '--run',
  'run',
  '--steps',
  '12',
  '--out',
  'fresh',
  ...args,
];

beforeAll(async () => {
  await trainedRun(cwd);
  write('pets.csv', 'text,label', ...rows, rows[0]);
  write('other.csv', 'body,kind', ...rows);
  write('both.csv', 'text,label,kind', ...rows.map((row, i) => `${row},${i % 3}`));
  write('one.csv', 'text,label', ...rows.filter((row) => row.endsWith('animal')));
  write('hole.csv', 'text,label', ...rows, ',thing');
  write('quote.csv', 'text,label', ...rows, '"a "b,thing');
  write('unseen.csv', 'text,label', ...rows.slice(0, 4), 'the man sank,person');
  write('lines.txt', 'the old whale is here', '', 'the old ship sank');
  write('blank.txt', ' ');
  write('header.csv', 'text');
  write('odd.txt', ...Array.from({ length: 700 }, () => 'the old whale '.repeat(10)), 'ÄÖÜ', 'the old ship sank');
  mkdirSync(join(cwd, 'folder.csv'));
  writeFileSync(join(cwd, 'latin.csv'), Buffer.from(`text,label\n${rows.join('\n')}\nca\xf1on,thing\n`, 'latin1'));
  write('notes.json', '{}');
  await succeed(tune('pets.csv', '--out', 'tuned', '--steps', '60', '--learning-rate', '0.01'), { cwd });
});

describe('classify', () => {
  it('says the label of a text, of lines, of standard input and of a table', async () => {
    const { stdout } = await succeed(['classify', '--run', 'tuned', 'the old whale came back'], { cwd });
    expect(stdout).toMatch(/^(animal|thing) +0\.\d{3} +the old whale came back\n$/);
    const lines = await succeed(['classify', '--run', 'tuned', 'lines.txt', '--json'], { cwd });
    const [whale, ship] = jsonLines(lines.stdout);
    expect(whale).toMatchObject({ text: 'the old whale is here', label: 'animal' });
    expect(ship).toMatchObject({ text: 'the old ship sank', label: 'thing' });
    const piped = await succeed(['classify', '--run', 'tuned', '--json'], { cwd, input: 'the old ship sank\n' });
    expect(jsonLines(piped.stdout)).toEqual([ship]);
    const table = await succeed(['classify', '--run', 'tuned', 'other.csv', '--text', 'body', '--json'], { cwd });
    expect(jsonLines(table.stdout)).toHaveLength(rows.length);
  });

  it('says that the rest of a long text was not read', async () => {
    const args = ['classify', '--run', 'tuned', 'the old whale is here and sank at sea', '--json'];
    const { stdout, stderr } = await succeed(args, { cwd });
    expect(jsonLines(stdout)[0]).toMatchObject({ cut: true });
    expect(stderr).toContain('the text is longer than the 32 tokens that are read: the rest was not');
  });

  it('answers as it reads, and says where it cannot', async () => {
    const { code, stdout, stderr } = await dawnlm(['classify', '--run', 'tuned', 'odd.txt'], { cwd });
    const answers = stdout.split('\n').length - 1; // of the 64 KB that were read before
    expect([answers > 400, answers < 500]).toEqual([true, true]);
    expect(stderr).toMatch(/odd\.txt, line 701: a text has no character that the model knows/);
    expect(code).toBe(1);
  });

  it('keeps silent below a threshold', async () => {
    const { stdout } = await succeed(['classify', '--run', 'tuned', 'the whale ship', '--threshold', '1'], { cwd });
    expect(stdout).toMatch(/^\? +/);
  });

  it('compares with true labels', async () => {
    const args = ['classify', '--run', 'tuned', 'other.csv', '--text', 'body', '--label', 'kind', '--json'];
    const [report] = jsonLines((await succeed(args, { cwd })).stdout);
    expect(report).toMatchObject({ run: 'tuned', count: rows.length });
    expect(report.accuracy).toBeGreaterThan(0.7);
  });
});

describe('finetune classify', () => {
  it('says what it left out, and keeps labels, parts and scores with the run', async () => {
    const { stdout, stderr } = await succeed(tune('pets.csv', '--method', 'lora', '--json', '--out', 'lora'), { cwd });
    expect(stderr).toContain('removed: 1 duplicates');
    const result = jsonLines(stdout).at(-1)!;
    expect(result).toMatchObject({ type: 'result', folder: 'lora' });
    expect(result.report).toHaveProperty('macroF1');
    expect(existsSync(join(cwd, 'lora/run.json'))).toBe(true);
    await succeed(['classify', '--run', 'lora', 'the old whale'], { cwd });
  });

  it('keeps the best weights so far at Ctrl-C', async () => {
    let sent = false;
    const onError = (stderr: string, child: { kill(signal: 'SIGINT'): boolean }) => {
      if (!sent && stderr.includes('best so far')) sent = child.kill('SIGINT');
    };
    const args = tune('both.csv', '--steps', '20000', '--patience', '1000', '--out', 'stopped');
    const { code } = await dawnlm(args, { cwd, onError });
    expect(code).toBe(130);
    await succeed(['classify', '--run', 'stopped', 'the old whale'], { cwd });
    const other = await dawnlm([...args, '--resume', '--label', 'kind'], { cwd });
    expect(other.stderr).toMatch(/stopped was being tuned otherwise, "label" is not the same/);
    expect(other.code).toBe(2);
  });
});

const classify = (...args: string[]) => ['classify', '--run', 'tuned', ...args];
const MISTAKES: [name: string, code: number, args: string[], sentence: RegExp][] = [
  ['no such data', 1, tune('none.csv'), /no data set or file called "none\.csv"\. Known data sets: wordnet-glosses/],
  ['data for another task', 2, tune('synthetic-names'), /synthetic-names tags words and has no labels of whole texts/],
  ['a file of another kind', 2, tune('notes.json'), /notes\.json is no table that can be read/],
  ['a missing column', 1, tune('other.csv'), /other\.csv has no column "text"; its columns are "body", "kind"/],
  ['one class only', 1, tune('one.csv'), /one\.csv has one class only \("animal"\)/],
  ['an empty text', 1, tune('hole.csv'), /hole\.csv: "text" is empty in line 50/],
  ['a folder', 1, tune('folder.csv'), /folder folder\.csv holds no \.txt or \.md file/],
  ['what is no UTF-8', 1, tune('latin.csv'), /latin\.csv is not UTF-8/],
  ['a broken quote', 1, tune('quote.csv'), /quote\.csv, line 50: a quote is opened/],
  ['no run', 2, ['finetune', 'classify', 'pets.csv'], /required option '--run <folder>' not specified/],
  ['a run that is not there', 1, tune('pets.csv', '--run', 'nowhere'), /no run folder nowhere/],
  [
    'a run in the way',
    1,
    tune('pets.csv', '--out', 'tuned'),
    /tuned holds a run already: .*begin anew with --force, which keeps it as/,
  ],
  ['the run itself in the way', 2, tune('pets.csv', '--out', 'run', '--force'), /run is the run that is to be tuned/],
  ['too few labels for two classes', 2, tune('pets.csv', '--labels', '1'), /whole number of 2 or more/],
  ['tuning what is tuned', 1, tune('pets.csv', '--run', 'tuned'), /was tuned to classify, and a run of dawnlm train/],
  [
    'an unknown method',
    2,
    tune('pets.csv', '--method', 'half'),
    /'half' is invalid\. Allowed choices are full, lora, last, head/,
  ],
  ['epochs and steps', 2, tune('pets.csv', '--epochs', '2'), /--epochs and --steps both say how long/],
  ['a frozen random model', 2, tune('pets.csv', '--random-start', '--method', 'head'), /random weights are of no use/],
  [
    'too large a rank',
    2,
    tune('pets.csv', '--method', 'lora', '--rank', '99'),
    /rank of adapters must be .* 1 to 32, got 99/,
  ],
  ['a threshold past 1', 2, classify('a text', '--threshold', '2'), /must be a number from 0 to 1/],
  ['a model without labels', 1, ['classify', '--run', 'run', 'a text'], /run holds a run that was not tuned to labels/],
  ['an empty text to classify', 1, classify(' '), /the text is empty/],
  ['a table without rows', 1, classify('header.csv'), /header\.csv holds no texts/],
  ['data that a list has taken', 1, tune('--method', 'lora', '--targets', 'c_attn', 'none.csv'), /called "none\.csv"/],
  ['no data', 2, tune(), /no text was given to learn from/],
  ['nothing to classify', 1, classify('blank.txt'), /blank\.txt holds no text/],
  ['a text of unknown characters', 1, classify('ÄÖÜ'), /no character that the model knows \("ÄÖÜ"\)/],
  [
    'a label unseen in training',
    1,
    classify('unseen.csv', '--label', 'label'),
    /has the label "person", which was not in training/,
  ],
  ['labels of what is no table', 1, classify('lines.txt', '--label', 'label'), /--label needs a table/],
];

it.each(MISTAKES)('%s', async (_, code, args, sentence) => {
  const outcome = await dawnlm(args, { cwd });
  expect(outcome.stderr).toMatch(sentence);
  expect(outcome.stderr).not.toContain('should not have happened');
  expect(outcome.code).toBe(code);
});
