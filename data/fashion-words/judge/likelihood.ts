/** What counting makes of pictures: the baselines of a model's nats. */
import { GRID, PATCHES } from '../patches.ts';

/** Weight of the distribution that a count is mixed with, in pictures. */
const PRIOR = 4;

/** Counts of codes by what stands before them. */
class Counts {
  readonly #counts = new Map<string, Map<number, number>>();
  readonly #totals = new Map<string, number>();

  add(context: string, code: number): void {
    const counts = this.#counts.get(context) ?? new Map<number, number>();
    this.#counts.set(context, counts.set(code, (counts.get(code) ?? 0) + 1));
    this.#totals.set(context, (this.#totals.get(context) ?? 0) + 1);
  }

  /** Probability of a code, mixed with one that knows less. */
  probability(context: string, code: number, without: number): number {
    const count = this.#counts.get(context)?.get(code) ?? 0;
    return (count + PRIOR * without) / ((this.#totals.get(context) ?? 0) + PRIOR);
  }
}

/** Probabilities of codes by where they stand; by the code to their left too; and by the one above as well. Each is mixed with the one before. */
export class CountedPictures {
  readonly #byPlace = new Counts();
  readonly #byLeft = new Counts();
  readonly #byBoth = new Counts();

  constructor(
    pictures: readonly (readonly number[])[],
    private readonly codes: number,
  ) {
    for (const picture of pictures) {
      for (const [i, code] of picture.entries()) {
        const { left, both } = contextsOf(picture, i);
        this.#byPlace.add(String(i), code);
        this.#byLeft.add(left, code);
        this.#byBoth.add(both, code);
      }
    }
  }

  /** Nats of a picture: by chance, by places, by neighbours. */
  nats(picture: readonly number[]): { chance: number; places: number; neighbours: number } {
    let [places, neighbours] = [0, 0];
    for (const [i, code] of picture.entries()) {
      const { left, both } = contextsOf(picture, i);
      const byPlace = this.#byPlace.probability(String(i), code, 1 / this.codes);
      const byLeft = this.#byLeft.probability(left, code, byPlace);
      places -= Math.log(byPlace);
      neighbours -= Math.log(this.#byBoth.probability(both, code, byLeft));
    }
    return { chance: PATCHES * Math.log(this.codes), places, neighbours };
  }
}

/** The codes around a place that are drawn before it; beyond the edge there is none. */
function contextsOf(picture: readonly number[], i: number): { left: string; both: string } {
  const left = i % GRID === 0 ? -1 : picture[i - 1];
  const above = i < GRID ? -1 : picture[i - GRID];
  return { left: String(left), both: `${left} ${above}` };
}
