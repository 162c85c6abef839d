import { measureText } from '../text/windows/dataset.ts';
import { utf8Chunks } from '../text/windows/stream.ts';
import type { TrainConfig } from '../train/config.ts';
import type { CorpusSource } from '../train/run/material.ts';
import type { TextSize } from './dial.ts';

/** Characters of a token of English, by tokenizers of some thousand pieces: 2.7 with 512, 3.3 with 2,048, 4.2 with GPT's. */
const CHARACTERS_A_TOKEN = 3.3;
/** Pieces that `bpe` has where nothing says so, and about as many of GPT's as a book uses, to which they are compacted. */
const PIECES = { bpe: 1024, gpt: 8000 } as const;

/**
 * How many tokens a text trains with, and how many different ones: exact of `char` and `byte`, estimated of pieces of words, whose
 * tokenizer would have to be trained to know. Walks over the text once. @throws UserError for what is no text
 */
export async function textSizeOf(
  corpus: CorpusSource,
  { tokenizer, validationFraction }: Pick<TrainConfig, 'tokenizer' | 'validationFraction'>,
): Promise<TextSize> {
  const letters = new Set<string>();
  async function* seen(chunks: AsyncIterable<string>): AsyncGenerator<string> {
    for await (const chunk of chunks) {
      for (const letter of chunk) letters.add(letter);
      yield chunk;
    }
  }
  const { bytes, characters } = await measureText(seen(utf8Chunks(corpus.bytes(), corpus.name)));
  const tokens =
    tokenizer === 'char' || isPieces(tokenizer)
      ? characters
      : tokenizer === 'byte'
        ? bytes
        : Math.round(characters / CHARACTERS_A_TOKEN);
  const trainTokens = Math.floor((1 - validationFraction) * tokens);
  return { trainTokens, heldOutTokens: tokens - trainTokens, vocabSize: vocabularyOf(tokenizer, letters.size) };
}

/** About a character each: what makes pieces longer is rare in most notations. */
const isPieces = (tokenizer: string): boolean => tokenizer.startsWith('pieces:');

function vocabularyOf(tokenizer: string, letters: number): number {
  if (tokenizer === 'char') return Math.max(1, letters);
  if (tokenizer === 'byte') return 256;
  if (isPieces(tokenizer)) return 2 * letters;
  const [kind, size] = tokenizer.split(':');
  return Number(size) || (kind === 'gpt' ? PIECES.gpt : PIECES.bpe);
}
