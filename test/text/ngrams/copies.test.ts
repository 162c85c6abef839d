import { describe, expect, it } from 'vitest';
import { findBlocks } from '../../../src/text/ngrams/copies.ts';
import { hashedTokens } from './plain.ts';

const has = (within: readonly number[], block: readonly number[], before = within.length): boolean =>
  within.some(
    (_, at) => at < before && at + block.length <= within.length && block.every((t, i) => within[at + i] === t),
  );

describe.each([1, 2, 3, 7])('blocks of %i tokens', (size) => {
  const text = hashedTokens(211, 3);
  const within = hashedTokens(400, 3).reverse();
  const blocks = Array.from({ length: Math.floor(text.length / size) }, (_, i) => [
    ...text.subarray(i * size, (i + 1) * size),
  ]);

  it('are found wherever they stand in another text', () => {
    expect([...findBlocks(text, within, size)]).toEqual(blocks.map((block) => (has([...within], block) ? 1 : 0)));
  });

  it('are found in their own text where they stood before', () => {
    const expected = blocks.map((block, i) => (has([...text], block, i * size) ? 1 : 0));
    expect([...findBlocks(text, text, size)]).toEqual(expected);
  });
});

describe('blocks', () => {
  it('of a text that stands twice are found once', () => {
    const once = Uint16Array.from({ length: 1000 }, (_, i) => (i * i * 31) % 1009);
    const twice = Uint16Array.from([...once, 1, 2, 3, ...once]);
    const found = findBlocks(twice, twice, 10);
    expect(found.reduce((sum, one) => sum + one, 0) / found.length).toBeCloseTo(0.5, 1);
  });

  it('longer than the text are none, and nothing is found in too short a text', () => {
    expect(findBlocks(Uint16Array.of(1, 2), Uint16Array.of(1, 2, 3), 3)).toEqual(new Uint8Array(0));
    expect(findBlocks(Uint16Array.of(1, 2, 3), Uint16Array.of(1, 2), 3)).toEqual(new Uint8Array(1));
  });

  it('of one symbol stood there before, but for the first', () => {
    const text = new Uint32Array(40);
    expect([...findBlocks(text, text, 10)]).toEqual([0, 1, 1, 1]);
  });
});
