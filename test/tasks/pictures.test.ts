import { beforeAll, describe, expect, it } from 'vitest';
import { Chances } from '../../data/chances.ts';
import type { AskedModel } from '../../data/domain.ts';
import { type Labelled, PictureClassifier } from '../../data/fashion-words/judge/classifier.ts';
import { judgePictures } from '../../data/fashion-words/judge/judge.ts';
import { Lines } from '../../data/fashion-words/lines.ts';
import { type Design, paint } from '../../data/fashion-words/paint.ts';
import { type Models, paintParts } from '../../data/fashion-words/parts.ts';
import { GREY, learnCodebook } from '../../data/fashion-words/patches.ts';
import { Captions, COLOURS, KINDS, type Said } from '../../data/fashion-words/words.ts';
import { GPT } from '../../src/model/gpt.ts';
import { askedModel } from '../../src/tasks/domain.ts';
import type { Engine } from '../../src/tensor/engine.ts';
import { trainTokenizer } from '../../src/text/tokenizers/tokenizer.ts';
import { modelConfig, resolveConfig } from '../../src/train/config.ts';
import { testEngine } from '../helpers/engine.ts';

/** A box that is open below, and one that is open at its side. */
const shapes = [
  (x: number, y: number) => x < 8 || x >= 24 || y < 8,
  (x: number, y: number) => x < 8 || y < 8 || y >= 24,
];
const design = (thing: number): Design => {
  const opacity = Float32Array.from({ length: 1024 }, (_, i) => Number(shapes[thing](i % 32, Math.floor(i / 32))));
  return { thing, width: 32, height: 32, opacity, shade: new Float32Array(1024) };
};
const models: Models = { design, mirrored: false };
const grey = Array.from({ length: 60 }, (_, i) => {
  const how = { size: i % 2, place: i % 5, tint: [GREY, GREY, GREY], mirrored: false };
  return paint(design(Number(i > 30)), how, new Chances(i));
});
const book = learnCodebook(grey, Object.values(COLOURS), { patterns: 16, rounds: 3 }, new Chances(1));
const lines = new Lines(new Captions(['gate', 'hook']), book);
const parts = paintParts(models, lines, 1500);
const SIZE = { samples: 32, judgeSteps: 90, shown: 4 };

describe('the judge of pictures', () => {
  let engine: Engine;
  let asked: AskedModel;

  beforeAll(async () => {
    engine = await testEngine();
    const tokenizer = await trainTokenizer('pieces:[a-z]+ ', async function* () {
      yield parts.train;
    });
    const config = resolveConfig('tiny', { blockSize: 72, contextGrowth: 0 });
    const model = new GPT(engine, modelConfig(config, tokenizer.vocabSize)).initialize(1);
    asked = askedModel({ model, tokenizer, config }, { parts, seed: 1, quick: true, say: () => undefined });
  });

  const scoresOf = async (of: AskedModel): Promise<Map<string, { value: number; beside: number[] }>> => {
    const { scores } = await judgePictures(lines, of, SIZE);
    return new Map(
      scores.map(({ name, value, baselines }) => [name, { value, beside: baselines.map((one) => one.value) }]),
    );
  };

  it('finds what is asked for in real pictures, and not under the words of others', async () => {
    const test = parts.test.trimEnd().split('\n');
    const oracle: AskedModel = {
      ...asked,
      // of words that come again, the next picture
      write: async (prompts) => {
        const left = [...test];
        return prompts.map((prompt) => {
          const [line] = left.splice(
            left.findIndex((one) => one.startsWith(prompt)),
            1,
          );
          return line.slice(prompt.length);
        });
      },
    };
    const scores = await scoresOf(oracle);
    for (const name of ['all four words as asked for', 'all four words as asked for, combinations never seen']) {
      const { value, beside } = scores.get(name)!;
      const [ceiling, floor] = beside;
      expect(value, name).toBeGreaterThan(0.5);
      expect(Math.abs(value - ceiling), name).toBeLessThan(0.2);
      expect(floor, name).toBeLessThan(0.2);
    }
    const copies = scores.get('copies among 32 samples')!;
    expect(copies.value).toBe(copies.beside[0]); // the samples are the pictures that they are held against
  });

  it('finds nothing in what a model draws that learned nothing', async () => {
    const scores = await scoresOf(asked);
    expect(scores.get('all four words as asked for')!.value).toBeLessThan(0.2);
    const { value, beside } = scores.get('nats a picture')!;
    const [neighbours, places, chance] = beside;
    expect([neighbours < places, places < chance]).toEqual([true, true]);
    expect(Math.abs(value / chance - 1)).toBeLessThan(0.2);
  });

  it('learns the same from the same seed', async () => {
    const some: Labelled[] = parts.train
      .split('\n', 100)
      .map((line) => lines.read(line))
      .filter(({ said }) => KINDS.every((kind) => said[kind] !== undefined))
      .map(({ said, codes }) => ({ said: said as Said, picture: () => book.decode(codes) }));
    const answers = async (): Promise<Said[]> => {
      const judge = new PictureClassifier(engine, { size: 2, colour: 8, thing: 2, place: 5 }, 3);
      await judge.train(some, 6);
      return judge.classify(some.map(({ picture }) => picture()));
    };
    expect(await answers()).toEqual(await answers());
  });
});
