/** Every file that is read and might have been written elsewhere: a sound one of each, how it is read, and by what. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readRecords } from '../../bench/record.ts';
import { TransferStore } from '../../experiments/transfer/store.ts';
import { lossCurve } from '../../src/cli/terminal/lossCurve.ts';
import { classificationTables, spanTables } from '../../src/cli/terminal/metricTables.ts';
import { planTraining } from '../../src/cli/trainPlan.ts';
import { UserError } from '../../src/errors.ts';
import { toHuggingFaceConfig } from '../../src/export/huggingFace.ts';
import { fromPeftTensors, toPeftConfig, toPeftTensors } from '../../src/export/peft.ts';
import { encodeSafetensors, sealSafetensors, tensorOf } from '../../src/export/safetensors.ts';
import { linearLayers, targetsOf } from '../../src/model/lora.ts';
import { parameterSpecs } from '../../src/model/parameters.ts';
import { styleOf } from '../../src/model/styles.ts';
import { renderReport } from '../../src/report/trainingReport.ts';
import { readText } from '../../src/tasks/data.ts';
import { EVALUATIONS, readParts, readTunedCard, tunedTaskOf } from '../../src/tasks/folder.ts';
import { classificationReport } from '../../src/tasks/metrics/classification.ts';
import { spanReport } from '../../src/tasks/metrics/spans.ts';
import { importModel } from '../../src/tasks/text/import.ts';
import { TuneCheckpoint } from '../../src/tasks/tuneCheckpoint.ts';
import { readChat } from '../../src/text/chat/chat.ts';
import { readConll, writeConll } from '../../src/text/labels/conll.ts';
import { readTable, writeTable } from '../../src/text/labels/labelled.ts';
import { trainTokenizer } from '../../src/text/tokenizers/tokenizer.ts';
import { resolveConfig } from '../../src/train/config.ts';
import * as folders from '../../src/train/runFolder.ts';
import { readAdapterConfig } from '../../src/train/savedRun.ts';
import { readTuning } from '../../src/train/tuningCache.ts';
import { recall } from '../experiments/report/transferResult.ts';
import { dataCard } from '../helpers/cards.ts';
import { TEXT } from '../helpers/dawnlm.ts';
import { smallConfig } from '../helpers/models.ts';
import { normalNumbers } from '../helpers/numbers.ts';

export interface Reader {
  readonly name: string;
  readonly file: string;
  readonly bytes: Buffer;
  /** Whether it is JSON, one object in all or one a line. */
  readonly json: boolean;
  /** Reads it out of a folder, and does with it what is done with it. What comes back must make sense. */
  read(folder: string): Promise<unknown>;
}

const startedAt = '2026-01-31T12:00:00.000Z';
const sha256 = 'ab'.repeat(32);
const config = smallConfig('gpt2', { vocabSize: 16 });
const train = resolveConfig('tiny', { blockSize: config.blockSize });
const surroundings = { version: 1, adapter: { name: 'a test', software: true }, startedAt };
const base = { folder: '../base', checkpoint: 'best', sha256 };

