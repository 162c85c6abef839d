import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { decodeSafetensors, encodeSafetensors } from '../../src/export/safetensors.ts';
import { writeAtomic } from '../../src/node/files.ts';
import { tuneClassifier } from '../../src/tasks/classify/classify.ts';
import type { ClassifyOverrides } from '../../src/tasks/classify/settings.ts';
import { EVALUATIONS } from '../../src/tasks/folder.ts';
import { tuneTagger } from '../../src/tasks/tag/tag.ts';
import { TuneCheckpoint } from '../../src/tasks/tuneCheckpoint.ts';
import { ByteTokenizer } from '../../src/text/tokenizers/byteTokenizer.ts';
import { METHODS } from '../../src/train/trainable.ts';
import { testEngine } from '../helpers/engine.ts';
import { smallModel } from '../helpers/models.ts';
import { animalTexts } from './texts.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dawnlm-resume-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const at = (name: string): string => join(scratch, name);
const base = async () => ({
  model: smallModel(await testEngine(), 'gpt2', { vocabSize: 256, blockSize: 24 }),
  tokenizer: new ByteTokenizer(),
});

/** A signal that comes while the first validation after `step` is told of, and a listener for events. */
function stopAfter(step: number) {
  const controller = new AbortController();
  const onEvent = (event: { type: string; step?: number }): void => {
    if (event.type === 'validation' && event.step! >= step) controller.abort();
  };
  return { signal: controller.signal, onEvent };
}

it.each(METHODS)('a tuning that was stopped and resumed equals one that was not, to the bit (%s)', async (method) => {
  const overrides: ClassifyOverrides = {
    method,
    steps: 24,
    evalEvery: 4,
    batchSize: 8,
    learningRate: 1e-2,
    baseRate: 1,
  };
  const tuneWith = async (name: string, resume: boolean, more = {}) => {
    const checkpoint = new TuneCheckpoint(at(name), { overrides }, resume);
    return tuneClassifier({ base: await base(), parts: animalTexts(0.2), overrides, checkpoint, ...more });
  };
  const whole = await tuneWith(`${method}-whole`, false);
  expect((await tuneWith(method, false, stopAfter(8))).status).toBe('stopped');
  const resumed = await tuneWith(method, true);
  expect(resumed.history).toEqual(whole.history);
  expect(resumed.report).toEqual(whole.report);
  const weights = ({ model, head }: typeof whole.classifier.parts) =>
    Promise.all([model, head].map(({ parameters }) => parameters.values.floats()));
  expect(await weights(resumed.classifier.parts)).toEqual(await weights(whole.classifier.parts));
});

/** A signal that comes when so many steps are done. */
function stopAt(steps: number): AbortSignal {
  let looks = 0; // one before each step
  return {
    get aborted() {
      return looks++ >= steps;
    },
    reason: 143,
  } as AbortSignal;
}

it('a tuning that was stopped anywhere goes on from there: before its first step and validation, and between two', async () => {
  const overrides: ClassifyOverrides = { steps: 16, evalEvery: 5, batchSize: 8, learningRate: 1e-2, baseRate: 1 };
  const tuneWith = async (resume: boolean, signal?: AbortSignal) => {
    const checkpoint = new TuneCheckpoint(at('anywhere'), { overrides }, resume);
    const { classifier, ...tuned } = await tuneClassifier({
      ...{ base: await base(), parts: animalTexts(0.2), overrides, checkpoint, signal },
    });
    const { model, head } = classifier.parts;
    const weights = await Promise.all([model, head].map(({ parameters }) => parameters.values.floats()));
    return { ...tuned, weights };
  };
  const savedAt = async () => (await new TuneCheckpoint(at('anywhere'), { overrides }, true).read())?.step;
  const whole = await tuneWith(false);
  const early = tuneWith(false, stopAt(0));
  await expect(early).rejects.toThrow('the tuning was stopped before its first step: nothing was learned');
  await expect(early).rejects.toMatchObject({ exitCode: 143 });
  expect(await savedAt()).toBe(0);
  let done = 0;
  for (const steps of [3, 1, 4, 0, 5]) {
    done += steps;
    const { status, history } = await tuneWith(true, stopAt(steps));
    expect([status, await savedAt(), history.at(-1)!.step]).toEqual(['stopped', done, done]);
  }
  const resumed = await tuneWith(true);
  expect(resumed.history).toEqual(whole.history);
  expect(resumed.report).toEqual(whole.report);
  expect(resumed.weights).toEqual(whole.weights);
});

