/** Run folders without weights: what cards are made of. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { mobyDick } from '../../../data/moby-dick/recipe.ts';
import { toHuggingFaceConfig } from '../../../src/export/huggingFace.ts';
import type { AuditCard } from '../../../src/report/trust/audit.ts';
import { classificationReport } from '../../../src/tasks/metrics/classification.ts';
import { spanReport } from '../../../src/tasks/metrics/spans.ts';
import { modelConfig, resolveConfig } from '../../../src/train/config.ts';

/** A folder of its own, removed when the file's tests are done. */
export function place(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dawnlm-cards-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const sha256 = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');

/** Writes files, JSON where they are no text. */
export function write(folder: string, files: Readonly<Record<string, unknown>>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

const config = resolveConfig('tiny');
export const model = toHuggingFaceConfig(modelConfig(config, 61));
const adapter = { name: 'an adapter', software: true };
const common = { version: 1, startedAt: '2026-11-28T06:21:54.440Z', adapter };
const base = { folder: '../base', checkpoint: 'best', sha256: sha256('base') };
const counts = { bytes: 1000, characters: 990, trainTokens: 900, validationTokens: 90 };

export const dataCard = {
  ...{ name: 'moby-dick', source: mobyDick.source, licence: mobyDick.licence, sha256: mobyDick.sha256 },
  ...{ tokenizer: 'char', vocabularySize: 61, ...counts },
};

export const textCard = { ...common, config, dataCard };

export const energy = { lowJoules: 100, highJoules: 2000, source: 'nameplate', basis: '2 to 40 W for 50 s' };
export const accounts = {
  cost: { parts: [{ part: 'MLP', operations: 1e9, bytes: 1e6 }], tokens: 7680, timeMs: 3000, stepsMs: 2000, energy },
  health: {
    line: 'sound',
    findings: [
      { name: 'validation-overlap', severity: 'problem', sentence: 'A tenth of it is in both parts.', symptoms: [] },
    ],
    rungs: [{ name: 'bigrams', loss: 2.4, bitsPerByte: 3.1 }],
    measured: [['steps', '30']],
  },
};

export const log = [
  { step: 10, tokens: 2560, timeMs: 1000, loss: 3, validationLoss: 3.2 },
  { step: 20, tokens: 5120, timeMs: 2000, loss: 2.5, validationLoss: 2.6 },
  { step: 30, tokens: 7680, timeMs: 3000, loss: 2.2, validationLoss: 2.9 },
]
  .map((record) => `${JSON.stringify(record)}\n`)
  .join('');

const parts = (files: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(files).map(([file, content]) => [
      file.split('.')[0],
      { examples: 2, file: `splits/${file}`, sha256: sha256(content) },
    ]),
  );

const duplicates = { within: 1, across: 0, conflicting: 2 };
const settings = { method: 'full', steps: 10, batchSize: 2, learningRate: 0.003, seed: 1, status: 'finished' };
const own = { source: '/home/somebody/secret place/mails.csv', licence: "unknown: the user's own file", note: 'Own.' };

const TABLES = {
  'train.csv': 'text,label\na whale,sea\na ship,sea\n',
  'validation.csv': 'text,label\na house,land\na fish,sea\n',
  'test.csv': 'text,label\na tree,land\n"one, two",sea\n',
};

/** A classifier. */
export function classifier(folder: string): string {
  const labels = ['land', 'sea'];
  const report = classificationReport(
    labels,
    [0, 1],
    [
      [0.7, 0.3],
      [0.6, 0.4],
    ],
  );
  const counted = { examples: 2, labels: { land: 1, sea: 1 } };
  return write(folder, {
    'config.json': model,
    'run.json': {
      ...{ ...common, task: 'classify', labels, method: 'full', base, report },
      dataCard: {
        name: '/home/somebody/secret place/mails.csv',
        task: 'classify',
        ...own,
        sha256: sha256('all'),
        duplicates,
        parts: { train: counted, validation: counted, test: counted },
      },
      splits: parts(TABLES),
      settings: { ...settings, pooling: 'mean', temperature: 1 },
    },
    ...Object.fromEntries(Object.entries(TABLES).map(([file, content]) => [`splits/${file}`, content])),
  });
}

const COLUMNS = {
  'train.conll': 'In O\nNew\tYork B-LOC\n\n',
  'validation.conll': 'In O\nRome B-LOC\n\n',
  'test.conll': 'Paris B-LOC\nburns O\n\n',
};

/** A tagger. */
export function tagger(folder: string): string {
  const counted = { examples: 2, words: 4, labels: { LOC: 1 } };
  const report = { test: spanReport([['B-LOC', 'O']], [['O', 'O']]) };
  return write(folder, {
    'config.json': model,
    'run.json': {
      ...{ ...common, task: 'tag', labels: ['O', 'B-LOC'], method: 'lora', base, report },
      dataCard: {
        name: 'cities.conll',
        task: 'tag',
        ...own,
        sha256: sha256('all'),
        duplicates,
        parts: { train: counted, validation: counted, test: counted },
      },
      splits: parts(COLUMNS),
      settings: { ...settings, method: 'lora', bidirectional: false },
    },
    ...Object.fromEntries(Object.entries(COLUMNS).map(([file, content]) => [`splits/${file}`, content])),
  });
}

/** An audit of a text with that hash: English, with three addresses. */
export function auditCard(hash: string): AuditCard {
  const none = { looked: 0, copies: 0, characters: 0, byPart: {}, groups: [] };
  const language = (code: string, name: string, share: number) => ({ code, name, share, line: 1 });
  return {
    name: 'moby-dick',
    parts: [
      {
        ...{ name: 'moby-dick', source: 'here', licence: 'none', use: 'unknown', sha256: hash, documents: 1, bytes: 9 },
        ...{ characters: 9, words: 2, lines: 1, lineEnds: { lf: 1, crlf: 0, cr: 0 }, undetermined: 0 },
        languages: [language('eng', 'English', 0.98), language('lat', 'Latin', 0.02)],
      },
    ],
    lengths: { documents: [], lines: [], longestDocument: 9, longestLine: 9 },
    ...{ encoding: [], boilerplate: { known: [], recurring: [] }, overlaps: [], toxic: [] },
    duplicates: { documents: none, near: none, lines: none, phrases: 0, forgotten: 0 },
    private: [{ kind: 'email', count: 3, parts: { 'moby-dick': 3 }, places: [] }],
    groups: { window: 10, good: 0, bad: 0, groups: [], associations: [] },
  };
}
