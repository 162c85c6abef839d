import { UsageError } from '../../errors.ts';
import { quote } from '../../quote.ts';
import { trainBpe } from './bpeTrain.ts';
import { ByteTokenizer } from './byteTokenizer.ts';
import { trainChar } from './charTokenizer.ts';
import { compactGpt } from './gpt.ts';
import { trainPieces } from './pieceTokenizer.ts';
import type { Tokenizer } from './types.ts';

export { countBytes } from './bytes.ts';
export { tokenizerFromJSON } from './file.ts';
export { StreamDecoder } from './streamDecoder.ts';
export type { Tokenizer, TokenizerFile, TokenizerKind } from './types.ts';

const DEFAULT_BPE_VOCABULARY = 1024;

/** What `trainTokenizer` takes, for help texts. */
export const TOKENIZER_SPECS =
  "byte, char, bpe or bpe:N (trained on the corpus, N tokens, default 1024), gpt (OpenAI's r50k, compacted), " +
  'gpt:cl100k, gpt:o200k, pieces:REGEX (what a regular expression finds, and single characters)';

/**
 * The tokenizer that `spec` names, fitted to a text of which `chunks` gives a fresh stream each time it is called.
 * Throws UsageError on an unknown spec.
 */
export async function trainTokenizer(spec: string, chunks: () => AsyncIterable<string>): Promise<Tokenizer> {
  switch (spec) {
    case 'byte':
      return new ByteTokenizer();
    case 'char':
      return trainChar(chunks());
    case 'bpe':
      return trainBpe(chunks(), DEFAULT_BPE_VOCABULARY);
    case 'gpt':
    case 'gpt:r50k':
      return compactGpt('r50k', chunks());
    case 'gpt:cl100k':
      return compactGpt('cl100k', chunks());
    case 'gpt:o200k':
      return compactGpt('o200k', chunks());
  }
  if (spec.startsWith('pieces:')) return trainPieces(spec.slice(7), chunks());
  if (spec.startsWith('bpe:')) return trainBpe(chunks(), Number(spec.slice(4)));
  throw new UsageError(`unknown tokenizer ${quote(spec)}; choose one of: ${TOKENIZER_SPECS}`);
}
