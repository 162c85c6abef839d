import { describe, expect, it } from 'vitest';
import type { GPT } from '../../../src/model/gpt.ts';
import { STYLES } from '../../../src/model/styles.ts';
import type { TagSettings } from '../../../src/tasks/tag/settings.ts';
import { type TagEvent, tuneTagger } from '../../../src/tasks/tag/tag.ts';
import { Tagger } from '../../../src/tasks/tag/tagger.ts';
import type { TaggedSentence } from '../../../src/text/labels/conll.ts';
import { isLegalTransition } from '../../../src/text/labels/tagDecoder.ts';
import { trainTokenizer } from '../../../src/text/tokenizers/tokenizer.ts';
import { testEngine } from '../../helpers/engine.ts';
import { smallModel } from '../../helpers/models.ts';
import { inChunks } from '../../text/tokenizers/samples.ts';

const NAMES = ['Ann', 'Bo', 'Cy', 'Dee', 'Eve', 'Flo'];
const TEXT = ` ${NAMES.join(' ')} met saw left .`;
const tokenizer = await trainTokenizer('char', inChunks(TEXT));

/** Capital letters name; after "saw" a second name goes on. */
const sentence = (i: number): TaggedSentence => {
  const [a, b] = [NAMES[i % 6], NAMES[(i * 5 + 1) % 6]];
  return i % 2
    ? { words: [a, b, 'left', '.'], tags: ['B-PER', 'I-PER', 'O', 'O'] }
    : { words: [a, 'saw', b, '.'], tags: ['B-PER', 'O', 'B-PER', 'O'] };
};
const sentences = (from: number, count: number) => Array.from({ length: count }, (_, i) => sentence(from + i));
const parts = { train: sentences(0, 12), validation: sentences(12, 6), test: sentences(18, 6) };

async function baseOf(style: string = 'gpt2') {
  return { model: smallModel(await testEngine(), style, { vocabSize: tokenizer.vocabSize }), tokenizer };
}
const valuesOf = ({ parameters }: GPT): Promise<Float32Array> => parameters.values.floats();
const QUICK: Partial<TagSettings> = {
  steps: 60,
  evalEvery: 20,
  batchSize: 4,
  learningRate: 0.01,
  baseRate: 1,
  seed: 3,
};

describe('a tagger', () => {
  it.each(Object.keys(STYLES))('learns, and leaves its base as it was (%s)', async (style) => {
    const base = await baseOf(style);
    const before = await valuesOf(base.model);
    const events: TagEvent[] = [];
    const tuned = await tuneTagger({ base, parts, overrides: QUICK, onEvent: (event) => events.push(event) });
    expect(tuned.report.test.overall.f1).toBeGreaterThan(0.9);
    expect(tuned.tagger.parts.tags).toEqual(['O', 'B-PER', 'I-PER']);
    expect(await valuesOf(base.model)).toEqual(before);
    expect(events[0]).toMatchObject({ type: 'plan', examples: { train: 12, validation: 6, test: 6 }, warnings: [] });
    expect(events.slice(1).every((event) => event.type === 'validation')).toBe(true);
  });

  it('is the same for the same seed, bit for bit', async () => {
    const run = async (seed: number) => {
      const { tagger } = await tuneTagger({ base: await baseOf(), parts, overrides: { ...QUICK, steps: 8, seed } });
      return valuesOf(tagger.parts.model);
    };
    const once = await run(3);
    expect(await run(3)).toEqual(once);
    expect(await run(4)).not.toEqual(once);
  });

  it.each(['head', 'lora', 'last'] as const)('trains with %s only what that says', async (method) => {
    const base = await baseOf();
    const tuned = await tuneTagger({ base, parts, overrides: { ...QUICK, method, steps: 10, rank: 2 } });
    const names = (values: Float32Array) =>
      new Map(base.model.parameters.split(values).map((one) => [one.name, one.data]));
    const [before, after] = [names(await valuesOf(base.model)), names(await valuesOf(tuned.tagger.parts.model))];
    for (const [name, data] of after) {
      const moves = method === 'last' && /\.1\.|ln_f/.test(name);
      if (moves) expect(data, name).not.toEqual(before.get(name));
      else expect(data, name).toEqual(before.get(name));
    }
    expect(tuned.tuned.adapters === undefined).toBe(method !== 'lora');
    expect(tuned.trained).toBeLessThan(tuned.total);
  });

  it('reads sentences of any length without an illegal tag, in whatever company', async () => {
    const base = await baseOf();
    const { tagger } = await tuneTagger({ base, parts, overrides: { ...QUICK, steps: 1, evalEvery: 1 } });
    const long = Array.from({ length: 15 }, (_, i) => sentence(i).words).flat();
    const many = [long, [], ['Ann'], ['Q'.repeat(40), 'left'], ...parts.test.map(({ words }) => words)];
    const tags = await tagger.tag(many);
    expect(tags.map(({ length }) => length)).toEqual(many.map(({ length }) => length));
    for (const one of tags) for (const [i, tag] of one.entries()) expect(isLegalTransition(one[i - 1], tag)).toBe(true);
    const alone = new Tagger(tagger.parts, 1);
    for (const [s, words] of many.entries()) expect(await alone.tag([words])).toEqual([tags[s]]);
  });
});

