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
import type { GPT } from '../../model/gpt.ts';
import { type Question, Scorer } from '../../model/score.ts';
import type { MembershipRow, MemoryFindings } from '../../report/trust/memory.ts';
import { KneserNey } from '../../text/ngrams/kneserNey.ts';
import { NgramCounts } from '../../text/ngrams/ngrams.ts';
import type { Tokens } from '../../text/windows/dataset.ts';
import { mix } from '../../text/windows/permutation.ts';
import type { SavedRun } from '../../train/savedRun.ts';
import type { QuestionedRun } from '../questioned.ts';
import { drawPlaces } from './extraction.ts';
import { bytesOf } from './trainText.ts';

/** Of the reference: tokens of its n-grams, and how many tokens they are counted on at most. */
const ORDER = 5;
const MOST_COUNTED = 10_000_000;
/** Draws of the bootstrap. */
const DRAWS = 1000;
/** Windows of each part from which anything can be told. */
const FEWEST = 10;
/** Logits of a batch, numbers. */
const MOST_LOGITS = 2 ** 22;

type Membership = NonNullable<MemoryFindings['membership']>;

/** Another run as a reference, and what it is called. */
export interface Reference extends Pick<SavedRun, 'model' | 'tokenizer'> {
  readonly name: string;
}

/**
 * Scores windows of both parts; of a text that has too few, nothing.
 * @throws UserError where a reference cannot write the text
 */
export async function membership(run: QuestionedRun, other?: Reference): Promise<Membership | undefined> {
  const { dataset, samples, seed } = run;
  const { blockSize } = run.run.config;
  const half = Math.floor(dataset.train.length / 2);
  const known = windowsOf(dataset.train.subarray(half), blockSize, samples, mix(seed, 1));
  const unknown = windowsOf(dataset.validation, blockSize, samples, mix(seed, 2));
  if (Math.min(known.length, unknown.length) < FEWEST) return undefined;
  const windows = [...known, ...unknown];
  const losses = await lossesOf(run, run.run.model, windows, 'windows scored');
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
  const others = other && (await otherLosses(run, other, windows));
  const rows = [
    row('loss', (i) => losses[i]),
    row('loss by the bytes that deflate makes of it', (i) => (losses[i] * windows[i].length) / deflated[i]),
    row('loss less that of 5-grams which saw neither', (i) => losses[i] - referenceLosses[i]),
    ...(others ? [row(`loss less that of ${other.name}`, (i) => losses[i] - others[i])] : []),
    row('5-grams which saw neither, alone', (i) => referenceLosses[i]),
  ];
  return { windows: known.length, heldOut: unknown.length, tokens: blockSize, rows };
}

/** Windows that share no token: blockSize + 1 tokens, as in training. Of a short text all that it has. */
function windowsOf(tokens: Tokens, blockSize: number, most: number, key: number): Tokens[] {
  const size = Math.floor(tokens.length / (blockSize + 1));
  return drawPlaces(size, most, key).map((place) =>
    tokens.subarray(place * (blockSize + 1), (place + 1) * (blockSize + 1)),
  );
}

/** Nats a token of each window by the other model, whose tokens may be others: of the run's own tokens. */
async function otherLosses(run: QuestionedRun, { model, tokenizer, name }: Reference, windows: readonly Tokens[]) {
  const own = windows.map((window) => Uint32Array.from(tokenizer.encode(run.run.tokenizer.decode(window))));
  const losses = await lossesOf(run, model, own, `windows scored by ${name}`);
  return losses.map((loss, i) => (loss * (own[i].length - 1)) / (windows[i].length - 1));
}

/** Nats a token of each window, without dropout: all but its first token are predicted. What exceeds the context begins anew. */
async function lossesOf(
  { signal, onProgress }: QuestionedRun,
  model: GPT,
  windows: readonly Tokens[],
  what: string,
): Promise<number[]> {
  const { vocabSize, blockSize } = model.config;
  const batch = Math.max(1, Math.min(16, Math.floor(MOST_LOGITS / (vocabSize * blockSize))));
  const scorer = new Scorer(model, batch);
  const losses: number[] = [];
  for (let start = 0; start < windows.length; start += batch) {
    signal?.throwIfAborted();
    const some = windows.slice(start, start + batch).map((window) => questionsOf(window, blockSize));
    const scores = await scorer.score(some.flat());
    let next = 0;
    for (const pieces of some) {
      const tokens = pieces.reduce((sum, { continuations: [one] }) => sum + one.length, 0);
      let sum = 0;
      for (let i = 0; i < pieces.length; i++) sum -= scores[next++][0].sum;
      losses.push(sum / tokens);
    }
    onProgress?.(losses.length, windows.length, what);
  }
  scorer.dispose();
  return losses;
}

/** All tokens of a window but the first as continuations, each of what the context holds. */
function questionsOf(window: Tokens, blockSize: number): Question[] {
  const questions: Question[] = [];
  for (let at = 0; at + 1 < window.length; at += blockSize) {
    questions.push({
      prompt: window.subarray(at, at + 1),
      continuations: [window.subarray(at + 1, at + 1 + blockSize)],
    });
  }
  return questions;
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
