/** The training part of a run's text as bytes, with its index and the places of its passages in the source. */
import { SuffixArray } from '../../text/ngrams/suffixArray.ts';
import type { Tokenizer } from '../../text/tokenizers/types.ts';
import type { Tokens } from '../../text/windows/dataset.ts';
import type { TextBytes } from '../../text/windows/stream.ts';
import type { CorpusSource } from '../../train/run/material.ts';

/** Tokens as the bytes that they stand for. */
export function bytesOf(tokens: Tokens, tokenizer: Tokenizer): { bytes: Uint8Array; starts: Uint32Array } {
  const starts = new Uint32Array(tokens.length + 1);
  for (let i = 0; i < tokens.length; i++) starts[i + 1] = starts[i] + tokenizer.tokenBytes(tokens[i]).length;
  const bytes = new Uint8Array(starts[tokens.length]);
  for (let i = 0; i < tokens.length; i++) bytes.set(tokenizer.tokenBytes(tokens[i]), starts[i]);
  return { bytes, starts };
}

const NEW_LINE = 10;

export class TrainText {
  readonly bytes: Uint8Array;
  /** Of each token, where its bytes begin; and the end of all. */
  readonly starts: Uint32Array;
  private made: SuffixArray | undefined;

  constructor(
    readonly tokens: Tokens,
    tokenizer: Tokenizer,
    private readonly files: readonly FileStart[],
  ) {
    ({ bytes: this.bytes, starts: this.starts } = bytesOf(tokens, tokenizer));
  }

  /** Made when it is first asked for. */
  get index(): SuffixArray {
    this.made ??= new SuffixArray(this.bytes);
    return this.made;
  }

  /** How often the passage of the tokens from `from` to before `to` stands in the text. */
  copies(from: number, to: number): number {
    return this.index.places(this.bytes, this.starts[from], this.starts[to]).length;
  }

  /** The token that begins at a byte; undefined where none does. */
  tokenAt(byte: number): number | undefined {
    let [low, high] = [0, this.starts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.starts[middle] < byte) low = middle + 1;
      else high = middle;
    }
    return this.starts[low] === byte ? low : undefined;
  }

  /** The line of the source that a byte lies in, from 1, and its file where there are several. Lines of planted canaries do not count. */
  placeOf(byte: number): { line: number; file?: string } {
    const { start, file, planted } = this.files.findLast((one) => one.start <= byte) ?? { start: 0, planted: [] };
    let line = 1;
    for (let i = start; i < byte; i++) if (this.bytes[i] === NEW_LINE) line++;
    const more = planted.filter((at) => at < byte).length;
    return { line: Math.max(1, line - more), ...(file !== undefined && { file }) };
  }
}

/** Where a file's text begins among the bytes of all, and the sentences planted in it. */
export interface FileStart {
  readonly file?: string;
  readonly start: number;
  readonly planted: number[];
}

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** The files of a corpus, as far as its bytes say of which they are. Byte order marks are no part of the text. */
export async function filesOf(corpus: CorpusSource): Promise<FileStart[]> {
  const files: FileStart[] = [];
  let at = 0;
  for await (const chunk of corpus.bytes() as AsyncIterable<TextBytes>) {
    if (files.length === 0 || chunk.file !== files.at(-1)!.file) {
      files.push({ file: chunk.file, start: at, planted: [] });
      if (BYTE_ORDER_MARK.every((byte, i) => chunk[i] === byte)) at -= BYTE_ORDER_MARK.length;
    }
    if (chunk.planted) files.at(-1)!.planted.push(at);
    at += chunk.length;
  }
  return files.length > 1 ? files : files.map(({ start, planted }) => ({ start, planted }));
}
