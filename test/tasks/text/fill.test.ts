import { describe, expect, it } from 'vitest';
import { Scorer } from '../../../src/model/score.ts';
import { fill, holeAt } from '../../../src/tasks/text/fill.ts';
import { trainTokenizer } from '../../../src/text/tokenizers/tokenizer.ts';
import { MARK_TEXTS } from '../../../src/text/windows/fillInMiddle.ts';
import { openingTokens } from '../../../src/train/samples.ts';
import { testEngine } from '../../helpers/engine.ts';
import { smallModel } from '../../helpers/models.ts';
import { inChunks } from '../../text/tokenizers/samples.ts';

const TEXT = 'first line\n  🐋 second\n\nlast';

describe('a place in a text', () => {
  it.each([
    [{ line: 1 }, '', '\n  🐋 second\n\nlast'],
    [{ line: 2 }, 'first line\n', '\n\nlast'],
    [{ line: 2, column: 1 }, 'first line\n', '  🐋 second\n\nlast'],
    [{ line: 2, column: 4 }, 'first line\n  🐋', ' second\n\nlast'],
    [{ line: 2, column: 11 }, 'first line\n  🐋 second', '\n\nlast'],
    [{ line: 3, column: 1 }, 'first line\n  🐋 second\n', '\nlast'],
    [{ line: 4 }, 'first line\n  🐋 second\n\n', ''],
  ])('%j has before it %j and after it %j', (place, prefix, suffix) => {
    expect(holeAt(TEXT, place, 'x')).toEqual({ prefix, suffix });
  });
  it('must be in it', () => {
    expect(() => holeAt(TEXT, { line: 5 }, 'x.ts')).toThrow('x.ts has 4 lines, and so no line 5');
    expect(() => holeAt(`${TEXT}\n`, { line: 5 }, 'x.ts')).toThrow('no line 5');
    expect(() => holeAt(TEXT, { line: 1, column: 12 }, 'x.ts')).toThrow(
      'line 1 of x.ts has 10 characters: --column may be 11 at most',
    );
  });
});

it('holes are filled at once as each alone, up to a mark or a stop, and the same for a seed', async () => {
  const tokenizer = await trainTokenizer('bpe:300', inChunks(TEXT.repeat(20)));
  const sizes = { vocabSize: tokenizer.vocabSize, blockSize: 48 };
  const writer = { model: smallModel(await testEngine(), 'llama', sizes), tokenizer };
  const holes = ['a', 'first\n'.repeat(30), ''].map((prefix, i) => ({ prefix, suffix: 'last\n'.repeat(20 * i) }));
  const settings = { tokens: 12, temperature: 0, seed: 1 };
  const all = await fill(writer, holes, settings);
  for (const [i, hole] of holes.entries()) expect(await fill(writer, [hole], settings)).toEqual([all[i]]);
  expect(new Set(all).size).toBe(3);
  expect(await fill(writer, holes, { ...settings, order: 'prefix first' })).not.toEqual(all);

  const drawn = { ...settings, temperature: 2, tokens: 40 };
  const texts = await fill(writer, holes, drawn);
  expect(await fill(writer, holes, drawn)).toEqual(texts);
  expect(await fill(writer, holes, { ...drawn, seed: 2 })).not.toEqual(texts);
  for (const text of texts) for (const mark of MARK_TEXTS) expect(text).not.toContain(mark);
  const longest = texts.map(({ length }) => length).indexOf(Math.max(...texts.map(({ length }) => length)));
  const stop = [...texts[longest]][2];
  const stopped = await fill(writer, holes, { ...drawn, stop });
  expect(stopped[longest]).toBe(texts[longest].slice(0, texts[longest].indexOf(stop)));
});

it('of several middles the one is kept with which the whole text is likeliest', async () => {
  const tokenizer = await trainTokenizer('bpe:300', inChunks(TEXT.repeat(20)));
  const sizes = { vocabSize: tokenizer.vocabSize, blockSize: 48 };
  const model = smallModel(await testEngine(), 'llama', sizes);
  const settings = { tokens: 8, temperature: 1.5, seed: 3 };
  const holes = [
    { prefix: 'first line\n  sec', suffix: '\nlast' },
    { prefix: '', suffix: '\nlast' },
    { prefix: 'second', suffix: '' },
  ];
  const scorer = new Scorer(model);
  for (const hole of holes) {
    const { prefix, suffix } = hole;
    const drawn = await fill({ model, tokenizer }, Array(6).fill(hole), settings);
    const before = tokenizer.encode(prefix.trimEnd());
    const space = prefix.slice(prefix.trimEnd().length);
    const texts = drawn.map((middle) => [...before, ...tokenizer.encode(`${space}${middle}${suffix || '\n'}`)]);
    const [likelihoods] = await scorer.score([{ prompt: openingTokens(tokenizer), continuations: texts }]);
    const sums = likelihoods.map(({ sum }) => sum);
    const best = drawn[sums.indexOf(Math.max(...sums.filter((_, i) => drawn[i].trim() !== '')))];
    expect(new Set(drawn).size).toBeGreaterThan(3);
    expect(await fill({ model, tokenizer }, [hole], { ...settings, candidates: 6 })).toEqual([best]);
  }
  scorer.dispose();
  const long = { prefix: 'line\n'.repeat(100), suffix: '\nfirst line'.repeat(100) };
  const crowded = { ...settings, tokens: 40, candidates: 4 };
  expect(await fill({ model, tokenizer }, [long, holes[0]], crowded)).toHaveLength(2);
  const likeliest = { ...settings, temperature: 0 };
  expect(await fill({ model, tokenizer }, holes, { ...likeliest, candidates: 6 })).toEqual(
    await fill({ model, tokenizer }, holes, likeliest),
  );
});
