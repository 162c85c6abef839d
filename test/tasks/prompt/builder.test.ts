import { describe, expect, it } from 'vitest';
import { drawShots, PromptBuilder } from '../../../src/tasks/prompt/builder.ts';
import { parseLabelTemplate, verbalizer } from '../../../src/tasks/prompt/template.ts';
import { ByteTokenizer } from '../../../src/text/tokenizers/byteTokenizer.ts';
import { trainTokenizer } from '../../../src/text/tokenizers/tokenizer.ts';

const template = parseLabelTemplate('{text} is {label}\n');
const words = verbalizer(['animal', 'ant', 'plant']);
const bytes = new ByteTokenizer();
const decode = (ids: ArrayLike<number>) => bytes.decode(ids);
const shot = (text: string, label: string) => ({ text, label });

describe('prompts', () => {
  it('hold the shots in order and end before the words', () => {
    const builder = new PromptBuilder(bytes, template, words, 100);
    const { question, shots, shortened } = builder.build('oak', [shot('cat', 'animal'), shot('ivy', 'plant')]);
    expect(decode(question.prompt)).toBe('cat is animal\nivy is plant\noak is ');
    expect(question.continuations.map(decode)).toEqual(['animal', 'ant', 'plant']);
    expect([shots, shortened]).toEqual([2, false]);
  });

  it('leave out whole shots from the front when the context is short', () => {
    const all = [shot('cat', 'animal'), shot('ivy', 'plant'), shot('elm', 'plant')];
    // "ivy is plant\n" has 13 tokens and the question 7; the longest word reads 5 of its 6
    expect(new PromptBuilder(bytes, template, words, 13 + 13 + 7 + 5).build('oak', all).shots).toBe(2);
    const { question, shots } = new PromptBuilder(bytes, template, words, 13 + 13 + 7 + 4).build('oak', all);
    expect(shots).toBe(1);
    expect(decode(question.prompt)).toBe('elm is plant\noak is ');
  });

  it('cut the text at its end when no shot is left to go, never through a character', () => {
    const builder = new PromptBuilder(bytes, template, words, 20);
    const { question, shots, shortened } = builder.build('Eschscholzia🌼🌼🌼', [shot('cat', 'animal')]);
    expect(decode(question.prompt)).toBe('Eschscholzi is ');
    expect([shots, shortened]).toEqual([0, true]);
    const emoji = new PromptBuilder(bytes, template, words, 15).build('🌼🌼🌼', []);
    expect(decode(emoji.question.prompt)).toBe('🌼 is ');
  });

  it('say when there is no room for any text', () => {
    expect(() => new PromptBuilder(bytes, template, words, 8).build('oak', [])).toThrow(
      /takes 9 tokens without any text, and the model's context holds 8/,
    );
  });

  it('have the tokens that the whole text has, with a tokenizer that merges spaces into words', async () => {
    const text = 'the cat is animal\nthe oak is plant\nthe ant is ant\n'.repeat(40);
    const bpe = await trainTokenizer('bpe:300', async function* () {
      yield text;
    });
    const builder = new PromptBuilder(bpe, template, words, 200);
    const { question } = builder.build('the oak', [shot('the cat', 'animal')]);
    for (const [i, word] of [...words.values()].entries()) {
      const whole = bpe.encode(`the cat is animal\nthe oak is ${word}`);
      expect([...Array.from(question.prompt), ...Array.from(question.continuations[i])]).toEqual(whole);
    }
    expect(bpe.decode(question.prompt)).toBe('the cat is animal\nthe oak is');
  });
});

describe('shots', () => {
  const pool = Array.from({ length: 40 }, (_, i) => shot(`text ${i}`, i % 4 === 0 ? 'rare' : 'common'));

  it('are stratified, and others in another order with another seed', () => {
    const drawn = drawShots(pool, 8, 3);
    expect(drawn.filter(({ label }) => label === 'rare')).toHaveLength(2);
    expect(drawShots(pool, 8, 3)).toEqual(drawn);
    expect(drawShots(pool, 8, 4)).not.toEqual(drawn);
    expect(drawShots(pool, 0, 3)).toEqual([]);
  });
});