const report = classificationReport(
  ['cat', 'dog'],
  [0, 1, 1],
  [
    [0.9, 0.1],
    [0.4, 0.6],
    [0.7, 0.3],
  ],
);
const spans = spanReport([['O', 'B-PET', 'I-PET']], [['O', 'B-PET', 'O']]);
const classified = {
  ...{ ...surroundings, task: 'classify', labels: ['cat', 'dog'], method: 'lora', base, report },
  settings: {
    ...{ method: 'lora', steps: 4, batchSize: 2, learningRate: 1e-3, pooling: 'mean', temperature: 1.5, seed: 1 },
    ...{ status: 'finished', history: [{ step: 2, loss: 0.7, best: true, evaluation: { loss: 0.6, accuracy: 0.5 } }] },
  },
  dataCard: {
    ...{ name: 'pets', task: 'classify', source: 'a test', licence: 'none', note: '', sha256 },
    ...{
      parts: { train: { examples: 3, labels: { cat: 1, dog: 2 } } },
      duplicates: { within: 0, across: 0, conflicting: 0 },
    },
  },
  splits: { train: { examples: 3, file: 'splits/train.csv', sha256 } },
};
const tagged = {
  ...{ ...surroundings, task: 'tag', labels: ['O', 'B-PET', 'I-PET'], method: 'full', base, report: { test: spans } },
  settings: {
    method: 'full',
    steps: 4,
    bidirectional: true,
    best: { step: 1, loss: 1, best: true, evaluation: { loss: 1, report: spans } },
  },
  dataCard: { ...classified.dataCard, task: 'tag', parts: { train: { examples: 1, labels: { PET: 1 }, words: 3 } } },
  splits: {},
};
const inside = {
  weights: ['transformer.wte.weight', 'transformer.h.0.mlp.c_fc.weight'].map((name) => ({
    ...{ name, rms: 0.1, update: 1e-3, gradient: 0.2 },
  })),
  heads: [[{ entropy: 1, share: 0.3 }]],
  ...{ deadUnits: [0], gradientProduct: 0.5, noiseScale: 300 },
};
const log = Array.from({ length: 20 }, (_, i) => ({
  ...{ step: i + 1, tokens: 8 * i, timeMs: 5 * i, loss: 3 - i / 10, learningRate: 1e-3, gradientNorm: 1 },
  ...(i % 5 === 4 && { validationLoss: 3 - i / 12, tokensPerSecond: 800 }),
  ...(i % 10 === 9 && { inside }),
}));
const recorded = {
  ...{ kind: 'kernel', op: 'matmul', median: 1, unit: 'ms', spread: [1, 2], runs: 3, point: { TM: 8 } },
  ...{ adapter: { name: 'a test', software: true, driver: 'none' }, commit: null, date: startedAt },
  machine: { cpu: 'one', cores: 1, node: 'v20', os: 'some' },
};
const identity = {
  base: sha256,
  adapter: 'a test',
  startedAt,
  prompted: 1,
  tested: 1,
  mostSteps: 1,
  validated: 1,
  maxTokens: 1,
};
const stored = [
  { kind: 'identity', ...identity },
  { kind: 'cell', task: 'pets', learner: 'full', n: 8, seed: 1, score: 0.5, seconds: 3 },
  { kind: 'prompted', task: 'pets', shots: 2, meanShots: 2, scores: [0.5] },
  { kind: 'recall', result: recall },
];
const chats = [
  { prompt: 'Who?', answer: 'I.' },
  {
    messages: [
      { role: 'user', content: 'Where?' },
      { role: 'assistant', content: 'There.' },
    ],
  },
];
const texts = Array.from({ length: 8 }, (_, i) => ({ text: `text "${i}", so\nand so`, label: i % 2 ? 'cat' : 'dog' }));
const sentences = Array.from({ length: 6 }, (_, i) => ({
  words: ['the', `cat${i}`, 'sat'],
  tags: ['O', 'B-PET', 'O'],
}));

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const jsonl = (values: readonly unknown[]): Buffer => Buffer.from(values.map((one) => JSON.stringify(one)).join('\n'));
const weights = parameterSpecs(config, styleOf(config)).map(({ name, shape }, i) => ({
  name,
  shape,
  data: normalNumbers(shape, i),
}));
const layers = linearLayers(config);
const adapters = toPeftTensors(
  layers,
  layers.flatMap(({ name, inner, outer }, i) => [
    { name: `${name}.lora_A.weight`, shape: [2, inner], data: normalNumbers([2, inner], 2 * i) },
    { name: `${name}.lora_B.weight`, shape: [outer, 2], data: normalNumbers([outer, 2], 2 * i + 1) },
  ]),
);
const lora = { rank: 2, alpha: 4, dropout: 0.1, targets: targetsOf(config) };

const cardReader = (name: string, card: object): Reader => ({
  ...{ name, file: 'run.json', bytes: json(card), json: true },
  read: async (folder) => {
    const task = await tunedTaskOf(folder);
    if (!task) return folders.readRunCard(folder);
    const tuned = await readTunedCard(folder, task);
    if (tuned.task === 'classify' && tuned.report) classificationTables(tuned.report);
    if (tuned.task === 'tag') for (const one of Object.values(tuned.report ?? {})) spanTables(one);
    await readParts(folder, { ...tuned, splits: {} });
    return tuned;
  },
});