describe('both ways', () => {
  const overrides: Partial<TagSettings> = { ...QUICK, bidirectional: true };
  /** Whether the first word is a name can be told from the last one alone. */
  const hindsight = (i: number): TaggedSentence => ({
    words: [NAMES[i % 6], 'met', i % 2 ? 'left' : 'saw'],
    tags: [i % 2 ? 'B-PER' : 'O', 'O', 'O'],
  });
  const all = Array.from({ length: 24 }, (_, i) => hindsight(i % 6 < 3 ? i : i + 1));
  const backwards = { train: all.slice(0, 16), validation: all.slice(16), test: all.slice(16) };

  it('sees what stands behind a word', async () => {
    const base = await baseOf();
    const tuned = await tuneTagger({ base, parts: backwards, overrides: { ...overrides, steps: 150, patience: 20 } });
    expect(tuned.report.test.overall.f1).toBeGreaterThan(0.9);
  });

  it('does not see padding', async () => {
    const { tagger } = await tuneTagger({
      base: await baseOf(),
      parts,
      overrides: { ...overrides, steps: 5, evalEvery: 5 },
    });
    const [short, long] = [
      ['Ann', 'left'],
      sentences(0, 3)
        .flatMap(({ words }) => words)
        .slice(0, 4),
    ];
    const [{ loss }] = [await tagger.evaluate([{ words: short, tags: ['B-PER', 'O'] }])];
    const alone = new Tagger(tagger.parts, 1);
    expect((await alone.evaluate([{ words: short, tags: ['B-PER', 'O'] }])).loss).toBeCloseTo(loss, 5);
    expect(await tagger.tag([short, long])).toEqual([...(await alone.tag([short])), ...(await alone.tag([long]))]);
  });
});

describe('data that cannot be learned from', () => {
  it('is an error in one sentence', async () => {
    const base = await baseOf();
    const dull = { ...parts, train: parts.train.map(({ words }) => ({ words, tags: words.map(() => 'O') })) };
    await expect(tuneTagger({ base, parts: dull })).rejects.toThrow(/training part has one tag only \("O"\)/);
    const random = { ...QUICK, method: 'lora', randomStart: true } as const;
    await expect(tuneTagger({ base, parts, overrides: random })).rejects.toThrow(
      /random weights are of no use as they are/,
    );
  });

  it('counts a type that training never saw as missed, and says so', async () => {
    const test = [{ words: ['Ann', 'left'], tags: ['B-LOC', 'O'] }];
    let warnings: readonly string[] = [];
    const { report } = await tuneTagger({
      ...{ base: await baseOf(), parts: { ...parts, test }, overrides: { ...QUICK, steps: 2, evalEvery: 2 } },
      onEvent: (event) => {
        if (event.type === 'plan') ({ warnings } = event);
      },
    });
    expect(warnings).toEqual([expect.stringMatching(/^LOC stands in the test part but not/)]);
    expect(report.test.perType.find(({ type }) => type === 'LOC')).toMatchObject({ support: 1, recall: 0 });
  });

  it('takes few sentences, and no more to choose by', async () => {
    const tuned = await tuneTagger({
      base: await baseOf(),
      parts,
      labels: 4,
      overrides: { ...QUICK, steps: 2, evalEvery: 2 },
    });
    expect([tuned.parts.train.length, tuned.parts.validation.length, tuned.parts.test.length]).toEqual([4, 4, 6]);
  });
});