it('a tagger goes on as well', async () => {
  const sentence = (i: number) => ({ words: ['the', `cat${i % 5}`, `sat${i % 3}`], tags: ['O', 'B-PET', 'O'] });
  const sentences = (count: number) => Array.from({ length: count }, (_, i) => sentence(i * 7));
  const parts = { train: sentences(12), validation: sentences(5), test: sentences(6) };
  const overrides = { steps: 16, evalEvery: 4, batchSize: 4, learningRate: 1e-2, baseRate: 1 };
  const tuneWith = async (name: string, resume: boolean, more = {}) => {
    const checkpoint = new TuneCheckpoint(at(name), { overrides }, resume);
    return tuneTagger({ base: await base(), parts, overrides, checkpoint, ...more });
  };
  const whole = await tuneWith('tag-whole', false);
  await tuneWith('tag', false, stopAfter(4));
  const resumed = await tuneWith('tag', true);
  expect(resumed.history).toEqual(whole.history);
  expect(resumed.report).toEqual(whole.report);
});

const seen = { step: 2, loss: 1, best: true, evaluation: { loss: 1, accuracy: 0.5 } };
it.each<[string, object, string]>([
  ['no history', { step: 4 }, 'history must be a list; it is missing'],
  [
    'an evaluation of another task',
    { step: 4, history: [{ ...seen, evaluation: {} }] },
    'history[0].evaluation.loss must',
  ],
  [
    'a share of two',
    { step: 4, history: [{ ...seen, evaluation: { loss: 1, accuracy: 2 } }] },
    'accuracy must be a number from',
  ],
  [
    'nothing that was best',
    { step: 4, history: [{ ...seen, best: false }] },
    'history must go up to the step, and begin with',
  ],
  ['steps that are still to come', { step: 1, history: [seen] }, 'history must go up to the step'],
  [
    'more steps than are counted',
    { step: 2 ** 32, history: [] },
    'step must be a whole number from 0 to below 4,294,967,296',
  ],
])('refuses a progress with %s', async (_, progress, sentence) => {
  const metadata = { identity: '{}', progress: JSON.stringify(progress) };
  await writeAtomic(join(at('odd'), 'resume.safetensors'), Buffer.concat(encodeSafetensors([], metadata)));
  const read = () => new TuneCheckpoint(at('odd'), {}, true, { evaluation: EVALUATIONS.classify }).read();
  await expect(read()).rejects.toThrow(UserError);
  await expect(read()).rejects.toThrow(sentence);
});

it('refuses best weights that are not those of what is tuned', async () => {
  const overrides = { steps: 4, evalEvery: 2, batchSize: 4 };
  const tuneWith = async (resume: boolean, more = {}) => {
    const checkpoint = new TuneCheckpoint(at('swapped'), {}, resume);
    return tuneClassifier({ base: await base(), parts: animalTexts(), overrides, checkpoint, ...more });
  };
  await tuneWith(false, stopAfter(2));
  const path = join(at('swapped'), 'resume.safetensors');
  const { tensors, metadata } = decodeSafetensors(readFileSync(path), path);
  const all = [...tensors].filter(([name]) => name !== 'best weights 0').map(([name, one]) => ({ name, ...one }));
  const { dawnlm_sha256, ...rest } = metadata;
  await writeAtomic(path, encodeSafetensors(all, rest));
  await expect(tuneWith(true)).rejects.toThrow('the checkpoint holds other best weights than are tuned');
});

it('refuses to go on with something else, from nothing, and from what is no checkpoint', async () => {
  const checkpoint = new TuneCheckpoint(at('own'), { data: 'a', labels: 8 }, false);
  await checkpoint.write({ step: 4, history: [], best: [new Float32Array(2)] }, { tensors: [] });
  const other = (identity: object) => new TuneCheckpoint(at('own'), { ...identity }, true).read();
  await expect(other({ data: 'b', labels: 8 })).rejects.toThrow(/otherwise, "data" is not the same/);
  await expect(other({ data: 'a' })).rejects.toThrow(/otherwise, "labels" is not the same/);
  expect(await other({ data: 'a', labels: 8, seed: undefined })).toMatchObject({
    step: 4,
    best: [new Float32Array(2)],
  });
  await checkpoint.remove();
  expect(existsSync(join(at('own'), 'resume.safetensors'))).toBe(false);
  await expect(other({ data: 'a', labels: 8 })).rejects.toThrow(/no tuning that was stopped/);
  const metadata = { identity: '{"data":"a","labels":8}', progress: '{"step":"x"}' };
  await writeAtomic(join(at('own'), 'resume.safetensors'), encodeSafetensors([], metadata));
  await expect(other({ data: 'a', labels: 8 })).rejects.toThrow('progress) is damaged: step must be a whole number');
  writeFileSync(join(at('own'), 'resume.safetensors'), 'no');
  await expect(other({ data: 'a', labels: 8 })).rejects.toThrow(/resume.safetensors/);
});
