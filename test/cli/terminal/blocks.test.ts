import { expect, it } from 'vitest';
import { pictureInBlocks } from '../../../src/cli/terminal/blocks.ts';

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

it('without colours there is none', () => {
  expect(pictureInBlocks(picture, { width: 80, color: false }, TRUE)).toBeUndefined();
});
