/** How well a model predicts a text, in units that can be compared. */
import { countBytes } from '../../text/tokenizers/tokenizer.ts';
import type { Tokens } from '../../text/windows/dataset.ts';
import type { TrainConfig } from '../../train/config.ts';
import { Evaluator } from '../../train/evaluate.ts';
import { heldOutBatches } from '../../train/run/material.ts';
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

/** Scores two tokens or more as a run with such settings does, `batchSize` windows at once; of a shorter text, as many as it has. */
export async function evaluateText(
  { model, tokenizer }: Base,
  text: Tokens,
  { batchSize, wholeLines = false }: Pick<TrainConfig, 'batchSize'> & Partial<Pick<TrainConfig, 'wholeLines'>>,
): Promise<TextScore> {
  const { blockSize } = model.config;
  const rows = Math.min(batchSize, Math.ceil((text.length - 1) / blockSize));
  const batches = heldOutBatches(text, tokenizer, { batchSize: rows, blockSize, wholeLines });
  const { loss, tokens } = await new Evaluator(model, rows).score(batches);
  const bytes = countBytes(tokenizer, text.subarray(1)); // the first token is given, not predicted
  return { tokens, bytes, loss, perplexity: Math.exp(loss), bitsPerByte: (loss * tokens) / bytes / Math.LN2 };
}
