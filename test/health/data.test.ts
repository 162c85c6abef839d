import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findCorpus } from '../../data/corpora.ts';
import { corpusFile } from '../../data/prepare.ts';
import * as health from '../../src/health/data.ts';
import { rungsOf } from '../../src/health/rungs.ts';
import { trainTokenizer } from '../../src/text/tokenizers/tokenizer.ts';
import type { Tokenizer } from '../../src/text/tokenizers/types.ts';
import { buildDataset } from '../../src/text/windows/dataset.ts';
import { evaluationBatches } from '../../src/text/windows/windows.ts';

const moby = readFileSync(await corpusFile(findCorpus('moby-dick')!, () => undefined), 'utf8');
/** A refrain after each stanza; each line of a table like the one before. */
const stanzas = Array.from(
  { length: 250 },
  (_, i) => `${moby.slice(9000 + 300 * i, 9300 + 300 * i)}\nAnd the sea rolled on.\n`,
);
const table = Array.from(
  { length: 3000 },
  (_, i) => `harpooneer,${(i * 7919) % 10_007},true,1851-10-${(i % 28) + 1}\n`,
);

const source = (text: string) =>
  async function* () {
    yield text;
  };

async function partsOf(text: string, spec: string | Tokenizer, validationFraction = 0.1): Promise<health.DataParts> {
  const tokenizer = typeof spec === 'string' ? await trainTokenizer(spec, source(text)) : spec;
  const options = { name: 'text', blockSize: 16, validationFraction };
  return { ...(await buildDataset(source(text), tokenizer, options)), tokenizer };
}

/** Names of what is found in a text, with the losses of its n-grams. */
async function namesOf(parts: health.DataParts, validationFraction = 0.1): Promise<string[]> {
  const blockSize = 32;
  const losses = rungsOf({ ...parts, validation: evaluationBatches(parts.validation, 8, blockSize), blockSize });
  return (await health.dataFindings(parts, losses, validationFraction)).map(({ name }) => name);
}

describe('nothing is found in', () => {
  it.each([
    ['a novel', moby.slice(0, 300_000), 'char'],
    ['a novel in pieces of words', moby.slice(0, 600_000), 'bpe:1024'],
    ['songs with a refrain', stanzas.join('\n'), 'char'],
    ['a table', table.join(''), 'byte'],
  ])('%s', async (_, text, spec) => {
    expect(await namesOf(await partsOf(text, spec))).toEqual([]);
  });
});

describe('it is found', () => {
  it('that the held-out text, or some of it, is known from training', async () => {
    const text = moby.slice(0, 200_000);
    const leaked = text.slice(-20_000, -10_000) + text;
    const parts = await partsOf(leaked, 'char');
    expect(await namesOf(parts)).toEqual(['validation-overlap']);
    expect(health.validationOverlap(parts)!.sentence).toMatch(/^4\d\.\d% of the held-out text stands word for word/);
  });

  it('that text is there twice, however it is shifted', async () => {
    const [once, rest] = [moby.slice(0, 70_000), moby.slice(400_000, 460_000)];
    const parts = await partsOf(`${once}Again!\n${once}${rest}`, 'bpe:512');
    expect(await namesOf(parts)).toEqual(['repeated-text']);
    expect(health.repeatedText(parts)!.sentence).toMatch(/^3\d\.\d% of the training text stands in it before/);
  });

  it('that the held-out text is too small, and how much it would take', async () => {
    const parts = await partsOf(moby.slice(0, 100_000), 'char', 0.004);
    expect(await namesOf(parts, 0.004)).toEqual(['validation-small']);
    const { advice } = health.smallValidation({ windows: [], tokens: 400, deviation: 2 }, 0.004)!;
    expect(advice!.settings).toEqual({ validationFraction: 0.016 });
    expect(await namesOf(await partsOf(moby.slice(0, 100_000), 'char', 0.04), 0.04)).toEqual([]);
  });

  it('that a vocabulary is too large for the text', async () => {
    expect(await namesOf(await partsOf(moby.slice(0, 60_000), 'gpt'))).toContain('vocabulary-unseen');
  });

  it('that pieces of words are of another kind of text', async () => {
    const other = await trainTokenizer('bpe:1024', source(moby.slice(0, 200_000)));
    const parts = await partsOf(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'), other);
    expect((await health.unfitTokenizer(parts))!.sentence).toMatch(/A token is 1\.\d bytes of this text/);
    expect((await health.unfitTokenizer(parts))!.advice!.settings).toEqual({ tokenizer: 'bpe:1024' });
  });
});

describe('the standard error of a held-out loss', () => {
  const windows = Array.from({ length: 16 }, (_, i) => ({ loss: i % 2 ? 2.5 : 1.5, tokens: 10 }));

  it('is that of the windows', () => {
    // deviations of 0.5 each: sqrt(16 * 0.25 / 15) / sqrt(16)
    expect(health.standardError({ windows, tokens: 160 })).toBeCloseTo(Math.sqrt(4 / 15) / 4, 12);
  });

  it('is that of the tokens where windows are few', () => {
    expect(health.standardError({ windows: windows.slice(0, 3), tokens: 25, deviation: 2 })).toBe(0.4);
  });
});
