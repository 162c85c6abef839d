import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { writeAtomic } from '../../src/node/files.ts';
import type { Classifier } from '../../src/tasks/classify/classifier.ts';
import { tuneClassifier } from '../../src/tasks/classify/classify.ts';
import { keptParts } from '../../src/tasks/data.ts';
import { openClassifier } from '../../src/tasks/finetune.ts';
import { readTunedCard, type TunedCard, writeTuned } from '../../src/tasks/folder.ts';
import { mergeTuned } from '../../src/tasks/text/merge.ts';
import { countTexts } from '../../src/text/labels/taskCard.ts';
import { ByteTokenizer } from '../../src/text/tokenizers/byteTokenizer.ts';
import { saveCheckpoint } from '../../src/train/checkpoint.ts';
import { resolveConfig } from '../../src/train/config.ts';
import { writeRunCard } from '../../src/train/runFolder.ts';
import { linkTo, loadRun } from '../../src/train/savedRun.ts';
import { METHODS, type Method } from '../../src/train/trainable.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { dataCard } from '../helpers/cards.ts';
import { testEngine } from '../helpers/engine.ts';
import { smallModel } from '../helpers/models.ts';
import { animalTexts } from './texts.ts';

const folder = mkdtempSync(join(tmpdir(), 'dawnlm-tuned-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const adapter = { name: 'test', software: true };
const startedAt = new Date(0).toISOString();
const at = (name: string) => join(folder, name);

/** A run of a small model with random weights. */
async function writeBase(name: string, seed: number) {
  const model = smallModel(await testEngine(), 'gpt2', { vocabSize: 256, blockSize: 24 }).initialize(seed);
  const card = { version: 1, config: resolveConfig('tiny'), dataCard: dataCard(), adapter, startedAt } as const;
  await writeRunCard(at(name), card, new ByteTokenizer(), model);
  const trainer = new Trainer(model, resolveConfig('tiny', { batchSize: 1, blockSize: 24 }));
  await saveCheckpoint(at(name), trainer, { step: 0, timeMs: 0, bestValidationLoss: 1, bestStep: 0 }, true);
}

const parts = animalTexts();
const texts = parts.test.map(({ text }) => text);

async function tuneInto(name: string, method: Method) {
  const base = await loadRun(await testEngine(), at('base'));
  const tuned = await tuneClassifier({ base, parts, overrides: { method, steps: 6, evalEvery: 3, batchSize: 8 } });
  const { classifier, labels, settings } = tuned;
  const card: Omit<TunedCard, 'splits'> = {
    ...{ version: 1, task: 'classify', labels, method },
    ...{ base: await linkTo(at('base'), at(name), 'best'), settings: { ...settings }, adapter, startedAt },
    dataCard: {
      ...{ name: 'pets', task: 'classify', source: 'a test', licence: 'none', note: '', sha256: '' },
      ...{ parts: countTexts(parts), duplicates: { within: 0, across: 0, conflicting: 0 } },
    },
  };
  await writeTuned(at(name), card, tuned.tuned, keptParts({ card: card.dataCard, parts }));
  return classifier;
}

const readBack = async (name: string): Promise<Classifier> =>
  openClassifier(await testEngine(), at(name), await readTunedCard(at(name), 'classify'));

it.each(METHODS)('is read back to the bit (%s)', async (method) => {
  await writeBase('base', 1);
  const classifier = await tuneInto(method, method);
  expect(await (await readBack(method)).probabilities(texts)).toEqual(await classifier.probabilities(texts));
});

it('computes the same with its adapters merged into the weights, and needs no base any more', async () => {
  await writeBase('base', 1);
  const whole = await (await tuneInto('low-rank', 'lora')).probabilities(texts);
  await mergeTuned(await testEngine(), at('low-rank'), await readTunedCard(at('low-rank'), 'classify'), at('merged'));
  rmSync(at('base'), { recursive: true });
  const merged = await (await readBack('merged')).probabilities(texts);
  for (const [i, row] of merged.entries()) for (const [j, p] of row.entries()) expect(p).toBeCloseTo(whole[i][j], 5);
  expect(existsSync(join(at('merged'), 'splits/test.csv'))).toBe(true);
});

it('refuses another base than the one that was tuned, or none', async () => {
  await writeBase('base', 1);
  await tuneInto('pets', 'lora');
  await writeBase('base', 2);
  await expect(readBack('pets')).rejects.toThrow(/base has other weights than .*pets was tuned from/);
  rmSync(at('base'), { recursive: true });
  await expect(readBack('pets')).rejects.toThrow(/pets was tuned from the run .*base, which is not there/);
});

it('is told apart from other runs', async () => {
  await writeBase('base', 1);
  await expect(readTunedCard(at('base'), 'classify')).rejects.toThrow(/holds a run that was not tuned to labels/);
  await tuneInto('pets', 'head');
  await expect(readTunedCard(at('pets'), 'tag')).rejects.toThrow(
    /was tuned to classify, .*: use it with dawnlm classify --run/,
  );
  await expect(loadRun(await testEngine(), at('pets'))).rejects.toThrow(
    /was tuned to classify, and a run of dawnlm train/,
  );
  await writeAtomic(join(at('pets'), 'run.json'), '{ "task": "classify", "labels": [], "version": 9 }');
  await expect(readTunedCard(at('pets'), 'classify')).rejects.toThrow(UserError);
});
