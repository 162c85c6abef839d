import type { GPT } from '../../model/gpt.ts';
import type { Head, Pooling } from '../../model/heads.ts';
import { encodeText } from '../../text/labels/labelledBatches.ts';
import type { Tokenizer } from '../../text/tokenizers/tokenizer.ts';
import { softmax } from '../metrics/temperature.ts';
import { TextPasses } from '../textPasses.ts';

/** Texts that a tuned model reads at once. */
const BATCH_SIZE = 16;

export interface ClassifierParts {
  readonly model: GPT;
  readonly head: Head;
  readonly tokenizer: Tokenizer;
  /** The K classes of the head, in order. */
  readonly classes: readonly string[];
  readonly pooling: Pooling;
  /** Tokens of a text that are read at most; the context unless given. */
  readonly maxTokens?: number;
  /** What logits are divided by, so that probabilities tell how often the classifier is right. */
  readonly temperature: number;
}

/** Tokens of a text that are read at most. */
export const tokensRead = ({ config }: GPT, maxTokens = config.blockSize): number =>
  Math.min(maxTokens, config.blockSize);

/** A tuned model at work: the probability of each class for texts of any length, of which the context's length is read. */
export class Classifier {
  private readonly passes: TextPasses;

  constructor(
    readonly parts: ClassifierParts,
    batchSize = BATCH_SIZE,
  ) {
    const { model, head, pooling } = parts;
    this.passes = new TextPasses({ model, pooling, batchSize }, (states) => head.logits(states));
  }

  /** (K) for each text, in the order of the classes. @throws UserError for a text that is empty or of unknown characters */
  async probabilities(texts: readonly string[]): Promise<Float64Array[]> {
    const { tokenizer, model, temperature, maxTokens } = this.parts;
    const most = tokensRead(model, maxTokens);
    const encoded = texts.map((text) => encodeText(tokenizer, text, most));
    return (await this.passes.rows(encoded)).map((logits) => softmax(logits, temperature));
  }
  /** Hands back the memory of what was recorded; a later call records anew. */
  dispose(): void {
    this.passes.dispose();
  }
}
