/** Pieces of binary files. Numbers lie little-endian, as on every machine that Dawn runs on. */

const encoder = new TextEncoder();

/** A text in UTF-8. */
export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** The bytes of numbers: a view, not a copy. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Pieces one after another. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}
