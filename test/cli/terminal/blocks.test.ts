import { expect, it } from 'vitest';
import { GrowingPicture, pictureInBlocks } from '../../../src/cli/terminal/blocks.ts';

/** Red over blue beside white over what is transparent. */
const picture = {
  ...{ width: 2, height: 2 },
  rgba: Uint8Array.of(255, 0, 0, 255, 255, 255, 255, 255, 0, 0, 255, 255, 9, 9, 9, 0),
};
const TRUE = { COLORTERM: 'truecolor' };

it('two pixels are one character, in 24 bits of colour where there are so many', () => {
  expect(pictureInBlocks(picture, { width: 80, color: true }, TRUE)).toBe(
    '\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[38;2;255;255;255;48;2;255;255;255m▀\x1b[0m\n',
  );
  expect(pictureInBlocks(picture, { width: 80, color: true }, {})).toBe(
    '\x1b[38;5;196;48;5;21m▀\x1b[38;5;231;48;5;231m▀\x1b[0m\n',
  );
});

it('a wide picture is made to fit, and an odd last row stands over white', () => {
  expect(pictureInBlocks(picture, { width: 1, color: true }, TRUE)).toBe(
    '\x1b[38;2;191;128;191;48;2;255;255;255m▀\x1b[0m\n',
  );
});

it('a high picture is made to fit between the edges of the terminal, a row below it', () => {
  const high = { width: 4, height: 8, rgba: new Uint8Array(4 * 8 * 4).fill(255) };
  const rows = (height?: number) => pictureInBlocks(high, { width: 80, height, color: true })!.split('\n').slice(0, -1);
  const sizeOf = (lines: string[]) => [lines.length, lines[0].split('▀').length - 1];
  expect(sizeOf(rows())).toEqual([4, 4]);
  expect(sizeOf(rows(5))).toEqual([4, 4]);
  expect(sizeOf(rows(3))).toEqual([2, 2]);
  expect(sizeOf(rows(1))).toEqual([1, 1]);
});

it('a picture that grows is drawn over itself, not too often, and its last state in any case', async () => {
  let now = 0;
  const written: string[] = [];
  const growing = new GrowingPicture(
    { width: 80, color: true },
    (text) => written.push(text),
    () => now,
  );
  const state = async () => ({ ...picture, height: 1 });
  await growing.grow(state);
  now = 40;
  await growing.grow(state);
  expect(written).toHaveLength(1);
  now = 60;
  await growing.grow(async () => picture);
  growing.draw(picture);
  expect(written[1].startsWith('\x1b[1A\x1b[38')).toBe(true);
  expect(written[2].startsWith('\x1b[1A\x1b[38')).toBe(true);
  const plain = new GrowingPicture({ width: 80, color: false }, (text) => written.push(text));
  await plain.grow(state);
  plain.draw(picture);
  expect(written).toHaveLength(3);
});

it('without colours there is none', () => {
  expect(pictureInBlocks(picture, { width: 80, color: false }, TRUE)).toBeUndefined();
});
