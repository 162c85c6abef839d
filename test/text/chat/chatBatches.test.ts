import { describe, expect, it } from 'vitest';
import { ChatBatches, chatEvaluation, chatParts } from '../../../src/text/chat/chatBatches.ts';
import { DEFAULT_TEMPLATE, parseTemplate, promptText } from '../../../src/text/chat/chatTemplate.ts';
import { ByteTokenizer } from '../../../src/text/tokenizers/byteTokenizer.ts';
import { IGNORE } from '../../../src/text/windows/windows.ts';

const tokenizer = new ByteTokenizer();
const template = parseTemplate('Q: {prompt}\\nA: {answer}\\n');
const OPTIONS = { template, blockSize: 24, validationFraction: 0.25, seed: 3 };
const EXAMPLES = Array.from({ length: 8 }, (_, i) => ({ prompt: `ask ${i}`, answer: `say ${i}` }));
const parts = (examples = EXAMPLES, more: Partial<typeof OPTIONS> = {}) =>
  chatParts(examples, tokenizer, { ...OPTIONS, ...more });

/** What the targets that count say, and what the inputs up to the first of them. */
function read(inputs: Uint32Array, targets: Uint32Array, T: number, row: number): { asked: string; answer: string } {
  const places = Array.from({ length: T }, (_, t) => row * T + t).filter((place) => targets[place] !== IGNORE);
  return {
    asked: tokenizer.decode(inputs.slice(row * T, places[0] + 1)),
    answer: tokenizer.decode(places.map((place) => targets[place])),
  };
}

it('puts the loss on the answers alone, their ends included', () => {
  const { train } = parts();
  const { inputs, targets } = new ChatBatches(train, { batchSize: 6, blockSize: 24, seed: 1 }).batch(0);
  const rows = Array.from({ length: 6 }, (_, row) => read(inputs, targets, 24, row));
  for (const { asked, answer } of rows) {
    const number = asked.match(/^Q: ask (\d)\nA: $/)?.[1];
    expect(answer).toBe(`say ${number}\n`);
  }
});

it('sees each example once an epoch, in another order each time, the same for the same seed', () => {
  const { train } = parts();
  const batches = new ChatBatches(train, { batchSize: 3, blockSize: 24, seed: 1 });
  const asked = (step: number) => {
    const { inputs, targets } = batches.batch(step);
    return [0, 1, 2].map((row) => read(inputs, targets, 24, row).asked);
  };
  const epochs = [0, 1, 2].map((epoch) => [...asked(2 * epoch), ...asked(2 * epoch + 1)]);
  for (const epoch of epochs) expect(new Set(epoch).size).toBe(6);
  expect(new Set(epochs.map((epoch) => epoch.join())).size).toBeGreaterThan(1);
  expect(batches.batch(5)).toEqual(new ChatBatches(train, { batchSize: 3, blockSize: 24, seed: 1 }).batch(5));
});

it('holds a share out, one example at least, and counts what was there twice', () => {
  const { train, validation, duplicates } = parts([...EXAMPLES, EXAMPLES[2]]);
  expect([train.length, validation.length, duplicates]).toEqual([6, 2, 1]);
  expect(new Set([...train, ...validation].map(({ ids }) => ids.join())).size).toBe(8);
  expect(parts(EXAMPLES.slice(0, 2)).validation).toHaveLength(1);
  expect(() => parts([EXAMPLES[0], EXAMPLES[0]])).toThrow('Two different pairs of prompt and answer are needed');
});

it('cuts the beginning of a prompt that is too long, and then the end of the answer', () => {
  const long = [
    { prompt: 'x'.repeat(40), answer: 'yes' },
    { prompt: 'hi', answer: 'y'.repeat(40) },
  ];
  const { train, validation, cut } = parts(long);
  expect(cut).toBe(2);
  const [asking, answering] = [...train, ...validation].sort((a, b) => b.answer - a.answer);
  expect(asking.ids).toHaveLength(25);
  expect(tokenizer.decode(asking.ids)).toMatch(/^x+\nA: yes\n$/);
  expect([answering.ids.length, answering.answer]).toEqual([25, 1]);
  expect(tokenizer.decode(answering.ids)).toMatch(/^ y+$/);
});

it('scores every example once, with the number of its targets', () => {
  const { train } = parts();
  const { total, batches } = chatEvaluation(train, 4, 24);
  const all = [...batches()];
  expect([total, all.length]).toEqual([2, 2]);
  for (const { targets, count } of all) expect(targets.filter((id) => id !== IGNORE)).toHaveLength(count);
  expect(all.reduce((sum, { count }) => sum + count, 0)).toBe(6 * 'say 1\n'.length);
});

describe('templates', () => {
  it('say what a model is given', () => {
    expect(promptText(parseTemplate(DEFAULT_TEMPLATE), 'Who?')).toBe('Who?\n');
    expect(parseTemplate(DEFAULT_TEMPLATE).after).toBe('\n\n');
    expect(promptText(template, 'Who?')).toBe('Q: Who?\nA: ');
  });

  it.each(['{answer} {prompt}.', '{prompt}{answer}\n', '{prompt} {answer}', 'nothing', '{prompt} {answer} {answer}.'])(
    'refuses %j',
    (text) => {
      expect(() => parseTemplate(text)).toThrow('a template holds {prompt}, then {answer}');
    },
  );
});
