import { checkId, decodeBytes, pairCut } from './bytes.ts';
import type { Tokenizer, TokenizerFile } from './types.ts';

const encoder = new TextEncoder();

/** The 256 byte values as tokens: nothing to learn, any text, the longest sequences. */
export class ByteTokenizer implements Tokenizer {
  readonly kind = 'byte';
  readonly vocabSize = 256;

  encode(text: string): number[] {
    return Array.from(encoder.encode(text));
  }

  decode(ids: ArrayLike<number>): string {
    return decodeBytes(this, ids);
  }

  tokenBytes(id: number): Uint8Array {
    checkId(id, this.vocabSize);
    return Uint8Array.of(id);
  }

  safeCut(text: string): number {
    return pairCut(text);
  }

  toJSON(): TokenizerFile {
    return { kind: this.kind, version: 1 };
  }
}
