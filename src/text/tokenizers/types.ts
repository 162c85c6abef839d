/**
 * The built-in tokenizers. `bpe` is trained on the corpus; `pieces` are what a pattern found in it; `r50k`, `cl100k` and `o200k` are OpenAI's, compacted to it; `imported` is of
 * another program.
 */
export type TokenizerKind = 'byte' | 'char' | 'pieces' | 'bpe' | 'r50k' | 'cl100k' | 'o200k' | 'imported';

/** The kinds that merge bytes to tokens that are fitted to a corpus. */
export type BpeKind = Exclude<TokenizerKind, 'byte' | 'char' | 'pieces' | 'imported'>;

/** The ways in which text is cut into words. */
export type Cut = BpeKind | 'llama3' | 'digits';

/** A token that stands for a text as a whole, such as `<|endoftext|>`: found in a text before anything is cut or merged. */
export interface AddedToken {
  readonly id: number;
  /** Whether it is no part of what a text says. */
  readonly special: boolean;
  /** Looked for after those that are not, in what these leave. */
  readonly normalized: boolean;
}

/** A byte-level BPE of another program, with what it was in Hugging Face's tokenizer.json. */
export interface ImportedFile {
  readonly kind: 'imported';
  readonly version: 1;
  /** All tokens by id, spelled in GPT-2's alphabet, the added ones too. */
  readonly tokens: readonly string[];
  /** Pairs of spelled tokens with a space between them, those that merge first coming first. */
  readonly merges: readonly string[];
  /** How text is cut into words: each cuts what those before it left; none at all leaves it whole. */
  readonly cuts: readonly Cut[];
  /** Whether a word that is a token becomes it, whatever would merge. */
  readonly ignoreMerges: boolean;
  readonly added: readonly AddedToken[];
  /** The tokens with which texts begin and end, of models that know some. */
  readonly bos?: number;
  readonly eos?: number;
}

/**
 * What a tokenizer writes into a run folder: plain data, enough to build it again without the corpus or any package.
 *
 * `characters` are the alphabet in id order, `pieces` all tokens. `tokens` are the tokens of more than one byte in rank order, spelled in
 * GPT-2's printable alphabet (see bytes.ts); `mergeOnly` are the indices of those that are merged through on the way to
 * longer ones but own no row of the vocabulary.
 */
export type TokenizerFile =
  | { kind: 'byte'; version: 1 }
  | { kind: 'char'; version: 1; characters: string }
  | { kind: 'pieces'; version: 1; pieces: string[] }
  | { kind: BpeKind; version: 1; tokens: string[]; mergeOnly: number[] }
  | ImportedFile;

/**
 * Text to ids below `vocabSize` and back. `decode(encode(text)) === text` for every well-formed string (`char` and `pieces`: over
 * their alphabets); a lone surrogate has no UTF-8 form and becomes U+FFFD.
 */
export interface Tokenizer {
  readonly kind: TokenizerKind;
  readonly vocabSize: number;
  /** The tokens with which texts begin and end, of tokenizers that have such. */
  readonly bos?: number;
  readonly eos?: number;
  /** Throws UserError when the text holds a character that this tokenizer cannot write (`char` and `pieces` only). */
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
