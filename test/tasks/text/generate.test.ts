import { expect, it } from 'vitest';
import { NO_FILTERS } from '../../../src/kernels/sampling/settings.ts';
import { TextGenerator } from '../../../src/tasks/text/generate.ts';
import { parseTemplate } from '../../../src/text/chat/chatTemplate.ts';
import { BlockedTexts } from '../../../src/text/tokenizers/blocked.ts';
import { trainTokenizer } from '../../../src/text/tokenizers/tokenizer.ts';
import { testEngine } from '../../helpers/engine.ts';
import { smallModel } from '../../helpers/models.ts';
import { inChunks } from '../../text/tokenizers/samples.ts';

const tokenizer = await trainTokenizer('char', inChunks('abcdefgh\n'));
const settings = { ...NO_FILTERS, tokens: 6, seed: 4 };
const writer = async () => ({
  model: smallModel(await testEngine(), 'gpt2', { vocabSize: tokenizer.vocabSize }),
  tokenizer,
});

async function write(generator: TextGenerator, prompt: string, interrupted?: () => boolean) {
  const given: string[][] = [];
  const choices: string[] = [];
  let samples: readonly { text: string; tokens: number }[] = [];
  for await (const step of generator.generate(prompt, interrupted)) {
    given.push([...step.texts]);
    if (step.choice) choices.push(step.choice.text!);
    samples = step.samples.map(({ text, tokens }) => ({ text, tokens }));
  }
  return { given, choices, samples };
}

it('writes the same for a seed, and something else for the next prompt, which has the next seed', async () => {
  const generator = new TextGenerator(await writer(), settings);
  const [first, second] = [await write(generator, 'abc'), await write(generator, 'abc')];
  expect(first.samples).toEqual([{ text: first.given.flat().join(''), tokens: 6 }]);
  expect(second.samples).not.toEqual(first.samples);
  expect(await write(new TextGenerator(await writer(), settings), 'abc')).toEqual(first);
  expect(await write(new TextGenerator(await writer(), { ...settings, seed: 5 }), 'abc')).toEqual(second);
});

it('writes several samples at once, each up to a stop text, and says what the first was drawn from', async () => {
  const options = { ...settings, tokens: 15, stop: ['a', 'b'], count: 3, showProbabilities: true };
  const { samples, choices } = await write(new TextGenerator(await writer(), options), '');
  expect(samples).toHaveLength(3);
  for (const { text } of samples) expect(text).not.toMatch(/[ab]/);
  expect(choices.join('').startsWith(samples[0].text)).toBe(true);
});

it('ends early, and refuses at once what its tokenizer cannot write', async () => {
  const generator = new TextGenerator(await writer(), settings);
  expect((await write(generator, 'abc', () => true)).samples[0].tokens).toBe(1);
  expect(() => generator.generate('x')).toThrow(/character "x"/);
});

it('reads the last tokens of a prompt that is longer than the context, and says so', async () => {
  const said: string[] = [];
  const asked = async (prompt: string) =>
    write(new TextGenerator(await writer(), { ...settings, say: (sentence) => said.push(sentence) }), prompt);
  const long = 'abcdefgh'.repeat(200);
  const answer = await asked(long);
  expect(said).toEqual(["the prompt has 1,600 tokens, and the model's context holds 19: only the last 19 are read"]);
  expect(answer).toEqual(await asked(long.slice(-19)));
  expect(said).toHaveLength(1);
});

it('writes the rest of a line for a run of whole lines, whose prompts begin one', async () => {
  const options = { ...settings, tokens: 15, count: 20 };
  const lines = { ...(await writer()), config: { wholeLines: true } };
  const texts = async (given: typeof lines | Awaited<ReturnType<typeof writer>>, prompt: string, stop?: string[]) =>
    (await write(new TextGenerator(given, { ...options, stop }), prompt)).samples.map(({ text }) => text);
  const after = await texts(await writer(), '\nabc');
  expect(await texts(lines, 'abc', ['no stop'])).toEqual(after);
  expect(await texts(lines, '\nabc', ['no stop'])).toEqual(after);
  expect(after.join('')).toContain('\n');
  expect(await texts(lines, 'abc')).toEqual(after.map((text) => text.split('\n', 1)[0]));
});

it('puts prompts as a run that was tuned on answers learned them', async () => {
  const chat = parseTemplate('a{prompt}b{answer}\n');
  expect(new TextGenerator({ ...(await writer()), chat }, settings).shown('cd')).toBe('acdb');
});

it('writes nothing that is blocked, over a hundred samples, and ends one where nothing else can come', async () => {
  const said: string[] = [];
  const options = { ...settings, tokens: 40, count: 100, say: (sentence: string) => said.push(sentence) };
  const texts = async (entries?: readonly string[]): Promise<string[]> => {
    const block = entries && new BlockedTexts(entries);
    const { samples } = await write(new TextGenerator(await writer(), { ...options, block }), 'abc');
    return samples.map(({ text }) => text);
  };
  const free = await texts();
  const entries = ['ab', 'D', 'cf', 'gab', 'hh'];
  const held = await texts(entries);
  const holds = (text: string): boolean => /ab|d|cf|hh/.test(text);
  expect(free.some(holds)).toBe(true);
  expect(held.some(holds)).toBe(false);
  expect(held.every((text) => text.length === 40)).toBe(true);
  expect(await texts(['ABRACADABRA'])).toEqual(free);
  expect(said).toEqual([]);
  expect(await texts([...'abcdefgh\n'])).toEqual(free.map(() => ''));
  expect(said[0]).toBe('a sample ends after 0 tokens: whatever came next would complete a blocked text');
});
