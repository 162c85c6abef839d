import { pairCut } from './bytes.ts';
import { TokenTable } from './tokenTable.ts';
import type { TokenizerFile } from './types.ts';

/** The 256 byte values as tokens: nothing to learn, any text, the longest sequences. */
export class ByteTokenizer extends TokenTable {
  readonly kind = 'byte';

  constructor() {
    super(Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)));
  }

  encode(text: string): number[] {
    return Array.from(new TextEncoder().encode(text));
  }

  safeCut(text: string): number {
    return pairCut(text);
  }

  toJSON(): TokenizerFile {
    return { kind: this.kind, version: 1 };
  }
}
