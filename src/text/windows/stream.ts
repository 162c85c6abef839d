import { UserError } from '../../errors.ts';

/** Text is encoded in pieces of at least this many UTF-16 units: small enough to hold, large enough to amortize. */
const PIECE = 1 << 14;

/** Bytes are decoded in slices of at most this many, which is also how closely an error says where the file is bad. */
const SLICE = 1 << 16;

/**
 * The same text, cut anew at places where `safeCut` allows it, so that each piece can be encoded by itself and the result
 * does not depend on how the text came. Where no cut is allowed the piece grows; the next try waits until it has doubled,
 * which keeps a text without any cut linear.
 */
export async function* safePieces(
  chunks: AsyncIterable<string>,
  safeCut: (text: string) => number,
): AsyncGenerator<string> {
  let rest = '';
  let enough = PIECE;
  for await (const chunk of chunks) {
    rest += chunk;
    if (rest.length < enough) continue;
    const cut = safeCut(rest);
    if (cut > 0) yield rest.slice(0, cut);
    rest = rest.slice(cut);
    enough = cut > 0 ? PIECE : 2 * rest.length;
  }
  if (rest !== '') yield rest;
}

/**
 * A byte stream as text. A byte order mark at the start is dropped; everything else, `\r\n` too, stays as it is.
 * Throws UserError with the place for a NUL byte and for bytes that are not UTF-8. `name` is what the file is called.
 */
export async function* utf8Chunks(bytes: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let offset = 0;
  for await (const chunk of bytes) {
    for (let start = 0; start < chunk.length; start += SLICE) {
      const slice = chunk.subarray(start, start + SLICE);
      const text = decode(slice, offset, decoder, name);
      offset += slice.length;
      if (text !== '') yield text;
    }
  }
  const text = decode(undefined, offset, decoder, name);
  if (text !== '') yield text;
}

/** Undefined bytes end the stream. */
function decode(slice: Uint8Array | undefined, offset: number, decoder: TextDecoder, name: string): string {
  const nul = slice?.indexOf(0) ?? -1;
  if (nul >= 0) {
    throw new UserError(
      `${name} is a binary file (a NUL byte at offset ${offset + nul}), but a text file was expected; ` +
        'give plain UTF-8 text (UTF-16 can be converted with: iconv -f utf-16 -t utf-8)',
    );
  }
  try {
    return slice ? decoder.decode(slice, { stream: true }) : decoder.decode();
  } catch {
    const where = slice ? `between bytes ${offset} and ${offset + slice.length}` : `at its end, byte ${offset}`;
    throw new UserError(
      `${name} is not UTF-8 ${where}, but UTF-8 text was expected; ` +
        'convert it first, for example with: iconv -f latin1 -t utf-8',
    );
  }
}
