import { UserError } from '../../errors.ts';
import { StreamDecoder } from './streamDecoder.ts';
import type { Tokenizer, TokenizerFile, TokenizerKind } from './types.ts';

/** What all tokenizers do alike: a token is its bytes, and a text those of its tokens together. */
export abstract class TokenTable implements Tokenizer {
  abstract readonly kind: TokenizerKind;
  readonly vocabSize: number;

  /** `bytes`: the UTF-8 bytes of each token. */
  constructor(private readonly bytes: readonly Uint8Array[]) {
    this.vocabSize = bytes.length;
  }

  tokenBytes(id: number): Uint8Array {
    if (Number.isInteger(id) && id >= 0 && id < this.vocabSize) return this.bytes[id];
    throw new UserError(
      `token ${id} is outside of this tokenizer's vocabulary of ${this.vocabSize}; use the tokenizer that was saved beside the model`,
    );
  }

  decode(ids: ArrayLike<number>): string {
    const decoder = new StreamDecoder(this);
    return Array.from(ids, (id) => decoder.push(id)).join('') + decoder.flush();
  }

  abstract encode(text: string): number[];
  abstract safeCut(text: string): number;
  abstract toJSON(): TokenizerFile;
}
