/** Bytes read as text whatever they are: an audit counts faults where training refuses them. */

/** Something wrong in a file. */
export interface ByteFault {
  /** 'UTF-16' once for a file that is all of that, and is read so; 'byte order mark' once for one that begins with UTF-8's. */
  readonly kind: 'not UTF-8' | 'UTF-16' | 'byte order mark' | 'broken row';
  /** From 1; of several faults in one piece of a file the first one's. */
  readonly line: number;
  /** Sequences of bytes that are no character, each of which became U+FFFD. */
  readonly count: number;
}

/** Told of faults by part, as they are met. */
export type OnFault = (fault: ByteFault & { readonly part: string }) => void;

/** Bytes are decoded in slices of at most this many. */
const SLICE = 1 << 16;
const REPLACEMENT = [0xef, 0xbf, 0xbd];

/** The text of one file. What is no UTF-8 becomes U+FFFD and is told; a byte order mark at the start is dropped; NUL stays. */
export async function* lenientChunks(
  bytes: AsyncIterable<Uint8Array>,
  onFault: (fault: ByteFault) => void,
): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined;
  let line = 1;
  let written = new Uint8Array(); // the last two bytes: a U+FFFD that the file itself has may begin there
  for await (const chunk of bytes) {
    decoder ??= decoderOf(chunk, onFault);
    for (let start = 0; start < chunk.length; start += SLICE) {
      const slice = chunk.subarray(start, start + SLICE);
      const text = decoder.decode(slice, { stream: true });
      const count = decoder.encoding === 'utf-8' ? replaced(text) - replacementsIn(written, slice) : 0;
      if (count > 0) onFault({ kind: 'not UTF-8', line: line + newLines(text, text.indexOf('\ufffd')), count });
      line += newLines(text, text.length);
      written = Uint8Array.of(...written, ...slice.subarray(-2)).slice(-2);
      if (text !== '') yield text;
    }
  }
  const text = decoder?.decode() ?? '';
  if (text !== '') onFault({ kind: 'not UTF-8', line, count: 1 }); // it ends in the middle of a character
  if (text !== '') yield text;
}

function decoderOf([first, second, third]: Uint8Array, onFault: (fault: ByteFault) => void): TextDecoder {
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  if (encoding !== 'utf-8') onFault({ kind: 'UTF-16', line: 1, count: 1 });
  if (first === 0xef && second === 0xbb && third === 0xbf) onFault({ kind: 'byte order mark', line: 1, count: 1 });
  return new TextDecoder(encoding);
}

const replaced = (text: string): number => (text.includes('\ufffd') ? text.split('\ufffd').length - 1 : 0);

/** How often the bytes themselves have U+FFFD. */
function replacementsIn(before: Uint8Array, slice: Uint8Array): number {
  if (slice.indexOf(REPLACEMENT[2]) < 0) return 0;
  const at = (i: number): number => (i < 0 ? before[before.length + i] : slice[i]);
  let count = 0;
  for (let i = slice.indexOf(REPLACEMENT[2]); i >= 0; i = slice.indexOf(REPLACEMENT[2], i + 1)) {
    if (at(i - 1) === REPLACEMENT[1] && at(i - 2) === REPLACEMENT[0]) count++;
  }
  return count;
}

function newLines(text: string, end: number): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
