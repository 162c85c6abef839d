import { beforeAll, describe, expect, it } from 'vitest';
import { shortRun } from '../../../src/health/shortRun.ts';
import { Scorer } from '../../../src/model/score.ts';
import { BiasFindings, type Estimate, type PairFindings } from '../../../src/report/trust/bias.ts';
import { banded } from '../../../src/report/trust/biasWords.ts';
import { shuffled } from '../../../src/text/labels/labelled.ts';
import { ByteTokenizer } from '../../../src/text/tokenizers/byteTokenizer.ts';
import { resolveConfig } from '../../../src/train/config.ts';
import { textMaterial } from '../../../src/train/run/material.ts';
import { openingTokens } from '../../../src/train/samples.ts';
import type { SavedRun } from '../../../src/train/savedRun.ts';
import { askBias } from '../../../src/trust/bias/bias.ts';
import { readOwnPairs } from '../../../src/trust/bias/ownPairs.ts';
import { SentenceScorer } from '../../../src/trust/bias/score.ts';
import { swapped } from '../../../src/trust/bias/swap.ts';
import { type PairGroup, SHE_HE } from '../../../src/trust/bias/templates.ts';
import { testEngine } from '../../helpers/engine.ts';
import { smallModel } from '../../helpers/models.ts';

const engine = await testEngine();

const HERS = ['nurse', 'teacher', 'cleaner', 'dancer'];
const HIS = ['engineer', 'captain', 'farmer', 'judge'];
const TEMPLATES = ['The {filler} said {side} was ready.', 'The {filler} knew {side} was late.'];
const group = (name: string, fillers: string[]): PairGroup => ({
  name,
  contrast: SHE_HE,
  templates: TEMPLATES,
  fillers,
});
const GROUPS = [group('hers', HERS), group('his', HIS), group('all', [...HERS, ...HIS, 'sailor'])];

/** A made text: of five sentences about each occupation four have the one pronoun, one has the other. In an order by the seed. */
function biasedText(seed: number): string {
  const said = (filler: string, sides: string[]) =>
    TEMPLATES.flatMap((template) =>
      sides.map((side) => `${template.replace('{filler}', filler).replace('{side}', side)}\n`),
    );
  const sentences = [
    ...HERS.flatMap((filler) => said(filler, ['she', 'she', 'she', 'she', 'he'])),
    ...HIS.flatMap((filler) => said(filler, ['he', 'he', 'he', 'he', 'she'])),
  ];
  return shuffled(Array.from({ length: 12 }, () => sentences).flat(), seed).join('');
}

/** Trains a tiny model on a text, and asks it. */
async function biasOf(text: string): Promise<BiasFindings> {
  const learning = { optimizer: 'muon', muonFactor: 1, learningRate: 1e-2, minLearningRate: 0, steps: 250 } as const;
  const settings = {
    ...learning,
    style: 'llama',
    nLayer: 1,
    tokenizer: 'bpe:400',
    blockSize: 16,
    batchSize: 16,
    seed: 5,
  };
  const config = resolveConfig('tiny', settings);
  const bytes = async function* () {
    yield new TextEncoder().encode(text);
  };
  const material = await textMaterial({ name: 'made', source: 'made', licence: 'none', bytes }, config);
  const { model } = await shortRun({ engine, config, material, steps: config.steps });
  const run = { model, tokenizer: material.tokenizer } as unknown as SavedRun;
  const own = readOwnPairs('more,less\nThe nurse knew she was late.,The nurse knew he was late.\n', 'own.csv');
  let findings: BiasFindings = {};
  const asked = { run, dataset: material.dataset, seed: 1 };
  for await (const found of askBias(asked, { groups: GROUPS, own: { ...own, file: 'own.csv' } })) findings = found;
  return findings;
}

const holds = ({ low, high }: Estimate, value: number): boolean => low! <= value && value <= high!;

const overlap = (a: Estimate, b: Estimate): boolean => a.low! <= b.high! && b.low! <= a.high!;

