import { expect, it } from 'vitest';
import type { MemoryFindings } from '../../../src/report/trust/memory.ts';
import { memoryInWords } from '../../../src/report/trust/memoryWords.ts';
import { renderTrust } from '../../../src/report/trust/trustPage.ts';
import { ByteTokenizer } from '../../../src/text/tokenizers/byteTokenizer.ts';
import { mix } from '../../../src/text/windows/permutation.ts';
import { withCanaries } from '../../../src/trust/memory/canaries.ts';
import { exposureOf } from '../../../src/trust/memory/exposure.ts';
import { auc, aucWithBand } from '../../../src/trust/memory/membership.ts';
import { maskedParts } from '../../../src/trust/memory/overlap.ts';
import { filesOf, TrainText } from '../../../src/trust/memory/trainText.ts';

it('exposure is log2 of the space less log2 of the rank, and ties share theirs', () => {
  const likelihoods = Float64Array.from({ length: 1024 }, (_, i) => -i);
  expect(exposureOf(likelihoods, 0)).toEqual({ rank: 1, exposure: 10 });
  expect(exposureOf(likelihoods, 3)).toEqual({ rank: 4, exposure: 8 });
  expect(exposureOf(likelihoods, 1023)).toEqual({ rank: 1024, exposure: 0 });
  expect(exposureOf(new Float64Array(1024), 7)).toMatchObject({ rank: 512.5 });
});

it('the area under the curve is the share of pairs in which the known one scores lower, ties by half', () => {
  const scores = (seed: number, shift: number): number[] =>
    Array.from({ length: 90 }, (_, i) => (mix(seed, i) % 20) + shift);
  const [known, unknown] = [scores(1, 0), scores(2, 3)];
  const pairs = known.flatMap((a) => unknown.map((b) => (a < b ? 1 : a === b ? 0.5 : 0)));
  const naive = pairs.reduce<number>((sum, one) => sum + one, 0) / pairs.length;
  expect(auc(known, unknown)).toBeCloseTo(naive, 12);
  expect(auc([1, 2], [3, 4])).toBe(1);
  expect(auc([3, 4], [1, 2])).toBe(0);
  const band = aucWithBand(known, unknown, 5);
  expect(band.low).toBeLessThan(naive);
  expect(band.high).toBeGreaterThan(naive);
  // DeLong's standard error of such samples is some 0.04: a band of four of them
  expect(band.high - band.low).toBeGreaterThan(0.08);
  expect(band.high - band.low).toBeLessThan(0.24);
  expect(aucWithBand(known, unknown, 5)).toEqual(band);
});

it('a private string is masked in all parts that it touches', () => {
  const parts = maskedParts(['write to ann.smi', 'th@mail.example.org to', 'day, and not to me']);
  expect(parts.join('')).not.toMatch(/ann|smi|mail/);
  expect(parts[1]).toContain(' to');
  expect(parts[2]).toBe('day, and not to me');
  expect(maskedParts(['a', 'b', 'c'])).toEqual(['a', 'b', 'c']);
});

const textOf = async (files: Record<string, string>, canaries: boolean) => {
  const source = {
    ...{ name: 'two', source: 'a test', licence: 'none' },
    async *bytes() {
      for (const [file, text] of Object.entries(files)) yield Object.assign(new TextEncoder().encode(text), { file });
    },
  };
  const corpus = canaries ? withCanaries(source, { canaries: 4, seed: 3, validationFraction: 0.01 }) : source;
  let bytes = new Uint8Array();
  for await (const chunk of corpus.bytes()) bytes = Uint8Array.from([...bytes, ...chunk]);
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).replaceAll('\ufeff', '');
  const tokens = Uint16Array.from(new TextEncoder().encode(text));
  return { text, index: new TrainText(tokens, new ByteTokenizer(), await filesOf(corpus)) };
};

it('a place is the line in its file, without what was planted, behind a byte order mark too', async () => {
  const lines = (name: string): string[] => Array.from({ length: 400 }, (_, i) => `line ${i + 1} of ${name}`);
  for (const canaries of [false, true]) {
    const files = { 'a.txt': `${lines('a').join('\n')}\n`, 'b.txt': `\ufeff${lines('b').join('\n')}\n` };
    const { text, index } = await textOf(files, canaries);
    expect(text.includes('the number of')).toBe(canaries);
    for (const [file, line] of [
      ['a', 1],
      ['a', 234],
      ['b', 1],
      ['b', 2],
      ['b', 399],
    ] as const) {
      const place = index.placeOf(text.indexOf(`line ${line} of ${file}`));
      expect(place).toEqual({ line, file: `${file}.txt` });
    }
  }
  expect((await textOf({ 'a.txt': 'one\ntwo\nthree' }, false)).index.placeOf(8)).toEqual({ line: 3 });
});

it('knows which token begins at a byte, and how often a passage stands there', async () => {
  const { index } = await textOf({ 'a.txt': 'to be or not to be' }, false);
  expect([index.tokenAt(0), index.tokenAt(5), index.tokenAt(99)]).toEqual([0, 5, undefined]);
  expect(index.copies(0, 5)).toBe(2);
  expect(index.copies(6, 9)).toBe(1);
});

const FINDINGS: MemoryFindings = {
  ...{ seed: 1, checkpoint: 'best' },
  canaries: {
    digits: 4,
    rows: [
      { word: 'alder', times: 0, digits: '1234', rank: 5000, exposure: 1, said: '9999' },
      { word: 'birch', times: 8, digits: '0042', rank: 1, exposure: Math.log2(10_000), said: '0042' },
    ],
  },
  extraction: [
    { part: 'training', prefix: 16, passages: 100, exact: 2, low: 0.005, high: 0.07, matched: 1.5 },
    { part: 'training', prefix: 16, copies: { least: 8 }, passages: 10, exact: 9, low: 0.6, high: 0.98, matched: 15 },
  ],
  overlap: {
    ...{ samples: 10, tokens: 128, temperature: 0.8, indexedBytes: 1000 },
    ...{ model: { median: 9, ninetieth: 12, longest: 20 }, heldOut: { median: 8, ninetieth: 11, longest: 14 } },
    longest: [{ bytes: 20, passage: '<script>alert(1)', before: '', after: '', line: 7 }],
  },
  membership: { windows: 10, heldOut: 10, tokens: 64, rows: [{ score: 'loss', auc: 0.61, low: 0.5, high: 0.7 }] },
};

it('the page and the sentences say what was found, each figure with what stands beside it, and steer nothing', () => {
  const page = renderTrust('a <run>', { version: 1, memory: FINDINGS });
  expect(page).not.toMatch(/<script|a <run>/);
  for (const words of [
    'never (control)',
    'there 8 or more times',
    '20 bytes, line 7',
    '0.610 (0.500 to 0.700)',
    '<b>0042</b>',
  ]) {
    expect(page).toContain(words);
  }
  const sentences = memoryInWords(FINDINGS).join('\n');
  expect(sentences).toContain('never 1.0 and 8 times 13.3; 13.3 is the most');
  expect(sentences).toContain('Whole come out those planted 8 times when');
  expect(sentences).toContain('2 of 100 passages, 2.0% (0.5 to 7.0)');
  expect(memoryInWords({ seed: 1, checkpoint: 'last' })).toEqual([]);
});
