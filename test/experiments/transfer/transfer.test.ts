import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCell, type TransferTask } from '../../../experiments/transfer/cell.ts';
import type { TransferPlan } from '../../../experiments/transfer/plan.ts';
import type { TransferCell } from '../../../experiments/transfer/result.ts';
import { type TransferIdentity, type TransferRecord, TransferStore } from '../../../experiments/transfer/store.ts';
import { summarizeTransfer, type TransferFacts } from '../../../experiments/transfer/summary.ts';
import { runTransfer } from '../../../experiments/transfer/transfer.ts';
import { splitTable } from '../../../src/tasks/classify/data.ts';
import { splitTagFile } from '../../../src/tasks/tag/data.ts';
import type { LabelledText } from '../../../src/text/labels/labelled.ts';
import { trainTokenizer } from '../../../src/text/tokenizers/tokenizer.ts';
import { testEngine } from '../../helpers/engine.ts';
import { smallModel } from '../../helpers/models.ts';
import { inChunks } from '../../text/tokenizers/samples.ts';
import { recall } from '../report/transferResult.ts';

const rows: LabelledText[] = Array.from({ length: 60 }, (_, i) =>
  i % 2 ? { text: `a ship ${i} sank`, label: 'thing' } : { text: `a whale ${i} came`, label: 'animal' },
);
const csv = `text,label\n${rows.map(({ text, label }) => `${text},${label}`).join('\n')}\n`;
const texts: TransferTask = { task: 'classify', ...splitTable(csv, 'pets.csv', { text: 'text', label: 'label' }) };
const conll = Array.from(
  { length: 60 },
  (_, i) => `the O\nship${i % 9} B-NP\nsank O\n${'x'.repeat((i % 7) + 1)} O\n\n`,
);
const names: TransferTask = { task: 'tag', ...splitTagFile(conll.join(''), { path: 'ships.conll' }) };

const plan: TransferPlan = {
  ...{ sizes: [4, 8], all: true, seeds: [1, 2], learners: ['words', 'random', 'full'], tested: 6 },
  ...{ shots: [], prompted: 4, mostSteps: 12, validated: 4, maxTokens: 12 },
};

describe('a training of the experiment', () => {
  it.each([texts, names])('gives the same score twice (%#)', { timeout: 240_000 }, async (task) => {
    const tokenizer = await trainTokenizer('byte', inChunks(csv));
    const base = { model: smallModel(await testEngine(), 'gpt2', { vocabSize: tokenizer.vocabSize }), tokenizer };
    for (const learner of ['majority', 'words', 'random', 'lora'] as const) {
      const key = { task: task.card.name, learner, n: 8, seed: 3 };
      const { seconds: _, ...cell } = await runCell(base, task, key, plan);
      const { seconds: __, ...again } = await runCell(base, task, key, plan);
      expect(again).toEqual(cell);
      expect(cell).toMatchObject(key);
      expect(cell.score).toBeGreaterThanOrEqual(0);
      expect(cell.score).toBeLessThanOrEqual(1);
      if (learner === 'lora') expect(cell.trained! / cell.total!).toBeLessThan(0.5);
    }
  });
});

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-transfer-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const identity: TransferIdentity = {
  ...{
    base: 'abc',
    adapter: 'some',
    tested: 6,
    prompted: 4,
    mostSteps: 12,
    validated: 4,
    maxTokens: 12,
    startedAt: '2020-01-01T00:00:00.000Z',
  },
};
const cell = (learner: TransferCell['learner'], n: number, seed: number, score: number): TransferRecord => ({
  ...{ kind: 'cell', task: 'pets.csv', learner, n, seed, score, seconds: 1 },
});

describe('what was measured', () => {
  it('is found again, but for a line that a kill cut short', async () => {
    const store = await TransferStore.open(folder, identity);
    await store.add(cell('full', 4, 1, 0.5));
    const path = join(folder, 'measured.jsonl');
    const nonsense = ['null', '{"kind":"cell","task":"pets.csv","score":"high"}', '{"kind":"cell","task":"pe'];
    writeFileSync(path, `${readFileSync(path, 'utf8')}${nonsense.join('\n')}`);
    const later = { ...identity, startedAt: '2021-01-01T00:00:00.000Z' };
    const again = await TransferStore.open(folder, later);
    expect(again.records).toEqual([cell('full', 4, 1, 0.5)]);
    expect(again.identity.startedAt).toBe(identity.startedAt);
    await again.add(cell('full', 4, 2, 0.75));
    expect((await TransferStore.open(folder, identity)).records).toHaveLength(2);
  });

  it('is not mixed with what another base, or other settings, gave', async () => {
    await expect(TransferStore.open(folder, { ...identity, base: 'abd' })).rejects.toThrow(/another base model/);
    await expect(TransferStore.open(folder, { ...identity, tested: 7 })).rejects.toThrow(/other settings \(tested\)/);
    await expect(TransferStore.check(folder, { tested: 7 })).rejects.toThrow(/other settings \(tested\)/);
    await expect(TransferStore.check(folder, { tested: 6 })).resolves.toBeUndefined();
    await expect(TransferStore.check(join(folder, 'new'), { tested: 7 })).resolves.toBeUndefined();
    mkdirSync(join(folder, 'broken'));
    writeFileSync(join(folder, 'broken/measured.jsonl'), '{"kind":"ide');
    await expect(TransferStore.open(join(folder, 'broken'), identity)).rejects.toThrow(
      /measured\.jsonl cannot be read/,
    );
  });
});

