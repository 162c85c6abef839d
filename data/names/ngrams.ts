/** Names by n-grams of their letters: what a model of them is held against, and a judge of whose a name sounds. */
import { KneserNey } from '../../src/text/ngrams/kneserNey.ts';
import { NgramCounts } from '../../src/text/ngrams/ngrams.ts';
import { LineNgrams } from '../lineNgrams.ts';
import { LONGEST, SEXES, type Sex, type SexedName } from './names.ts';

/** Of ASCII, which all names are written in. */
const CODES = 128;
const END = 10;

/**
 * Nats a name of the validation part, and share of its names whose sex is told, by order: 3 14.35 and 0.851, 4 13.29 and 0.854,
 * 5 13.09 and 0.862, 6 13.10 and 0.864.
 */
const ORDER = 5;

const codesOf = (text: string): Uint16Array => Uint16Array.from(text, (letter) => letter.charCodeAt(0));

/** Letters after those before them in a name, by Kneser and Ney. */
export class NameNgrams {
  private readonly letters: LineNgrams;

  constructor(names: readonly string[], order = ORDER) {
    const text = codesOf(`\n${names.map((name) => `${name}\n`).join('')}`);
    this.letters = new LineNgrams(new KneserNey(new NgramCounts(text, order, CODES)), END, LONGEST);
  }

  /** -ln P of a name and of its end. */
  nats(name: string): number {
    return this.letters.nats([...codesOf(name)]);
  }

  /** Draws a name, or the first `LONGEST` letters of one. */
  draw(seed: number, which: number): string {
    return String.fromCharCode(...this.letters.write([], seed, which));
  }
}

/** N-grams of girls' names and of boys' names: together they tell whose a name is, by Bayes' rule. */
export class NamesBySex {
  private readonly of: Readonly<Record<Sex, { readonly ngrams: NameNgrams; readonly prior: number }>>;

  constructor(names: readonly SexedName[], order = ORDER) {
    const learned = SEXES.map((sex) => {
      const own = names.filter((one) => one.sex === sex).map(({ name }) => name);
      return [sex, { ngrams: new NameNgrams(own, order), prior: Math.log(own.length / names.length) }] as const;
    });
    this.of = Object.fromEntries(learned) as Record<Sex, (typeof learned)[number][1]>;
  }

  /** -ln P of a name, given whose it is. */
  nats({ sex, name }: SexedName): number {
    return this.of[sex].ngrams.nats(name);
  }

  draw(sex: Sex, seed: number, which: number): string {
    return this.of[sex].ngrams.draw(seed, which);
  }

  /** Whose a name likelier is. */
  sexOf(name: string): Sex {
    const cost = (sex: Sex): number => this.of[sex].ngrams.nats(name) - this.of[sex].prior;
    return cost('girl') <= cost('boy') ? 'girl' : 'boy';
  }
}
