import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { readTunedCard } from '../../src/tasks/folder.ts';
import { classificationReport } from '../../src/tasks/metrics/classification.ts';
import { CharTokenizer } from '../../src/text/tokenizers/charTokenizer.ts';
import { resolveConfig } from '../../src/train/config.ts';
import { asWeights, readLog, readRunCard, readTokenizer, readWeights, stateOf } from '../../src/train/runFolder.ts';
import { dataCard } from '../helpers/cards.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-folder-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (file: string, content: unknown) =>
  writeFileSync(join(folder, file), typeof content === 'string' ? content : JSON.stringify(content));

const surroundings = { version: 1, adapter: { name: 'a test', software: true }, startedAt: new Date(0).toISOString() };
const config = resolveConfig('tiny');
const card = { ...surroundings, config, dataCard: dataCard() };

describe('run.json', () => {
  it('is read as it was written, and settings that came later stand as runs trained before them', async () => {
    write('run.json', card);
    expect(await readRunCard(folder)).toEqual(card);
    const { precision, recompute, ...old } = config;
    write('run.json', { ...card, config: old });
    expect((await readRunCard(folder)).config).toEqual({ ...config, precision: 'float32', recompute: false });
  });

  it.each<[string, object, string]>([
    [
      'a batch size of 0',
      { config: { ...config, batchSize: 0 } },
      'config.batchSize must be a whole number of 1 or more; got 0',
    ],
    [
      'a rate in words',
      { config: { ...config, learningRate: 'high' } },
      'config.learningRate must be a number of 0 or more',
    ],
    [
      'a batch that nothing can hold',
      { config: { ...config, batchSize: 2 ** 40 } },
      'config.batchSize makes a batch that is too large',
    ],
    ['another version', { version: 2 }, 'version must be 1; got 2'],
    ['no adapter', { adapter: undefined }, 'adapter must be an object; it is missing'],
    ['a tuning that is no table', { tuning: { 'matmul NN': 8 } }, 'tuning["matmul NN"] must be a text; got 8'],
    [
      'a base without a hash',
      { tunedFrom: { folder: '.', checkpoint: 'best', method: 'full' } },
      'tunedFrom.sha256 must be a SHA-256 of 64 hexadecimal digits; it is missing',
    ],
  ])('with %s is refused', async (_, change, sentence) => {
    write('run.json', { ...card, ...change });
    await expect(readRunCard(folder)).rejects.toThrow(UserError);
    await expect(readRunCard(folder)).rejects.toThrow(`run.json is damaged: ${sentence}`);
    await expect(readRunCard(folder)).rejects.toThrow('Restore it from a copy, or train anew.');
  });
});

it('of a log the lines that are no records are passed over, and NaN comes back from null', async () => {
  const record = { step: 1, tokens: 8, timeMs: 2, loss: null };
  const nonsense = [
    'null',
    '7',
    '[]',
    '{"step": "x", "tokens": 1, "timeMs": 1}',
    '{"step": 2, "loss": "low"}',
    '{"step": 3, "tok',
  ];
  write(
    'log.jsonl',
    [JSON.stringify(record), ...nonsense, JSON.stringify({ ...record, step: 4, loss: 2.5 })].join('\n'),
  );
  expect(await readLog(folder)).toEqual([
    { ...record, loss: Number.NaN },
    { ...record, step: 4, loss: 2.5 },
  ]);
});

it.each([
  [undefined, 'it is missing'],
  ['{', 'it is not JSON'],
  ['{"step": -1}', 'step must be a whole number from 0 to below 4,294,967,296; got -1'],
  ['{"step": 3, "timeMs": "long"}', 'timeMs must be a number of 0 or more; got "long"'],
  ['{"step": 9e15}', 'step must be a whole number from 0 to below 4,294,967,296; got 9000000000000000'],
])('a checkpoint whose state is %s is refused', (state, sentence) => {
  const file = { fileName: 'resume.safetensors', tensors: new Map() };
  const parse = () => stateOf({ ...file, metadata: state === undefined ? {} : { state } });
  expect(parse).toThrow(UserError);
  expect(parse).toThrow(`resume.safetensors (its state) is damaged: ${sentence}`);
});

