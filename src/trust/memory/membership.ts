/**
 * Membership inference: can windows that were trained on be told from held-out ones? By the model's loss (Yeom et al., 2018), by that beside
 * what deflate makes of the window (Carlini et al., "Extracting Training Data from Large Language Models", 2021), and beside the loss of a
 * reference model that saw neither. The area under the ROC curve of each is 0.5 where it tells nothing.
 *
 * A text's end may simply be another one than what was before it; then windows are told apart without any memory. So the reference, 5-grams
 * counted on the first half of the training part, is a baseline too: training windows are drawn from the second half, of which it knows
 * as little as of the held-out part (Duan et al., "Do Membership Inference Attacks Work on Large Language Models?", 2024).
 */
import { deflateRawSync } from 'node:zlib';
import { quantile } from 'simple-statistics';
import { type Question, Scorer } from '../../model/score.ts';
import type { MembershipRow, MemoryFindings } from '../../report/trust/memory.ts';
import { KneserNey } from '../../text/ngrams/kneserNey.ts';
import { NgramCounts } from '../../text/ngrams/ngrams.ts';
import type { Tokens } from '../../text/windows/dataset.ts';
import { mix } from '../../text/windows/permutation.ts';
import type { QuestionedRun } from '../questioned.ts';
import { drawPlaces } from './extraction.ts';
import { bytesOf } from './trainText.ts';

/** Of the reference: tokens of its n-grams, and how many tokens they are counted on at most. */
const ORDER = 5;
const MOST_COUNTED = 10_000_000;
/** Draws of the bootstrap. */
const DRAWS = 1000;
/** Logits of a batch, numbers. */
const MOST_LOGITS = 2 ** 22;

type Membership = NonNullable<MemoryFindings['membership']>;

/** Scores windows of both parts, as many of one as of the other. */
export async function membership(run: QuestionedRun): Promise<Membership> {
  const { dataset, samples, seed } = run;
  const { blockSize } = run.run.config;
  const half = Math.floor(dataset.train.length / 2);
  const known = windowsOf(dataset.train.subarray(half), blockSize, samples, mix(seed, 1));
  const unknown = windowsOf(dataset.validation, blockSize, samples, mix(seed, 2));
  const windows = [...known, ...unknown];
  const losses = await lossesOf(run, windows);
  const { vocabSize } = run.run.tokenizer;
  const reference = new KneserNey(
    new NgramCounts(dataset.train.subarray(0, half).subarray(-MOST_COUNTED), ORDER, vocabSize),
  );
  const referenceLosses = windows.map((window) => reference.crossEntropy(window));
  const deflated = windows.map((window) => deflateRawSync(bytesOf(window, run.run.tokenizer).bytes).length);
  const row = (score: string, of: (i: number) => number): MembershipRow => {
    const values = windows.map((_, i) => of(i));
    return { score, ...aucWithBand(values.slice(0, known.length), values.slice(known.length), mix(seed, 3)) };
  };
  const rows = [
    row('loss', (i) => losses[i]),
    row('loss by the bytes that deflate makes of it', (i) => (losses[i] * windows[i].length) / deflated[i]),
    row('loss less that of 5-grams which saw neither', (i) => losses[i] - referenceLosses[i]),
    row('5-grams which saw neither, alone', (i) => referenceLosses[i]),
  ];
  return { windows: Math.min(known.length, unknown.length), tokens: blockSize, rows };
}

/** Windows that share no token: blockSize + 1 tokens, as in training. Of a short text all that it has. */
function windowsOf(tokens: Tokens, blockSize: number, most: number, key: number): Tokens[] {
  const size = Math.floor(tokens.length / (blockSize + 1));
  return drawPlaces(size, most, key).map((place) =>
    tokens.subarray(place * (blockSize + 1), (place + 1) * (blockSize + 1)),
  );
}

/** Nats a token of each window, without dropout: all but its first token are predicted. */
async function lossesOf({ run, signal, onProgress }: QuestionedRun, windows: readonly Tokens[]): Promise<number[]> {
  const { vocabSize, blockSize } = run.model.config;
  const batch = Math.max(1, Math.min(16, Math.floor(MOST_LOGITS / (vocabSize * blockSize))));
  const scorer = new Scorer(run.model, batch);
  const losses: number[] = [];
  for (let start = 0; start < windows.length; start += batch) {
    signal?.throwIfAborted();
    const questions = windows
      .slice(start, start + batch)
      .map((window): Question => ({ prompt: window.subarray(0, 1), continuations: [window.subarray(1)] }));
    for (const [{ mean }] of await scorer.score(questions)) losses.push(-mean);
    onProgress?.(losses.length, windows.length, 'windows scored');
  }
  scorer.dispose();
  return losses;
}

/** P(a score of the known < one of the unknown), ties by half: the Mann-Whitney statistic, by ranks. */
export function auc(known: readonly number[], unknown: readonly number[]): number {
  const order = [...unknown].sort((a, b) => a - b);
  let sum = 0;
  for (const score of known) sum += order.length - (lower(order, score) + upper(order, score)) / 2;
  return sum / (known.length * unknown.length);
}

/** How many of a sorted list are below a value; and below it or equal. */
const lower = (order: readonly number[], value: number): number => bisect(order, (one) => one < value);
const upper = (order: readonly number[], value: number): number => bisect(order, (one) => one <= value);

function bisect(order: readonly number[], isBefore: (one: number) => boolean): number {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(order[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** With the 95% band of a bootstrap that draws windows of each part anew (percentiles). */
export function aucWithBand(known: readonly number[], unknown: readonly number[], key: number) {
  const redraw = (scores: readonly number[], stream: number): number[] =>
    scores.map((_, i) => scores[mix(stream, i) % scores.length]);
  const drawn = Array.from({ length: DRAWS }, (_, i) =>
    auc(redraw(known, mix(key, 2 * i)), redraw(unknown, mix(key, 2 * i + 1))),
  );
  const [low, high] = quantile(drawn, [0.025, 0.975]);
  return { auc: auc(known, unknown), low, high };
}