const tokenizerReader = async (spec: string): Promise<Reader> => ({
  ...{ name: `the tokenizer ${spec}`, file: folders.FILES.tokenizer, json: true },
  bytes: json(
    (
      await trainTokenizer(spec, async function* () {
        yield TEXT;
      })
    ).toJSON(),
  ),
  read: async (folder) => {
    const tokenizer = await folders.readTokenizer(folder);
    const ids = tokenizer.encode('the whale');
    if (tokenizer.decode(ids) !== 'the whale') throw new Error('a tokenizer that cuts text short');
    return tokenizer.toJSON();
  },
});

const HF = new URL('../golden/data/hf', import.meta.url).pathname;

function goldenFile(file: string): Buffer {
  const shared = join(HF, file);
  const bytes = readFileSync(existsSync(shared) ? shared : join(HF, 'llama-halves', file));
  return file.endsWith('.json') ? json(JSON.parse(bytes.toString('utf8'))) : bytes;
}

/** A file of a model of others, in a folder whose other files are sound. */
const importReader = (file: string): Reader => ({
  ...{ name: `${file} of a model to import`, file, json: file.endsWith('.json'), bytes: goldenFile(file) },
  read: async (folder) => {
    const [source, out] = [join(folder, 'model of others'), join(folder, 'imported')];
    cpSync(join(HF, 'llama-halves'), source, { recursive: true });
    cpSync(join(HF, 'tokenizer.json'), join(source, 'tokenizer.json'));
    cpSync(join(folder, file), join(source, file));
    rmSync(out, { recursive: true, force: true });
    await importModel(source, out);
    const tokenizer = await folders.readTokenizer(out);
    const text = tokenizer.decode(tokenizer.encode('the whale<|endoftext|>'));
    if (text !== 'the whale<|endoftext|>') throw new Error(`a tokenizer that changes text: ${text}`);
    return folders.readModelConfig(out);
  },
});

/** `metadata` of weights, damaged as JSON in a file that is whole otherwise. */
const metadataReader = (name: string, key: string, value: object, read: (folder: string) => unknown): Reader => ({
  ...{ name, file: 'metadata.json', bytes: json(value), json: true },
  read: async (folder) => {
    const text = (await folders.readRunFile(folder, 'metadata.json')).toString('utf8');
    const metadata = { identity: '{"data":"a"}', progress: '{"step":0,"history":[]}', [key]: text };
    writeFileSync(join(folder, folders.FILES.resume), Buffer.concat(encodeSafetensors(weights, metadata)));
    return read(folder);
  },
});

const weightsReader = (name: string, file: string, pieces: readonly Uint8Array[], read: Reader['read']): Reader => ({
  ...{ name, file, bytes: Buffer.concat(pieces), json: false, read },
});

const textReader = (name: string, file: string, bytes: Buffer, read: (content: string) => unknown): Reader => ({
  ...{ name, file, bytes, json: file.endsWith('.jsonl') },
  read: async (folder) => read(await readText(join(folder, file))),
});

const readWeights = async (folder: string): Promise<unknown> => {
  const file = await folders.readWeights(folder, folders.FILES.last);
  return weights.map(({ name, shape }) => tensorOf(file, name, shape).length);
};

let curves = 0;

