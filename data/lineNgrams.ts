import { smallest } from '../src/numbers.ts';
import { threefry, toUnit } from '../src/tensor/random.ts';
import { KneserNey } from '../src/text/ngrams/kneserNey.ts';
import { NgramCounts } from '../src/text/ngrams/ngrams.ts';
import type { Tokens } from '../src/text/windows/dataset.ts';

/** Lengths of n-grams that are tried. */
const ORDERS = [3, 4, 5, 6, 7, 8];

/** Lines written and scored by n-grams of their tokens (Kneser-Ney): what models of lines are held against. */
export class LineNgrams {
  /**
   * @param end the token that ends a line
   * @param longest tokens that a written line has at most
   */
  constructor(
    private readonly model: KneserNey,
    private readonly end: number,
    private readonly longest = 120,
  ) {}

  /** Counts lines; the length of n-grams is the one that predicts held-out lines best. Both texts begin with `end`. */
  static fit(train: Tokens, heldOut: Tokens, vocabSize: number, end: number): LineNgrams {
    const most = new KneserNey(new NgramCounts(train, ORDERS.at(-1)!, vocabSize));
    const losses = ORDERS.map((order) => most.crossEntropy(heldOut, order));
    const order = ORDERS[losses.indexOf(smallest(losses))];
    return new LineNgrams(
      order === most.counts.order ? most : new KneserNey(new NgramCounts(train, order, vocabSize)),
      end,
    );
  }

  get order(): number {
    return this.model.counts.order;
  }

  /** What follows a prompt up to the end of the line: the one of that number among those of a seed. */
  write(prompt: readonly number[], seed: number, which = 0): number[] {
    const tokens = [this.end, ...prompt];
    while (tokens.length <= this.longest) {
      const [bits] = threefry(seed, which, tokens.length, 0);
      const next = this.model.sample(tokens, toUnit(bits));
      if (next === this.end) break;
      tokens.push(next);
    }
    return tokens.slice(1 + prompt.length);
  }

  /** Nats of a line's tokens, its end included. */
  nats(line: readonly number[]): number {
    return (line.length + 1) * this.model.crossEntropy(Uint32Array.from([this.end, ...line, this.end]));
  }
}
