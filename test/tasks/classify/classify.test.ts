import { describe, expect, it } from 'vitest';
import { UsageError, UserError } from '../../../src/errors.ts';
import { STYLES } from '../../../src/model/styles.ts';
import { tuneClassifier } from '../../../src/tasks/classify/classify.ts';
import type { ClassifyOverrides } from '../../../src/tasks/classify/settings.ts';
import { ByteTokenizer } from '../../../src/text/tokenizers/byteTokenizer.ts';
import { METHODS } from '../../../src/train/trainable.ts';
import { testEngine } from '../../helpers/engine.ts';
import { smallModel } from '../../helpers/models.ts';
import { animalTexts } from '../texts.ts';

const base = async (style: string = 'gpt2') => ({
  model: smallModel(await testEngine(), style, { vocabSize: 256, blockSize: 24, dropout: 0.1 }),
  tokenizer: new ByteTokenizer(),
});
const OVERRIDES: ClassifyOverrides = { steps: 40, evalEvery: 10, batchSize: 8, learningRate: 1e-2, baseRate: 1 };
const floats = (tensor: { floats(): Promise<Float32Array> }) => tensor.floats();

describe.each(Object.keys(STYLES))('tuning a %s to labels', (style) => {
  it('learns what tells them apart, and leaves the base as it is', async () => {
    const from = await base(style);
    const before = await floats(from.model.parameters.values);
    const tuned = await tuneClassifier({ base: from, parts: animalTexts(), overrides: { ...OVERRIDES, steps: 80 } });
    expect(await floats(from.model.parameters.values)).toEqual(before);
    expect(tuned.report!.accuracy).toBeGreaterThan(0.9);
    expect(tuned.classifier.parts.classes).toEqual(['cat', 'dog']);
    const [cat, dog] = await tuned.classifier.probabilities(['a cat is here', 'a dog is here']);
    expect(cat[0]).toBeGreaterThan(0.5);
    expect(dog[1]).toBeGreaterThan(0.5);
    expect(cat[0] + cat[1]).toBeCloseTo(1);
  });

  it.each(METHODS)(
    'trains nothing but what the method says, and gives the same bits each time (%s)',
    async (method) => {
      const from = await base(style);
      const run = () =>
        tuneClassifier({ base: from, parts: animalTexts(), overrides: { ...OVERRIDES, method, steps: 12 } });
      const [first, second] = [await run(), await run()];
      const { model, head } = first.classifier.parts;
      const names = model.parameters.specs.map(({ name }) => name);
      const moved = new Set<string>();
      for (const name of names) {
        const [was, is] = [await floats(from.model.parameters.get(name)), await floats(model.parameters.get(name))];
        if (is.some((value, i) => value !== was[i])) moved.add(name);
      }
      const last = names.filter((name) => /\.1\.|ln_f|model\.norm/.test(name));
      if (method === 'full') expect(moved.size).toBeGreaterThan(last.length);
      else expect([...moved].sort()).toEqual(method === 'last' ? last.sort() : []);
      const again = second.classifier.parts;
      expect(await floats(again.model.parameters.values)).toEqual(await floats(model.parameters.values));
      expect(await floats(again.head.parameters.values)).toEqual(await floats(head.parameters.values));
      expect(second.report).toEqual(first.report);
      expect(
        first.history.every(({ loss, evaluation }) => Number.isFinite(loss) && Number.isFinite(evaluation.loss)),
      ).toBe(true);
    },
  );
});

describe('tuneClassifier', () => {
  it('keeps the weights of the lowest validation loss, and ends when nothing is better', async () => {
    const overrides = { ...OVERRIDES, steps: 400, evalEvery: 2, patience: 2, learningRate: 0.05 };
    const { status, best, history } = await tuneClassifier({ base: await base(), parts: animalTexts(0.3), overrides });
    expect(status).toBe('early');
    expect(best.evaluation.loss).toBe(Math.min(...history.map(({ evaluation }) => evaluation.loss)));
    expect(history.at(-1)!.step).toBe(best.step + 4);
  });

  it('trains on so many labels as it is told, and validates on no more', async () => {
    const { parts } = await tuneClassifier({
      base: await base(),
      parts: animalTexts(),
      labels: 8,
      overrides: OVERRIDES,
    });
    expect([parts.train.length, parts.validation.length]).toEqual([8, 8]);
  });

  it('makes every class count for the same when told to', async () => {
    const { train, ...held } = animalTexts();
    const few = [
      ...train.filter(({ label }) => label === 'cat'),
      ...train.filter(({ label }) => label === 'dog').slice(0, 2),
    ];
    const tune = async (classWeights: boolean) =>
      tuneClassifier({
        base: await base(),
        parts: { train: few, ...held },
        overrides: { ...OVERRIDES, steps: 10, classWeights },
      });
    const recall = async (classWeights: boolean) =>
      (await tune(classWeights)).report!.perClass.find(({ label }) => label === 'dog')!.predicted;
    expect(await recall(true)).toBeGreaterThan(await recall(false));
  });

  it('saves what was learned when it is stopped, and tests nothing', async () => {
    const controller = new AbortController();
    const onEvent = ({ type }: { type: string }) => type === 'validation' && controller.abort();
    const options = {
      base: await base(),
      parts: animalTexts(),
      overrides: OVERRIDES,
      signal: controller.signal,
      onEvent,
    };
    const { status, best, report } = await tuneClassifier(options);
    expect([status, best.step, report]).toEqual(['stopped', 10, undefined]);
  });

  it('refuses what nothing can be learned from', async () => {
    const parts = animalTexts();
    const from = await base();
    const cats = parts.train.filter(({ label }) => label === 'cat');
    const bird = { text: 'a bird', label: 'bird' };
    const tune = (changed: object, overrides: ClassifyOverrides = OVERRIDES) =>
      tuneClassifier({ base: from, parts: { ...parts, ...changed }, name: 'pets.csv', overrides });
    await expect(tune({ train: cats })).rejects.toThrow(/one class only \("cat"\)/);
    await expect(tune({ train: [] })).rejects.toThrow('pets.csv has no texts to train on');
    await expect(tune({ validation: [] })).rejects.toThrow('pets.csv has no texts to validate on');
    await expect(tune({ test: [bird] })).rejects.toThrow(
      /the test part of pets.csv has the label "bird", which was not in/,
    );
    await expect(tune({ train: [...parts.train, { text: '', label: 'cat' }] })).rejects.toThrow(UserError);
    await expect(tune({}, { randomStart: true, method: 'lora' })).rejects.toThrow(UsageError);
  });
});