/** All of them. */
export const readers = async (): Promise<Reader[]> => [
  cardReader('run.json', {
    ...surroundings,
    config: train,
    dataCard: dataCard(),
    tuning: { 'matmul NN': 'TM=8' },
    tunedFrom: { ...base, method: 'lora' },
  }),
  cardReader('run.json of a classifier', classified),
  cardReader('run.json of a tagger', tagged),
  {
    ...{ name: 'config.json', file: folders.FILES.config, bytes: json(toHuggingFaceConfig(config)), json: true },
    read: async (folder) => {
      const config = await folders.readModelConfig(folder);
      return parameterSpecs(config, styleOf(config)).length;
    },
  },
  {
    ...{ name: 'log.jsonl', file: folders.FILES.log, bytes: jsonl(log), json: true },
    read: async (folder) => {
      const records = await folders.readLog(folder);
      lossCurve(records, 60, 12);
      const data = {
        name: 'a',
        status: 'finished',
        startedAt,
        durationMs: 1,
        plannedSteps: 20,
        train: {},
        samples: [],
        warnings: [],
      } as const;
      const rest = { model: config, parameters: [], adapter: surroundings.adapter, memory: { planned: [] } };
      if (curves++ % 20 === 0) renderReport({ ...data, ...rest, dataCard: dataCard(), log: records }); // it takes a while
      return records.length;
    },
  },
  ...(await Promise.all(['byte', 'char', 'bpe:300'].map(tokenizerReader))),
  {
    ...{ name: 'adapter_config.json', file: folders.FILES.adapterConfig, json: true },
    bytes: json(toPeftConfig(lora, config, '/base')),
    read: (folder) => readAdapterConfig(folder, config),
  },
  weightsReader('weights', folders.FILES.last, sealSafetensors(weights, { state: '{"step":1}' }), readWeights),
  weightsReader('weights without a seal', folders.FILES.last, encodeSafetensors(weights), readWeights),
  weightsReader('adapters', folders.FILES.adapter, encodeSafetensors(adapters), async (folder) => [
    ...fromPeftTensors(await folders.readWeights(folder, folders.FILES.adapter), layers, lora).keys(),
  ]),
  ...['tokenizer.json', 'model.safetensors.index.json', 'model-00002-of-00003.safetensors'].map(importReader),
  metadataReader(
    'the state of a run',
    'state',
    { step: 3, timeMs: 7, bestValidationLoss: 2, bestStep: 2 },
    async (folder) => folders.stateOf(await folders.readWeights(folder, folders.FILES.resume)),
  ),
  metadataReader(
    'the progress of a tuning',
    'progress',
    { step: 4, history: [{ step: 2, loss: 1, best: true, evaluation: { loss: 1, report: spans } }] },
    async (folder) => ({
      ...(await new TuneCheckpoint(folder, { data: 'a' }, true, { evaluation: EVALUATIONS.tag }).read()),
      best: 0,
      part: 0,
    }),
  ),
  metadataReader('the identity of a tuning', 'identity', { data: 'a', deep: { more: [1] } }, (folder) =>
    new TuneCheckpoint(folder, { data: 'a', deep: { more: [1] } }, true).read().then(() => 'read'),
  ),
  {
    ...{
      name: 'a settings file',
      file: 'settings.json',
      bytes: json({ nLayer: 2, learningRate: 1e-3, style: 'llama', bias: true }),
      json: true,
    },
    read: async (folder) =>
      (await planTraining('a', { config: join(folder, 'settings.json'), out: join(folder, 'none') }))?.config,
  },
  textReader('a chat file', 'chat.jsonl', jsonl([...chats, ...chats]), (content) => readChat(content, 'chat.jsonl')),
  textReader('rows of JSON', 'rows.jsonl', jsonl(texts), (content) =>
    readTable(content, 'jsonl', { text: 'text', label: 'label' }),
  ),
  textReader('CSV', 'rows.csv', Buffer.from(writeTable(texts)), (content) =>
    readTable(content, 'csv', { text: 'text', label: 'label' }),
  ),
  textReader(
    'TSV',
    'rows.tsv',
    Buffer.from(
      texts
        .map(({ label }, i) => `${i}\t${label}`)
        .join('\n')
        .replace(/^/, 'text\tlabel\n'),
    ),
    (content) => readTable(content, 'tsv', { text: 'text', label: 'label' }),
  ),
  textReader('CoNLL', 'a.conll', Buffer.from(writeConll(sentences)), (content) =>
    readConll(content, { name: 'a.conll' }),
  ),
  {
    ...{ name: 'what an experiment measured', file: 'measured.jsonl', bytes: jsonl(stored), json: true },
    read: async (folder) => (await TransferStore.open(folder, identity)).records,
  },
  {
    ...{ name: 'measured choices', file: 'tuning/a-test.json', json: true },
    bytes: json({ version: 2, adapter: 'a test', table: { 'matmul NN': 'TM=8' } }),
    read: async (folder) => {
      process.env.DAWNLM_CACHE = folder;
      const notes: string[] = [];
      const table = await readTuning('a test', (sentence) => notes.push(sentence));
      if (notes.length > 0) throw new UserError(notes[0]); // which a run only prints
      return table;
    },
  },
  {
    ...{ name: 'benchmark results', file: 'results.jsonl', bytes: jsonl([recorded, recorded]), json: true },
    read: (folder) => readRecords(join(folder, 'results.jsonl')),
  },
];
