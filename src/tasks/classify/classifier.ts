import type { GPT } from '../../model/gpt.ts';
import { type Head, type Pooling, pool, poolingPlaces } from '../../model/heads.ts';
import type { Inputs } from '../../model/passes.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { type EncodedText, encodeText, padTexts } from '../../text/labels/labelledBatches.ts';
import type { Tokenizer } from '../../text/tokenizers/tokenizer.ts';
import { type Batch, Predictor } from '../batches.ts';
import { softmax } from '../metrics/temperature.ts';

/** Texts that a fine-tuned model reads at once. */
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

/** Encodes texts, of which `maxTokens` are read at most. @throws UserError for a text that is empty or of unknown characters */
export const encodeTexts = (
  { model: { config }, tokenizer }: Pick<ClassifierParts, 'model' | 'tokenizer'>,
  texts: readonly string[],
  maxTokens = config.blockSize,
): EncodedText[] => texts.map((text) => encodeText(tokenizer, text, Math.min(maxTokens, config.blockSize)));

/** (B, T) u32, (B) u32: see `poolingPlaces` */
type TextInputs = 'ids' | 'places';

/** Whole texts through a model: the pooled `states` of its last layer, and the head's `logits` over them. */
export function textModel(
  { model, head, pooling }: Pick<ClassifierParts, 'model' | 'head' | 'pooling'>,
  batchSize: number,
) {
  const pad = (texts: readonly EncodedText[]): Batch<TextInputs> => {
    const { length, ids, lengths } = padTexts(texts, batchSize, model.config.blockSize);
    const places = poolingPlaces(lengths, pooling);
    return { length, values: { ids: [ids, [batchSize, length]], places: [places, [batchSize]] } };
  };
  const states = ({ ids, places }: Inputs<TextInputs>, state?: Tensor): Tensor =>
    pool(model.hidden(ids, { state }), places, pooling); //                                    (B, C)
  const logits: typeof states = (inputs, state) => head.logits(states(inputs, state)); //      (B, K)
  return { engine: model.engine, batchSize, pad, states, logits };
}

/** A fine-tuned model at work: the probability of each class for texts of any length, of which the context's length is read. */
export class Classifier {
  private readonly predictor: Predictor<EncodedText, TextInputs>;

  constructor(
    readonly parts: ClassifierParts,
    batchSize = BATCH_SIZE,
  ) {
    this.predictor = new Predictor(textModel(parts, batchSize));
  }

  /** Tokens of a text that are read at most. */
  get context(): number {
    const { model, maxTokens = model.config.blockSize } = this.parts;
    return Math.min(maxTokens, model.config.blockSize);
  }

  /** A text as it is read. @throws UserError when it is empty or of unknown characters */
  encode(text: string): EncodedText {
    return encodeText(this.parts.tokenizer, text, this.context);
  }

  /** (K) for each text, in the order of the classes. */
  async score(texts: readonly EncodedText[]): Promise<Float64Array[]> {
    const logits = await this.predictor.rows(texts);
    return logits.map((row) => softmax(row, this.parts.temperature));
  }

  /** The same of texts as they are written. @throws UserError for one that is empty or of unknown characters */
  probabilities(texts: readonly string[]): Promise<Float64Array[]> {
    return this.score(texts.map((text) => this.encode(text)));
  }

  /** Hands back the memory of what was recorded; a later call records anew. */
  dispose(): void {
    this.predictor.dispose();
  }
}
