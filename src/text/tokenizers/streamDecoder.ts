import { utf8Decoder } from './bytes.ts';
import type { Tokenizer } from './types.ts';

/** Text of tokens that come one at a time: a character whose bytes are split over tokens appears with its last one. */
export class StreamDecoder {
  readonly #tokenizer: Tokenizer;
  readonly #decoder = utf8Decoder();

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** The text that token `id` completes, often ''. Bytes that cannot become UTF-8 appear as U+FFFD. */
  push(id: number): string {
    return this.#decoder.decode(this.#tokenizer.tokenBytes(id), { stream: true });
  }

  /** U+FFFD for a character that never was completed, else ''. The decoder is then as new. */
  flush(): string {
    return this.#decoder.decode();
  }
}
