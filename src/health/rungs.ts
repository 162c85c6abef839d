import { KneserNey } from '../text/ngrams/kneserNey.ts';
import { NgramCounts } from '../text/ngrams/ngrams.ts';
import { type NgramScore, scoreBatches } from '../text/ngrams/score.ts';
import type { Tokenizer } from '../text/tokenizers/tokenizer.ts';
import type { Tokens } from '../text/windows/dataset.ts';
import { type CountedBatches, IGNORE, spreadBatches } from '../text/windows/windows.ts';

/** What a model's loss is put among: predictions without a model. */
export interface Rung {
  readonly name: string;
  /** Tokens of the n-grams that predict; 0 for a guess. */
  readonly order: number;
  /** Nats a token, on the targets that the model is scored on. */
  readonly loss: number;
  readonly bitsPerByte: number;
}

/** The rungs of a text. */
export interface Rungs {
  /** From guessing to 5-grams. */
  readonly rungs: readonly Rung[];
  /** Held-out tokens that were predicted. */
  readonly tokens: number;
  /** Training tokens whose n-grams were counted: of a large text the last ones, next to the held-out part. */
  readonly countedTokens: number;
  /** Losses of the held-out windows, by the longest n-grams. */
  readonly windows: NgramScore['windows'];
  /** Standard deviation of the losses of tokens, by the longest n-grams. */
  readonly deviation: number;
}

/** A text as a run has it. */
export interface RungText {
  readonly train: Tokens;
  /** As the run's own validation has them. */
  readonly validation: CountedBatches;
  readonly tokenizer: Tokenizer;
  /** Context, in tokens. */
  readonly blockSize: number;
  /** Batches that are scored, spread evenly: as many as the run's last validation scored (`finalBatches`). 0 for all. */
  readonly most?: number;
}

/** Text that is counted at most: seconds, and some hundred megabytes while it lasts. */
const MOST_BYTES = 20_000_000;

const LADDER = [
  ['token frequencies', 1],
  ['bigrams', 2],
  ['trigrams', 3],
  ['5-grams', 5],
] as const;

/**
 * What guessing, token frequencies, bigrams, trigrams and 5-grams (interpolated Kneser-Ney, counted on the training part) reach on the
 * held-out text. They predict the tokens that the model predicts, in the same windows, and see no more of what was before than it does;
 * across windows they would gain where a model with its short context could not.
 */
export function rungsOf({ train, validation, tokenizer, blockSize, most = 0 }: RungText): Rungs {
  const { vocabSize } = tokenizer;
  const { tokens, bytes } = sizeOfTargets(validation, most, tokenizer);
  const counted = train.subarray(-Math.max(1, Math.floor((MOST_BYTES * tokens) / bytes)));
  const model = new KneserNey(new NgramCounts(counted, LADDER[LADDER.length - 1][1], vocabSize));
  const rung = (name: string, order: number, loss: number): Rung => ({
    ...{ name, order, loss, bitsPerByte: (loss * tokens) / bytes / Math.LN2 },
  });
  const scores = LADDER.map(([, order]) => scoreBatches(model, validation, { blockSize, order, most }));
  const longest = scores[scores.length - 1];
  return {
    rungs: [
      rung('guessing', 0, Math.log(vocabSize)),
      ...LADDER.map(([name, order], i) => rung(name, order, scores[i].loss)),
    ],
    tokens,
    countedTokens: counted.length,
    windows: longest.windows,
    deviation: longest.deviation,
  };
}

function sizeOfTargets(validation: CountedBatches, most: number, tokenizer: Tokenizer) {
  const times = new Map<number, number>();
  for (const { targets } of spreadBatches(validation, most)) {
    for (const token of targets) if (token !== IGNORE) times.set(token, (times.get(token) ?? 0) + 1);
  }
  let [tokens, bytes] = [0, 0];
  for (const [token, count] of times) {
    tokens += count;
    bytes += count * tokenizer.tokenBytes(token).length;
  }
  return { tokens, bytes };
}

/** Where a loss stands: "better than trigrams (2.10), not yet 5-grams (1.93)". */
export function placeAmong({ rungs }: Pick<Rungs, 'rungs'>, loss: number): string {
  const inWords = ({ name, loss }: Rung): string => `${name} (${loss.toFixed(2)})`;
  const byLoss = [...rungs].sort((a, b) => b.loss - a.loss);
  const above = byLoss.filter((rung) => rung.loss > loss).at(-1);
  const next = byLoss.find((rung) => !(rung.loss > loss));
  if (!above) return `no better than ${inWords(byLoss[0])}`;
  return next ? `better than ${inWords(above)}, not yet ${inWords(next)}` : `better than ${inWords(above)}`;
}
