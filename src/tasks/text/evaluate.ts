/** How well a model predicts a text, in units that can be compared. */
import { countBytes } from '../../text/tokenizers/tokenizer.ts';
import type { Tokens } from '../../text/windows/dataset.ts';
import { Evaluator } from '../../train/evaluate.ts';
import type { Base } from '../fineTuned.ts';

/** How well a text was predicted. */
export interface TextScore {
  /** Tokens that were predicted: all but the first. */
  readonly tokens: number;
  /** Their bytes. */
  readonly bytes: number;
  /** Nats a token. */
  readonly loss: number;
  readonly perplexity: number;
  /** Comparable across tokenizers. */
  readonly bitsPerByte: number;
}

/** Scores two tokens or more, `batchSize` windows at once; of a shorter text, as many as it has. */
export async function evaluateText({ model, tokenizer }: Base, text: Tokens, batchSize: number): Promise<TextScore> {
  const windows = Math.ceil((text.length - 1) / model.config.blockSize);
  const { loss, tokens } = await new Evaluator(model, Math.min(batchSize, windows)).run(text);
  const bytes = countBytes(tokenizer, text.subarray(1)); // the first token is given, not predicted
  return { tokens, bytes, loss, perplexity: Math.exp(loss), bitsPerByte: (loss * tokens) / bytes / Math.LN2 };
}
