import { expect, it } from 'vitest';
import { writeFile } from '../../data/typescript/files.ts';
import { judgeCode } from '../../data/typescript/judge.ts';
import { askedModel } from '../../src/tasks/domain.ts';
import { trainTokenizer } from '../../src/text/tokenizers/tokenizer.ts';
import { resolveConfig } from '../../src/train/config.ts';
import { testEngine } from '../helpers/engine.ts';
import { smallModel } from '../helpers/models.ts';
import { inChunks } from '../text/tokenizers/samples.ts';

/** Files of one line over and over, but for what is tested on last: there the line is another. */
const file = (name: string, line: string, times: number): string =>
  writeFile({ name, text: `start();\n${`${line}\n`.repeat(times)}` });
const PARTS = {
  train: file('a.ts', '  work();', 60) + file('b.ts', '  work();', 30),
  validation: file('c.ts', '  work();', 10),
  test: file('d.ts', '  work();', 9) + file('e.ts', '  rest();', 9),
};

it('code is judged beside n-grams and copies, and a model that fills no holes by what it writes at the end', async () => {
  const tokenizer = await trainTokenizer('bpe:270', inChunks(PARTS.train));
  const sizes = { vocabSize: tokenizer.vocabSize, blockSize: 96 };
  const model = smallModel(await testEngine(), 'llama', sizes);
  const asked = (fillInMiddle: number) => {
    const run = { model, tokenizer, config: resolveConfig('tiny', { fillInMiddle }) };
    return askedModel(run, { parts: PARTS, seed: 0, quick: true, say: () => undefined });
  };
  const { scores, pictures, notes } = await judgeCode(asked(0.5));
  const [exact, similar, parses, loss] = scores;
  const of = ({ baselines }: (typeof scores)[number], name: string) =>
    baselines.find((one) => one.name === name)!.value;
  // two files, each of a first line and nine more
  expect(of(exact, 'commonest line')).toBe(45);
  expect(of(exact, 'line before')).toBe(80); // all but the first two of each
  expect(of(exact, 'line after the same line')).toBe(55); // the first of each, and those of the file that is like the others
  expect(of(exact, '8-grams')).toBe(45); // what begins a file they do not know, for its name is no part of it
  expect([of(exact, 'nothing'), of(similar, 'nothing')]).toEqual([0, 0]);
  expect(of(similar, 'commonest line')).toBeGreaterThan(45);
  for (const name of ['nothing', 'line before', 'commonest line']) expect(of(parses, name)).toBe(100);
  expect(exact.value).toBeLessThan(100);
  expect(of(loss, '8-grams')).toBeLessThan(loss.value); // of a model that was never trained
  expect(pictures).toHaveLength(12);
  expect(notes).toHaveLength(1);

  const plain = await judgeCode(asked(0));
  expect(plain.notes[0]).toMatch(/was not trained to fill holes/);
  expect(plain.scores[0].value).toBe(of(exact, 'without suffix'));
  expect(plain.scores[3].value).toBe(loss.value);
});
