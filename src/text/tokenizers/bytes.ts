import type { Tokenizer } from './types.ts';

const isPrintable = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);

/**
 * GPT-2's alphabet: one printable character a byte, so that a token of any bytes can be written into JSON and looked up as
 * a string. Printable Latin-1 stands for itself, the other 68 bytes for U+0100 and on (the space is `Ġ`).
 */
export const ALPHABET: readonly string[] = makeAlphabet();
const BYTE_OF = new Map(ALPHABET.map((character, byte) => [character, byte]));
const encoder = new TextEncoder();

function makeAlphabet(): string[] {
  let spare = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : spare++));
}

/** Bytes as a string of the alphabet, one character a byte. */
export function spell(bytes: ArrayLike<number>): string {
  let spelled = '';
  for (let i = 0; i < bytes.length; i++) spelled += ALPHABET[bytes[i]];
  return spelled;
}

/** The UTF-8 bytes of `text`, spelled. */
export const spellText = (text: string): string => spell(encoder.encode(text));

/** The bytes of a spelled string, or undefined when a character is not of the alphabet. */
export function unspell(spelled: string): Uint8Array | undefined {
  const bytes = new Uint8Array(spelled.length);
  for (let i = 0; i < spelled.length; i++) {
    const byte = BYTE_OF.get(spelled[i]);
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

/** A decoder that keeps U+FEFF: the default one swallows it at the start of a text, which would break round-trips. */
export const utf8Decoder = (): TextDecoder => new TextDecoder('utf-8', { ignoreBOM: true });

/** Each lone surrogate replaced by U+FFFD, as TextEncoder does. */
export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\uFFFD');

/** The end of `text`, or one before it when the last unit may be the first half of a surrogate pair. */
export function pairCut(text: string): number {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.length - 1 : text.length;
}

/** How many UTF-8 bytes the tokens stand for: the denominator of bits per byte. */
export function countBytes(tokenizer: Tokenizer, ids: ArrayLike<number>): number {
  const lengths = Uint32Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.tokenBytes(id).length);
  let bytes = 0;
  for (let i = 0; i < ids.length; i++) bytes += lengths[ids[i]];
  return bytes;
}
