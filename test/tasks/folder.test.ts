import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { toHuggingFaceConfig } from '../../src/export/huggingFace.ts';
import { encodeSafetensors } from '../../src/export/safetensors.ts';
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
import { type TunedFrom, weightsOf, writeRunCard } from '../../src/train/runFolder.ts';
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
async function writeBase(name: string, seed: number, tunedFrom?: TunedFrom) {
  const model = smallModel(await testEngine(), 'gpt2', { vocabSize: 256, blockSize: 24 }).initialize(seed);
  const config = resolveConfig('tiny', { blockSize: 24 });
  const card = { version: 1, config, dataCard: dataCard(), adapter, startedAt, tunedFrom } as const;
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
      ...{ name: 'pets', task: 'classify', source: 'a test', licence: 'none', note: '', sha256: '00'.repeat(32) },
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

it('names in its folder lead to nothing else: merging copies what was tuned on, or nothing', async () => {
  await writeBase('base', 1);
  await tuneInto('traitor', 'lora');
  const card = await readTunedCard(at('traitor'), 'classify');
  const merge = async () => mergeTuned(await testEngine(), at('traitor'), card, at('loot'));
  await writeAtomic(at('secret.txt'), 'a secret');
  rmSync(join(at('traitor'), 'splits/train.csv'));
  symlinkSync(at('secret.txt'), join(at('traitor'), 'splits/train.csv'));
  await expect(merge()).rejects.toThrow(/splits\/train\.csv is damaged: it is not what was tuned on/);
  const split = { ...card.splits.train, file: '../secret.txt' };
  await writeAtomic(join(at('traitor'), 'run.json'), JSON.stringify({ ...card, splits: { train: split } }));
  await expect(readTunedCard(at('traitor'), 'classify')).rejects.toThrow(
    'splits.train.file must be the name of a file in splits/; got "../secret.txt"',
  );
  expect(existsSync(at('loot'))).toBe(false);
});

it('runs that were tuned from themselves, directly or not, are refused', async () => {
  await writeBase('circle', 1);
  const hash = (await linkTo(at('circle'), folder, 'best')).sha256;
  const from = (base: string): TunedFrom => ({ folder: base, checkpoint: 'best', sha256: hash, method: 'lora' });
  await writeBase('circle', 1, from('../circle'));
  await expect(loadRun(await testEngine(), at('circle'))).rejects.toThrow('in a circle there is no model');
  await writeBase('circle', 1, from('../round'));
  await writeBase('round', 1, from('../round/../circle'));
  await expect(loadRun(await testEngine(), at('circle'))).rejects.toThrow(/round was tuned from .*circle, which was/);
});

it('weights that another program saved again, without our metadata, are read; a flipped bit in ours is not', async () => {
  await writeBase('base', 1);
  const { model, state } = await loadRun(await testEngine(), at('base'));
  expect(state?.step).toBe(0);
  const weights = await weightsOf(model.parameters);
  writeFileSync(join(at('base'), 'best.safetensors'), Buffer.concat(encodeSafetensors(weights)));
  const again = await loadRun(await testEngine(), at('base'));
  expect(again.state).toBeUndefined();
  expect(await weightsOf(again.model.parameters)).toEqual(weights);
  const bias = (value: number) => ({
    name: 'transformer.ln_f.bias',
    shape: [24],
    data: new Float32Array(24).fill(value),
  });
  const withBias = (value: number) =>
    Buffer.concat(encodeSafetensors([...weights.filter(({ name }) => !name.endsWith('.bias')), bias(value)]));
  const bare = { ...toHuggingFaceConfig(model.config), bias: false };
  writeFileSync(join(at('base'), 'config.json'), JSON.stringify(bare));
  writeFileSync(join(at('base'), 'best.safetensors'), withBias(0));
  await loadRun(await testEngine(), at('base'));
  writeFileSync(join(at('base'), 'best.safetensors'), withBias(1));
  await expect(loadRun(await testEngine(), at('base'))).rejects.toThrow(
    '"transformer.ln_f.bias", and its model is one',
  );
  const last = join(at('base'), 'model.safetensors');
  const bytes = readFileSync(last);
  bytes[bytes.length - 100] ^= 4;
  writeFileSync(last, bytes);
  await expect(loadRun(await testEngine(), at('base'), 'last')).rejects.toThrow(/base\/model\.safetensors is damaged/);
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
    /was tuned to classify, .*: use it with npx dawnlm classify --run/,
  );
  await expect(loadRun(await testEngine(), at('pets'))).rejects.toThrow(
    /was tuned to classify, and a run of dawnlm train/,
  );
  await writeAtomic(join(at('pets'), 'run.json'), '{ "task": "classify", "labels": [], "version": 9 }');
  await expect(readTunedCard(at('pets'), 'classify')).rejects.toThrow(UserError);
});
