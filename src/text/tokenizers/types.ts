/** The built-in tokenizers. `bpe` is trained on the corpus; `r50k`, `cl100k` and `o200k` are OpenAI's, compacted to it. */
export type TokenizerKind = 'byte' | 'char' | 'bpe' | 'r50k' | 'cl100k' | 'o200k';

/** The kinds that merge bytes. */
export type BpeKind = Exclude<TokenizerKind, 'byte' | 'char'>;

/**
 * What a tokenizer writes into a run folder: plain data, enough to build it again without the corpus or any package.
 *
 * `characters` are the alphabet in id order. `tokens` are the tokens of more than one byte in rank order, spelled in
 * GPT-2's printable alphabet (see bytes.ts); `mergeOnly` are the indices of those that are merged through on the way to
 * longer ones but own no row of the vocabulary.
 */
export type TokenizerFile =
  | { kind: 'byte'; version: 1 }
  | { kind: 'char'; version: 1; characters: string }
  | { kind: BpeKind; version: 1; tokens: string[]; mergeOnly: number[] };

/**
 * Text to ids below `vocabSize` and back. `decode(encode(text)) === text` for every well-formed string (`char`: over its
 * alphabet); a lone surrogate has no UTF-8 form and becomes U+FFFD.
 */
export interface Tokenizer {
  readonly kind: TokenizerKind;
  readonly vocabSize: number;
  /** Throws UserError when the text holds a character that this tokenizer cannot write (`char` only). */
  encode(text: string): number[];
  /** Bytes that are not UTF-8, as a model may sample them, become U+FFFD. Throws UserError on an id >= vocabSize. */
  decode(ids: ArrayLike<number>): string;
  /** The UTF-8 bytes of one token; concatenated over a text they are its bytes. Throws UserError on an id >= vocabSize. */
  tokenBytes(id: number): Uint8Array;
  /**
   * The last position at which `text` may be cut so that, whatever follows it, the two sides encode to the ids of the
   * whole; 0 when there is none.
   */
  safeCut(text: string): number;
  toJSON(): TokenizerFile;
}
