import { describe, expect, it } from 'vitest';
import { evaluatePrompting, labelProbabilities } from '../../../src/tasks/prompt/prompt.ts';
import { parseLabelTemplate, verbalizer } from '../../../src/tasks/prompt/template.ts';
import { ByteTokenizer } from '../../../src/text/tokenizers/byteTokenizer.ts';
import { testEngine } from '../../helpers/engine.ts';
import { smallModel } from '../../helpers/models.ts';

const logs = (...probabilities: number[]) => probabilities.map(Math.log);
const rounded = (probabilities: Float64Array) => [...probabilities].map((p) => Number(p.toFixed(12)));

describe('the probabilities of classes', () => {
  it('are those of their words among each other', () => {
    expect(rounded(labelProbabilities(logs(0.02, 0.06)))).toEqual([0.25, 0.75]);
  });

  it('survive words that are hardly ever said', () => {
    expect(rounded(labelProbabilities([-4000, -4000 - Math.log(3)]))).toEqual([0.75, 0.25]);
  });

  it('calibrated are divided by those after a content-free text, and normalized anew', () => {
    // W = diag(1 / p_cf): 0.6 / 0.75 = 0.8 and 0.4 / 0.25 = 1.6
    const calibrated = rounded(labelProbabilities(logs(0.6, 0.4), logs(0.75, 0.25)));
    expect(calibrated).toEqual([Number((1 / 3).toFixed(12)), Number((2 / 3).toFixed(12))]);
    // how likely the two words are together, here or there, says nothing
    expect(rounded(labelProbabilities(logs(0.06, 0.04), logs(0.0075, 0.0025)))).toEqual(calibrated);
  });

  it('of a text that says no more than the content-free one are equal', () => {
    expect(rounded(labelProbabilities(logs(0.5, 0.3, 0.2), logs(0.5, 0.3, 0.2)))).toEqual(
      Array(3).fill(Number((1 / 3).toFixed(12))),
    );
  });
});

describe('prompting a model', async () => {
  const tokenizer = new ByteTokenizer();
  const model = smallModel(await testEngine(), 'gpt2', { vocabSize: tokenizer.vocabSize });
  const pool = Array.from({ length: 20 }, (_, i) => ({ text: 'abcdefghijklmnopqrst'[i], label: 'ab'[i % 2] }));
  const options = {
    ...{ model, tokenizer, template: parseLabelTemplate('{text}={label};'), verbalizer: verbalizer(['a', 'b']), pool },
    ...{ tested: [{ text: 'y', label: 'b' }], shots: 2, seeds: [1, 3], calibrate: true, perToken: false },
  };
  const sureness = (report: { reliability: readonly { confidence: number | null }[] }) =>
    report.reliability.flatMap(({ confidence }) => confidence ?? []);

  it('finds all classes equally likely for the content-free text that it is calibrated on', async () => {
    const tested = [{ text: 'N/A', label: 'b' }];
    const { runs, contentFree } = await evaluatePrompting({ ...options, tested });
    expect(contentFree).toBe('N/A');
    for (const { report } of runs) expect(sureness(report)[0]).toBeCloseTo(0.5, 5);
    const plain = await evaluatePrompting({ ...options, tested, calibrate: false });
    for (const { report } of plain.runs) expect(sureness(report)[0]).toBeGreaterThan(0.5001);
  });

  it('draws other shots with another seed, and asks once where there are none', async () => {
    const { runs } = await evaluatePrompting(options);
    expect(runs.map(({ seed, meanShots }) => [seed, meanShots])).toEqual([
      [1, 2],
      [3, 2],
    ]);
    expect(runs[0].report).not.toEqual(runs[1].report);
    expect((await evaluatePrompting(options)).runs).toEqual(runs);
    expect((await evaluatePrompting({ ...options, shots: 0 })).runs).toHaveLength(1);
  });

  it('refuses more shots than there are examples', async () => {
    await expect(evaluatePrompting({ ...options, shots: 21 })).rejects.toThrow(/only 20 examples can be shown/);
  });
});
