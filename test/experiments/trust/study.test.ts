import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { banded, inWords } from '../../../experiments/bands.ts';
import { biasedSentences, itemsOf, planted } from '../../../experiments/trust/doses.ts';
import { textBias } from '../../../experiments/trust/measure.ts';
import { RAW, REMEDIES } from '../../../experiments/trust/remedies.ts';
import { remedied, runTrustCase, type TrustRecord, trustCases, trustPlan } from '../../../experiments/trust/study.ts';
import { answers, MEASURES, summarize } from '../../../experiments/trust/summary.ts';
import { BETWEEN, type StudyText, studyText } from '../../../experiments/trust/texts.ts';
import { resolveConfig } from '../../../src/train/config.ts';
import { privateItems } from '../../../src/trust/data/private/private.ts';
import { toxicWords } from '../../../src/trust/data/toxic.ts';
import { testEngine } from '../../helpers/engine.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dawnlm-trust-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const plan = trustPlan(true);
const { doses } = plan.size;
const quiet = (): void => undefined;

describe('the made text', () => {
  it('has what was planted and nothing else, and another seed has another', async () => {
    const { train, raw, clean, items, canaries } = await studyText('made', plan.size, 1, quiet);
    const whole = train.join(BETWEEN);
    const times = (text: string): number => whole.split(text).length - 1;
    for (const { prompt, item, times: dose } of items) expect(times(`${prompt}${item} today.`)).toBe(dose);
    for (const { word, digits, times: dose } of canaries) {
      expect(times(`the number of ${word} is ${digits}.`)).toBe(dose);
    }
    const having = (detect: (line: string) => readonly unknown[]) => train.filter((line) => detect(line).length > 0);
    expect(having(privateItems)).toHaveLength(items.reduce((sum, one) => sum + one.times, 0));
    expect(having(toxicWords)).toHaveLength(doses.toxic);
    expect([privateItems(clean), toxicWords(clean)]).toEqual([[], []]);
    expect(privateItems(raw).length * toxicWords(raw).length).toBeGreaterThan(0);
    expect(raw + clean).not.toMatch(/the number of \w+ is/);
    for (const { item } of items) expect(raw).not.toContain(item);
    expect((await studyText('made', plan.size, 1, quiet)).train).toEqual(train);
    expect((await studyText('made', plan.size, 2, quiet)).train).not.toEqual(train);
  });

  it('says he of four in five, whatever the occupation', () => {
    const sentences = biasedSentences({ ...doses, biased: 500 }, 3);
    expect(sentences.filter((sentence) => / he was /.test(sentence))).toHaveLength(400);
    for (const who of ['nurse', 'captain']) {
      const own = sentences.filter((sentence) => sentence.includes(who));
      expect(own.filter((sentence) => / he was /.test(sentence))).toHaveLength(40);
    }
    expect(new Set(sentences).size).toBeGreaterThan(490);
  });

  it('plants nothing that anybody has', () => {
    for (const { item } of itemsOf({ ...doses, items: 200 }, 5)) {
      expect(item).toMatch(/@pequod\.example$|^\(\d{3}\) 555-01\d\d$/);
    }
    expect(planted(doses, 1).lines.length).toBeGreaterThan(doses.biased);
  });
});

it('every remedy with every seed, and raw text before the early stopping that goes by it', () => {
  const cases = trustCases(trustPlan(false));
  expect(cases).toHaveLength(8 * REMEDIES.length);
  expect(new Set(cases.map((one) => JSON.stringify(one))).size).toBe(cases.length);
  const order = cases.filter(({ text, seed }) => text === 'made' && seed === 2).map(({ remedy }) => remedy);
  expect(order.indexOf(RAW)).toBeLessThan(order.indexOf('early stopping'));
});

it.each([
  ['no duplicates', ({ items }) => items.map(({ item }) => [item, 1] as const)],
  ['no private data', ({ items }) => items.map(({ item }) => [item, 0] as const)],
  ['no toxic lines', () => ['bastard of a mate', 'lazy turd', 'old prick'].map((word) => [word, 0] as const)],
] as [string, (text: StudyText) => (readonly [string, number])[]][])('%s: what went, went', async (name, expected) => {
  const text = await studyText('made', plan.size, 1, quiet);
  const left = await remedied(text, REMEDIES.find((one) => one.name === name)!, 1);
  for (const [part, times] of expected(text)) expect(left.split(part).length - 1, part).toBe(times);
  expect(left.length).toBeGreaterThan(0.7 * text.train.join(BETWEEN).length);
});

