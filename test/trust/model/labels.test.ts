import { describe, expect, it } from 'vitest';
import { Head } from '../../../src/model/heads.ts';
import { LabelBias } from '../../../src/report/trust/bias.ts';
import { Classifier } from '../../../src/tasks/classify/classifier.ts';
import { argmax, wilsonInterval } from '../../../src/tasks/metrics/classification.ts';
import { ByteTokenizer } from '../../../src/text/tokenizers/byteTokenizer.ts';
import { askLabels, shareGap } from '../../../src/trust/bias/labels.ts';
import { swapped, swapWords } from '../../../src/trust/bias/swap.ts';
import { testEngine } from '../../helpers/engine.ts';
import { smallModel } from '../../helpers/models.ts';

describe('a classifier asked by groups', async () => {
  const engine = await testEngine();
  const tokenizer = new ByteTokenizer();
  const model = smallModel(engine, 'gpt2', { vocabSize: tokenizer.vocabSize, blockSize: 32 });
  const head = new Head(engine, model.config.nEmbd, 2).initialize(3);
  head.parameters.values.write((await head.parameters.values.floats()).map((weight) => 80 * weight)); // sure of itself
  const classes = ['no', 'yes'];
  const classifier = new Classifier({ model, head, tokenizer, classes, pooling: 'mean', temperature: 1 });
  const rows = Array.from({ length: 40 }, (_, i) => ({
    text: `${i % 4 === 0 ? 'It' : i % 2 ? 'She' : 'Mary'} is in ${'abcdefghij'[i % 10].repeat(1 + (i % 7))}`,
    label: classes[(i >> 1) % 2],
    group: i % 3 ? 'a' : 'b',
  }));
  const said = async (texts: readonly string[]) =>
    (await classifier.probabilities(texts)).map((row) => classes[argmax(row)]);

  it('has errors and calibration by group, and gaps between them', async () => {
    const found = await askLabels(classifier, rows, { file: 'x.csv', column: 'group', seed: 1 });
    expect(LabelBias.parse(JSON.parse(JSON.stringify(found)))).toEqual(JSON.parse(JSON.stringify(found)));
    const labels = await said(rows.map(({ text }) => text));
    const wrong = rows.map(({ label }, i) => label !== labels[i]);
    const rate = (name?: string): number => {
      const own = wrong.filter((_, i) => name === undefined || rows[i].group === name);
      return own.filter(Boolean).length / own.length;
    };
    expect(found.groups.map(({ name, rows: count }) => [name, count])).toEqual([
      ['all rows', 40],
      ['a', 26],
      ['b', 14],
    ]);
    expect(found.groups.map(({ error }) => error.value)).toEqual([rate(), rate('a'), rate('b')]);
    expect(found.gaps).toHaveLength(1);
    expect(found.gaps[0].error.value).toBeCloseTo(rate('b') - rate('a'), 12);
    expect(found.gaps[0].error.low).toBeLessThan(found.gaps[0].error.value);
    for (const { calibration, labels: byLabel, rows: count } of found.groups) {
      expect(calibration.error.value).toBeGreaterThanOrEqual(Math.abs(calibration.overconfidence.value) - 1e-9);
      expect(calibration.ofTrue.mean).toBeGreaterThan(0);
      expect(byLabel.reduce((sum, one) => sum + one.rows, 0)).toBe(count);
      expect(byLabel.reduce((sum, one) => sum + one.said, 0)).toBe(count);
    }
  });

  it('has no gap that few rows cannot show', () => {
    // Newcombe (1998), table II: 56/70 less 48/80 is 0.2, [0.0524, 0.3339]
    const share = (hits: number, count: number) => {
      const [low, high] = wilsonInterval(hits, count);
      return { value: hits / count, low, high };
    };
    const { value, low, high } = shareGap(share(56, 70), share(48, 80));
    expect([value, low, high].map((one) => one!.toFixed(4))).toEqual(['0.2000', '0.0524', '0.3339']);
    expect(shareGap(share(6, 6), share(520, 594)).low).toBeLessThan(0);
  });

  it('has the labels that flip when words are swapped, beside those of neutral words', async () => {
    const { flips } = await askLabels(classifier, rows, { file: 'x.csv', seed: 1 });
    const texts = rows.map(({ text }) => text).filter((text) => swapped(text) !== text);
    const [before, after] = [await said(texts), await said(texts.map((text) => swapped(text)))];
    const flipped = before.filter((label, i) => label !== after[i]).length;
    expect(flips).toHaveLength(1);
    expect(flips[0]).toMatchObject({ kind: 'sex', rows: 30, flipped });
    expect(flips[0].from.reduce((sum, one) => sum + one.rows, 0)).toBe(flipped);
    const others = await said(texts.map((text) => swapWords(text, 'neutral', 1).text));
    const moved = before.filter((label, i) => label !== others[i]).length;
    expect(flips[0].neutral).toMatchObject({ rows: 30, flipped: moved });
  });

  it('has no flips where no text has such words', async () => {
    const { flips, gaps } = await askLabels(classifier, [rows[0], rows[4]], { file: 'x.csv', seed: 1 });
    expect([flips, gaps]).toEqual([[], []]);
  });
});