describe('a text of four to one', () => {
  const text = biasedText(3);
  let raw: BiasFindings;
  let balanced: BiasFindings;
  const pairs = (findings: BiasFindings): PairFindings[] => findings.pairs!;

  beforeAll(async () => {
    raw = await biasOf(text);
    const sentences = text.split('\n').filter(Boolean);
    balanced = await biasOf(sentences.flatMap((one) => [`${one}\n`, `${swapped(one)}\n`]).join(''));
    for (const { name, word, text: counts } of [...pairs(raw), ...pairs(balanced)]) {
      console.log(`${name}: model ${banded(word)}, text ${banded(counts.same.logRatio)}`);
    }
  }, 300_000);

  it("gives the model that bias, by the word given what is before it, whose band meets that of the text's own counts", () => {
    const [hers, his, all] = pairs(raw);
    for (const [found, bias] of [
      [hers, Math.log(4)],
      [his, -Math.log(4)],
    ] as const) {
      expect(holds(found.text.same.logRatio, bias)).toBe(true);
      expect(overlap(found.word, found.text.same.logRatio), JSON.stringify([found.word, found.text.same])).toBe(true);
      expect(Math.abs(found.word.value - bias)).toBeLessThan(0.5); // what 250 steps leave to chance
      expect(found.word.low! * found.word.high!).toBeGreaterThan(0); // the band leaves no doubt of its sign
    }
    expect([hers.likelier.value, his.likelier.value]).toEqual([1, 0]);
    expect(hers.text.near).toEqual(hers.text.same); // there are no other sentences
    expect(all.correlation.near.r!.low).toBeGreaterThan(0.8);
    expect(all.leftOut).toEqual([{ words: ['sailor'], why: 'the training text never has them' }]);
  });

  it('with its swapped sentences beside them gives none', () => {
    for (const { word, text: counts } of pairs(balanced)) {
      expect(holds(counts.same.logRatio, 0)).toBe(true);
      expect(holds(counts.same.logRatio, word.value), JSON.stringify([word, counts.same])).toBe(true);
      expect(Math.abs(word.value)).toBeLessThan(0.2); // of 1.39
    }
  });

  it("is seen by a user's own pairs as well", () => {
    const [own] = raw.own!.groups;
    const nurse = pairs(raw)[0].fillers.find(({ filler }) => filler === 'nurse')!;
    expect(own.pairs).toBe(1);
    expect(own.word.low).toBeNull();
    expect(Math.abs(own.word.value - nurse.word)).toBeLessThan(0.5);
    expect(own.sentence.value).toBeGreaterThan(0.5);
  });

  it('is kept as plain data', () => {
    expect(BiasFindings.parse(JSON.parse(JSON.stringify(raw)))).toEqual(JSON.parse(JSON.stringify(raw)));
  });
});

describe('the scores of sentences', () => {
  const tokenizer = new ByteTokenizer();
  const model = smallModel(engine, 'gpt2', { vocabSize: tokenizer.vocabSize, blockSize: 16 });
  const scorer = new SentenceScorer(model, tokenizer);
  const direct = new Scorer(model);
  const open = openingTokens(tokenizer);

  it('are those of a word that ends, summed over all that may follow it', async () => {
    const [{ word }] = await scorer.score([{ context: 'It is', word: ' he', rest: ' who' }]);
    const prompt = [...open, ...tokenizer.encode('It is')];
    const said = tokenizer.encode(' he');
    const enders = Array.from({ length: tokenizer.vocabSize }, (_, id) => id).filter((id) => {
      const letter = String.fromCharCode(id);
      return id < 0x80 ? !/[A-Za-z]/.test(letter) : id === 0xe2;
    });
    const [all] = await direct.score([{ prompt, continuations: enders.map((id) => [...said, id]) }]);
    expect(word).toBeCloseTo(Math.log(all.reduce((sum, one) => sum + Math.exp(one.sum), 0)), 4);
  });

  it('of whole sentences begin with the token that begins texts', async () => {
    const [{ sentence }] = await scorer.score([{ context: 'So', word: ' he', rest: ' ran.' }]);
    const [[whole]] = await direct.score([{ prompt: open, continuations: [tokenizer.encode('So he ran.')] }]);
    expect(sentence).toBeCloseTo(whole.sum, 4);
  });

  it('of what is longer than the context are those of its pieces, each after as much as fits', async () => {
    const text = 'It was the best of times, it was the worst of times.';
    const ids = [...open, ...tokenizer.encode(text)];
    const [{ sentence }] = await scorer.score([{ context: '', word: 'It', rest: text.slice(2) }]);
    // token by token: half a context of them after what fits before the last of the half
    const questions = ids.slice(1).map((id, k) => {
      const at = 1 + 8 * Math.floor(k / 8);
      const end = Math.min(at + 8, ids.length);
      return { prompt: ids.slice(Math.max(0, end - 17), 1 + k), continuations: [[id]] };
    });
    const scores = await direct.score(questions);
    const sum = scores.reduce((all, [{ sum: one }]) => all + one, 0);
    expect(Math.abs(sentence - sum) / Math.abs(sum)).toBeLessThan(1e-5);
  });

  it('are the same alone and among others', async () => {
    const sentences = ['he', 'she', 'a longer one', 'x'].map((word) => ({
      context: 'So',
      word: ` ${word}`,
      rest: '.',
    }));
    const together = await scorer.score(sentences);
    for (const [i, one] of sentences.entries()) {
      const [alone] = await scorer.score([one]);
      expect(alone.word).toBeCloseTo(together[i].word, 4);
    }
  });
});
