import { UserError } from '../../errors.ts';

/** Text is encoded in pieces of at least this many UTF-16 units: small enough to hold, large enough to amortize. */
const PIECE = 1 << 14;

/** Bytes are decoded in slices of at most this many. */
const SLICE = 1 << 16;

/**
 * Bytes of a text. Where they are of several files, each piece says of which: what is begun in one ends there. `planted` are lines that
 * the text did not have itself.
 */
export type TextBytes = Uint8Array & { readonly file?: string; readonly planted?: boolean };

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
 * A byte stream as text. A byte order mark at the start of a file is dropped; everything else, `\r\n` too, stays as it is.
 * Throws UserError with the file and the place in it for a NUL byte and for bytes that are not UTF-8. `name` is what a stream that
 * names no file is called.
 */
export async function* utf8Chunks(bytes: AsyncIterable<TextBytes>, name: string): AsyncGenerator<string> {
  let file: string | undefined;
  let decoder = new FileDecoder(name);
  for await (const chunk of bytes) {
    if (chunk.file !== file) {
      decoder.end();
      file = chunk.file;
      decoder = new FileDecoder(file ?? name);
    }
    for (let start = 0; start < chunk.length; start += SLICE) {
      const text = decoder.push(chunk.subarray(start, start + SLICE));
      if (text !== '') yield text;
    }
  }
  decoder.end();
}

/** The lines of a text without their ends, which may be of all systems: those that each chunk ends, so that none waits for more. */
export async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string[]> {
  let rest = '';
  let afterReturn = false; // a line feed that follows is of the same line end
  for await (const chunk of chunks) {
    const text = afterReturn && chunk.startsWith('\n') ? chunk.slice(1) : chunk;
    if (chunk !== '') afterReturn = chunk.endsWith('\r');
    const lines = text.split(/\r\n|\r|\n/);
    lines[0] = rest + lines[0];
    rest = lines.pop()!;
    if (lines.length > 0) yield lines;
  }
  if (rest !== '') yield [rest];
}

/** A character of UTF-8 has so many bytes at most. */
const LONGEST = 4;
const NEW_LINE = 10;

/** Decodes one file. */
class FileDecoder {
  private readonly decoder = new TextDecoder('utf-8', { fatal: true });
  private offset = 0;
  private line = 1;
  /** The bytes before `offset` that may belong to a character that is not whole yet. */
  private last: Uint8Array = new Uint8Array();

  constructor(private readonly name: string) {}

  push(slice: Uint8Array): string {
    if (this.offset === 0) this.refuseUtf16(slice);
    const nul = slice.indexOf(0);
    if (nul >= 0) {
      throw new UserError(
        `${this.name} is a binary file (a NUL byte at offset ${this.offset + nul}), but a text file was expected; ` +
          'give plain UTF-8 text (UTF-16 can be converted with: iconv -f utf-16 -t utf-8)',
      );
    }
    const text = this.decode(slice);
    this.offset += slice.length;
    for (let at = slice.indexOf(NEW_LINE); at >= 0; at = slice.indexOf(NEW_LINE, at + 1)) this.line++;
    this.last = Uint8Array.of(...this.last, ...slice.subarray(1 - LONGEST)).subarray(1 - LONGEST);
    return text;
  }

  /** @throws UserError where the file ends in the middle of a character */
  end(): void {
    this.decode();
  }

  /** Undefined ends the file. */
  private decode(slice?: Uint8Array): string {
    try {
      return slice ? this.decoder.decode(slice, { stream: true }) : this.decoder.decode();
    } catch {
      throw this.notUtf8(slice ?? new Uint8Array());
    }
  }

  private notUtf8(slice: Uint8Array): UserError {
    const start = this.last.findIndex((byte) => (byte & 0xc0) !== 0x80); // where a character may begin
    const before = start < 0 ? new Uint8Array() : this.last.subarray(start);
    const bytes = new Uint8Array(before.length + slice.length);
    bytes.set(before);
    bytes.set(slice, before.length);
    const bad = firstBad(bytes);
    const line = this.line + bytes.subarray(before.length, bad).filter((byte) => byte === NEW_LINE).length;
    const place = `in line ${line}, at byte ${this.offset - before.length + bad} (0x${bytes[bad].toString(16).toUpperCase()})`;
    return new UserError(
      `${this.name} is not UTF-8 ${place}, but UTF-8 text was expected; ` +
        'convert it first, for example with: iconv -f latin1 -t utf-8',
    );
  }

  private refuseUtf16([first, second]: Uint8Array): void {
    if (!((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))) return;
    throw new UserError(
      `${this.name} is UTF-16 text, but UTF-8 was expected; convert it first: iconv -f utf-16 -t utf-8`,
    );
  }
}

/** The index of the byte that begins no character, in bytes that are not UTF-8 to their end. */
function firstBad(bytes: Uint8Array): number {
  const isUtf8 = (length: number, stream: boolean): boolean => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length), { stream });
      return true;
    } catch {
      return false;
    }
  };
  let [good, bad] = [0, bytes.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isUtf8(middle, true)) good = middle;
    else bad = middle;
  }
  while (!isUtf8(good, false)) good--; // back over a character that was begun and does not go on
  return good;
}