describe('run.json of a fine-tuned model', () => {
  const sha256 = 'ab'.repeat(32);
  const tuned = {
    ...surroundings,
    ...{ labels: ['a', 'b'], method: 'head', base: { folder: '..', checkpoint: 'best', sha256 } },
    dataCard: {
      ...{ name: 'pets', task: 'classify', source: 'a test', licence: 'none', note: '', sha256 },
      ...{ parts: {}, duplicates: { within: 0, across: 0, conflicting: 0 } },
    },
    splits: {},
  };
  const classify = { ...tuned, task: 'classify', settings: { pooling: 'mean', temperature: 1.5, patience: 6 } };
  const tag = {
    ...tuned,
    task: 'tag',
    settings: { bidirectional: true, stopOn: 'f1' },
    labels: ['O', 'B-x'],
    dataCard: { ...tuned.dataCard, task: 'tag' },
  };

  it('is read as it was written', async () => {
    write('run.json', { ...classify, report: scores });
    expect(await readTunedCard(folder, 'classify')).toEqual({ ...classify, report: scores });
    write('run.json', tag);
    expect(await readTunedCard(folder, 'tag')).toEqual(tag);
  });

  const scores = classificationReport(
    ['a', 'b'],
    [0, 1, 1],
    [
      [1, 0],
      [0, 1],
      [0, 1],
    ],
  );
  const settings = (change: object) => ({ settings: { ...classify.settings, ...change } });
  it.each<[object, string]>([
    [settings({ temperature: 'warm' }), 'settings.temperature must be a number above 0 to 1,000; got "warm"'],
    [settings({ temperature: 0 }), 'settings.temperature must be a number above 0 to 1,000; got 0'],
    [settings({ temperature: null }), 'settings.temperature must be a number above 0 to 1,000; got null'],
    [settings({ pooling: 'most' }), 'settings.pooling must be one of last, mean; got "most"'],
    [{ labels: [] }, 'labels must be a list that is not empty; got []'],
    [{ labels: ['a', 3] }, 'labels[1] must be a text that is not empty; got 3'],
    [{ labels: ['a', 'a'] }, 'labels must be distinct'],
    [settings({ temperature: 1e308 }), 'settings.temperature must be a number above 0 to 1,000; got 1e+308'],
    [settings({ learningRate: -1 }), 'settings.learningRate must be a number of 0 or more; got -1'],
    [
      settings({ history: [{ step: 1, loss: 1, best: true, evaluation: { loss: 1, accuracy: 2 } }] }),
      'settings.history[0].evaluation.accuracy must be a number from 0 to 1; got 2',
    ],
    [
      { splits: { train: { examples: 1, file: '../secret.txt', sha256 } } },
      'splits.train.file must be the name of a file in splits/; got "../secret.txt"',
    ],
    [{ splits: { train: { examples: 1, file: 'splits/..', sha256 } } }, 'splits.train.file must be the name of a file'],
    [
      { splits: { '../x': { examples: 1, file: 'splits/a.csv', sha256 } } },
      'splits["../x"] has no name that can stand',
    ],
    [
      { dataCard: { ...tuned.dataCard, parts: { train: { examples: 3, labels: { a: 1, b: 1 } } } } },
      'dataCard.parts hold counts that do not agree',
    ],
    [
      { base: { folder: '..', checkpoint: 'best', sha256: 'x' } },
      'base.sha256 must be a SHA-256 of 64 hexadecimal digits',
    ],
    [
      { report: { ...scores, perClass: scores.perClass.slice(1) } },
      'report.confusion does not agree with the scores and counts',
    ],
    [{ report: { ...scores, accuracy: 0.5 } }, 'report.confusion does not agree with the scores and counts'],
    [{ report: classificationReport(['a', 'c'], [0], [[1, 0]]) }, 'report scores other labels than there are'],
    [{ splits: { train: { examples: 1, file: 'splits/a.csv', sha256 } } }, 'splits hold more examples than there are'],
    [{ dataCard: { ...tuned.dataCard, task: 'tag' } }, 'dataCard.task is another one'],
    [{ report: { count: 1 } }, 'report.accuracy must be a number from 0 to 1; it is missing'],
    [{ startedAt: 'once' }, 'startedAt must be a time such as 2026-01-31T12:00:00.000Z; got "once"'],
    [{ version: 9 }, 'version must be 1; got 9'],
  ])('with %j is refused', async (change, sentence) => {
    write('run.json', { ...classify, ...change });
    await expect(readTunedCard(folder, 'classify')).rejects.toThrow(`run.json is damaged: ${sentence}`);
  });
});

it('a task that is none is refused, and becomes no command that is suggested', async () => {
  for (const task of [7, null, 'x; rm -rf ~', '\x1b[2J']) {
    write('run.json', { ...card, task });
    await expect(readRunCard(folder)).rejects.toThrow(
      /run\.json is damaged: task must be one of classify, tag; got [^\p{Cc}]+$/u,
    );
  }
});

it('the tokenizer is found under its name, and under the one that it had before', async () => {
  write('tokenizer.json', new CharTokenizer('ab').toJSON());
  expect((await readTokenizer(folder)).vocabSize).toBe(2);
  write('dawnlm-tokenizer.json', new CharTokenizer('abc').toJSON());
  expect((await readTokenizer(folder)).vocabSize).toBe(3);
});

it.skipIf(process.platform === 'win32')('a device that never ends is no file of a run', async () => {
  const devices = mkdtempSync(join(folder, 'devices-'));
  for (const file of ['run.json', 'log.jsonl', 'model.safetensors']) symlinkSync('/dev/zero', join(devices, file));
  await expect(readRunCard(devices)).rejects.toThrow(/run\.json is no file/);
  await expect(readLog(devices)).rejects.toThrow(/log\.jsonl is no file/);
  await expect(readWeights(devices, 'model.safetensors')).rejects.toThrow(/model\.safetensors is no file/);
});

it('weights are numbers, all of them', () => {
  const file = { fileName: 'head.safetensors', tensors: new Map(), metadata: {} };
  const sound = Float32Array.of(-3.4e38, 0, 1e-45);
  expect(asWeights(sound, 'score.weight', file)).toBe(sound);
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    expect(() => asWeights(Float32Array.of(1, value), 'score.weight', file)).toThrow(
      'head.safetensors is damaged: "score.weight" holds numbers that are NaN or infinite. Restore it from a copy',
    );
  }
});