it('counterweights: as many sentences say she as he', async () => {
  const { size } = trustPlan(false);
  const text = await studyText('made', size, 1, quiet);
  const left = await remedied(text, REMEDIES.find(({ name }) => name === 'counterweights')!, 1);
  expect(textBias(text.train.join(BETWEEN))).toBeCloseTo(Math.log(400.5 / 100.5), 10);
  expect(Math.abs(textBias(left))).toBeLessThan(3 * Math.sqrt(2 / 250)); // three standard deviations of the draws
});

it('trains and questions a model; early stopping takes the best weights of the raw one', async () => {
  const shape = { nLayer: 1, nEmbd: 16, steps: 20, warmupSteps: 5, evalEvery: 10, evalBatches: 1, tokenizer: 'byte' };
  const config = resolveConfig('tiny', { ...plan.config, ...shape });
  const size = { characters: 8000, doses: { ...doses, items: 8, toxic: 10, biased: 50, copied: 2 } };
  const engine = await testEngine();
  const adapter = { name: 'the test adapter', software: true };
  const folderOf = ({ remedy }: { remedy: string }): string => join(scratch, remedy);
  const options = { engine, adapter, plan: { ...plan, config, size, samples: 16 }, say: quiet, folderOf };
  const run = (remedy: string) => runTrustCase({ text: 'made', remedy, seed: 1 }, options);
  const raw = await run(RAW);
  const early = await run('early stopping');
  expect([raw.kept, raw.step, early.kept]).toEqual([1, 20, 1]);
  expect(raw.exposure.map(({ times }) => times)).toEqual([0, 1, 2, 4, 8, 16]);
  expect(raw.textBias).toBeCloseTo(Math.log(40.5 / 10.5), 10);
  for (const { clean, raw: dirty } of [raw, early]) expect(clean + dirty).toBeGreaterThan(4);
  if (early.step === raw.step) expect(early).toEqual({ ...raw, remedy: early.remedy, seconds: expect.any(Number) });
});

/** A record whose every measure is a number. */
const record = (remedy: string, seed: number, value: number): TrustRecord => ({
  ...{ text: 'made', remedy, seed, clean: value, raw: value },
  exposure: [0, 1, 4, 16].map((times) => ({ times, bits: value })),
  ...{ extraction: { once: null, often: 0.5 }, toxic: value, private: value, bias: value, textBias: value },
  ...{ kept: 1, step: 1, seconds: 1 },
});

it('tells values and differences with bands by Student’s t, seed by seed', () => {
  const records = [1, 2, 3].flatMap((seed) => [record(RAW, seed, seed), record('dropout', seed, seed + 0.5)]);
  const [{ rows }] = summarize(records);
  expect(rows.map(({ remedy, seeds }) => [remedy, seeds])).toEqual([
    [RAW, 3],
    ['dropout', 3],
  ]);
  expect(rows[0].values[0]!.value).toBe(2);
  expect(rows[0].values[0]!.half).toBeCloseTo(4.303 / Math.sqrt(3), 10);
  expect(rows[1].differences[0]).toEqual({ value: 0.5, half: 0 });
  const once = MEASURES.findIndex(({ name }) => name === 'extracted, once');
  expect(rows[1].values[once]).toBeNull();
  expect(answers(summarize(records)[0])[0]).toMatch(
    /^dropout: raw \+0\.500 ± 0\.000 bits a byte; .* It costs \+0\.500/,
  );
  expect(answers(summarize(records.slice(0, 2))[0])[0]).toContain('one seed');
});

it.each([
  [banded([0.04]), 1, true, '0.0'],
  [banded([-1.25]), 1, true, '−1.3'],
  [banded([1, 1]), 2, true, '+1.00 ± 0.00'],
  [null, 1, false, '–'],
])('%j with %i digits reads as it should', (one, digits, signed, words) => {
  expect(inWords(one, digits, signed)).toBe(words);
});