const facts: TransferFacts = {
  ...{ adapter: { name: 'some', software: true }, startedAt: identity.startedAt, complete: false },
  base: { folder: 'base', sha256: 'abc', parameters: 10, validationLoss: 4, dataCard: {} as never },
};

describe('the experiment', () => {
  const planned: TransferPlan = { ...plan, sizes: [4], all: false, learners: ['majority', 'words', 'random', 'head'] };
  /** Goes on in the folder until a measurement, or a moment after it, that `stopAt` knows; says what was measured, and of how many. */
  const goOn = async (
    at: string,
    stopAt: (done: number) => 'now' | 'soon' | 'never',
    changes: Partial<TransferPlan> = {},
  ) => {
    const tokenizer = await trainTokenizer('byte', inChunks(csv));
    const engine = await testEngine();
    const base = { model: smallModel(engine, 'gpt2', { vocabSize: tokenizer.vocabSize, blockSize: 96 }), tokenizer };
    const store = await TransferStore.open(join(folder, at), identity);
    if (store.records.length === 0) await store.add({ kind: 'recall', result: recall });
    const stop = new AbortController();
    const seen: string[] = [];
    const complete = await runTransfer({
      ...{ engine, base, tasks: [texts], plan: { ...planned, ...changes }, quick: true, store, signal: stop.signal },
      onRecord: (record, done, total) => {
        seen.push(record.kind === 'cell' ? `${record.learner} ${record.seed}, ${done} of ${total}` : record.kind);
        const when = stopAt(done);
        if (when === 'now') stop.abort();
        if (when === 'soon') setTimeout(() => stop.abort()); // heard while the next training waits for the GPU
      },
    });
    return { complete, seen, records: store.records };
  };

  it('measures all that is planned, seed by seed, and goes on where it was stopped', async () => {
    const first = await goOn('stopped', (done) => (done === 3 ? 'now' : 'never'));
    expect(first.complete).toBe(false);
    expect(first.seen).toEqual(['majority 1, 1 of 8', 'words 1, 2 of 8', 'random 1, 3 of 8']);
    const second = await goOn('stopped', () => 'never');
    expect(second.complete).toBe(true);
    expect(second.seen[0]).toBe('head 1, 4 of 8');
    expect(second.seen).toHaveLength(5);
    expect((await goOn('stopped', () => 'never')).seen).toEqual([]);
    const whole = await goOn('whole', () => 'never');
    const scores = (records: readonly TransferRecord[]) =>
      records.map((record) => (record.kind === 'cell' ? record.score : record.kind));
    expect(scores(second.records)).toEqual(scores(whole.records));
  });

  it('prompts once for each number of shots, and again where there are more seeds', async () => {
    const wishes = { learners: [], shots: [0, 1] };
    expect((await goOn('prompted', () => 'never', { ...wishes, seeds: [1] })).seen).toEqual(['prompted', 'prompted']);
    const { seen, records } = await goOn('prompted', () => 'never', { ...wishes, seeds: [1, 2] });
    expect(seen).toEqual(['prompted']);
    const [{ prompted }] = summarizeTransfer(records, [texts], planned, facts).tasks;
    expect(prompted.map(({ shots, scores }) => [shots, scores.length])).toEqual([
      [0, 1],
      [1, 2],
    ]);
  });

  it.each([2, 3])('keeps nothing of a training that is cut short, and fails at nothing (%i)', async (before) => {
    const { complete, seen } = await goOn(`cut-${before}`, (done) => (done === before ? 'soon' : 'never'));
    expect(complete).toBe(false);
    expect(seen).toHaveLength(before);
  });
});

describe('the summary', () => {
  it('compares learners where both were measured with the same seed', () => {
    const records = [
      ...[cell('full', 4, 1, 0.5), cell('full', 4, 2, 0.75), cell('full', 8, 1, 1)],
      ...[cell('random', 4, 2, 0.25), cell('random', 8, 1, 0.5)],
    ];
    const [task] = summarizeTransfer(records, [texts], plan, facts).tasks;
    expect(task.curves.find(({ learner }) => learner === 'full')?.points).toEqual([
      { n: 4, scores: [0.5, 0.75] },
      { n: 8, scores: [1] },
    ]);
    expect(task.pretraining?.gains.map(({ n, gain, seeds }) => [n, gain, seeds])).toEqual([
      [4, 0.5, 1],
      [8, 0.5, 1],
    ]);
    expect(task.pretraining?.labelsNeeded[0]).toMatchObject({ n: 4, bound: 'more than', labels: 8 });
    expect(task).toMatchObject({ metric: 'accuracy', classes: ['animal', 'thing'], overWords: null, loraShare: null });
  });

  it('stands without any measurement', () => {
    const result = summarizeTransfer([], [texts, names], plan, facts);
    expect(result.tasks.map(({ metric }) => metric)).toEqual(['accuracy', 'entity F1']);
    expect(result.tasks.every(({ pretraining }) => pretraining === null)).toBe(true);
  });
});
