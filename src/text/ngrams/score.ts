import { type Batch, type CountedBatches, IGNORE, spreadBatches } from '../windows/windows.ts';
import type { KneserNey } from './kneserNey.ts';

/** How n-grams predict windows of text. */
export interface NgramScore {
  /** Nats a token. */
  readonly loss: number;
  /** Tokens predicted. */
  readonly tokens: number;
  /** Standard deviation of the losses of tokens. */
  readonly deviation: number;
  /** Of each window: nats a token, and of how many. */
  readonly windows: readonly { readonly loss: number; readonly tokens: number }[];
}

export interface ScoreOptions {
  /** Tokens of a window, T. */
  readonly blockSize: number;
  /** Of the n-grams that predict; that of the counts unless given. */
  readonly order?: number;
  /** Batches to score, spread evenly; 0 for all. */
  readonly most?: number;
}

/**
 * Scores the same targets as a model is scored on, after the same tokens: a context does not reach beyond the beginning of its window,
 * before which the model sees nothing either.
 */
export function scoreBatches(
  model: KneserNey,
  batches: CountedBatches,
  { blockSize, order = model.counts.order, most = 0 }: ScoreOptions,
): NgramScore {
  const windows: { loss: number; tokens: number }[] = [];
  let [sum, squares, tokens] = [0, 0, 0];
  for (const batch of spreadBatches(batches, most)) {
    for (let row = 0; row < batch.inputs.length; row += blockSize) {
      const window = scoreWindow(model, batch, row, row + blockSize, order);
      sum += window.sum;
      squares += window.squares;
      tokens += window.tokens;
      if (window.tokens > 0) windows.push({ loss: window.sum / window.tokens, tokens: window.tokens });
    }
  }
  const loss = sum / tokens;
  return { loss, tokens, deviation: Math.sqrt(Math.max(0, squares / tokens - loss * loss)), windows };
}

function scoreWindow(model: KneserNey, { inputs, targets }: Batch, begin: number, end: number, order: number) {
  let [sum, squares, tokens] = [0, 0, 0];
  for (let i = begin; i < end; i++) {
    if (targets[i] === IGNORE) continue;
    const loss = -Math.log(model.probabilityAfter(inputs, Math.max(begin, i + 2 - order), i + 1, targets[i]));
    sum += loss;
    squares += loss * loss;
    tokens++;
  }
  return { sum, squares, tokens };
}
