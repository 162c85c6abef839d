/** What a picture shows in words, and which words are never seen together in training. */
import { UserError } from '../../src/errors.ts';

export const SIZES = ['small', 'large'] as const;
export const PLACES = ['left', 'right', 'top', 'bottom', 'centre'] as const;
/** Red, green and blue of each colour, 0 to 255. */
export const COLOURS = {
  red: [214, 39, 40],
  orange: [255, 140, 20],
  yellow: [240, 205, 30],
  green: [40, 150, 60],
  blue: [35, 95, 210],
  purple: [130, 60, 170],
  pink: [240, 120, 180],
  black: [45, 45, 50],
} as const;
export const COLOUR_NAMES = Object.keys(COLOURS) as (keyof typeof COLOURS)[];

/** The kinds of words, in the order in which a caption has them. */
export const KINDS = ['size', 'colour', 'thing', 'place'] as const;
export type Kind = (typeof KINDS)[number];

/** What is said of a picture, by index into the words of each kind. */
export type Said = Readonly<Record<Kind, number>>;

/** What stands in a caption for a kind of which nothing is said. */
const ANY = 'any';
/** Behind it the picture begins. */
const COLON = ':';

/** What others say for a word. */
const SYNONYMS: Readonly<Record<string, string>> = {
  ...{
    little: 'small',
    tiny: 'small',
    big: 'large',
    center: 'centre',
    middle: 'centre',
    upper: 'top',
    lower: 'bottom',
  },
  ...{ violet: 'purple', tee: 't-shirt', tshirt: 't-shirt', pants: 'trousers', trouser: 'trousers', jeans: 'trousers' },
  ...{ boots: 'boot', bags: 'bag', hats: 'hat', shoe: 'sneaker', sneakers: 'sneaker', heels: 'heel', handbag: 'bag' },
};
/** Words of sentences that say nothing of a picture. */
const IDLE = new Set('a an the one pair of on in at to side with and any is high'.split(' '));

/** The captions of one set of things. */
export class Captions {
  readonly words: Readonly<Record<Kind, readonly string[]>>;

  constructor(things: readonly string[]) {
    this.words = { size: SIZES, colour: COLOUR_NAMES, thing: things, place: PLACES };
  }

  /** "small red boot left :", with "any" for what is not told: always as many tokens, so that each patch has its place. */
  caption(said: Partial<Said>): string {
    const words = KINDS.map((kind) => (said[kind] === undefined ? ANY : this.words[kind][said[kind]]));
    return `${words.join(' ')} ${COLON}`;
  }

  /** The opposite of `caption`, of the beginning of a line; undefined where it is none. */
  read(line: string): { said: Partial<Said>; picture: string } | undefined {
    const end = line.indexOf(COLON);
    const words = line.slice(0, Math.max(0, end)).trim().split(' ');
    if (words.length !== KINDS.length) return undefined;
    const said = KINDS.map((kind, i) => [kind, this.words[kind].indexOf(words[i])] as const);
    if (said.some(([, at], i) => at < 0 && words[i] !== ANY)) return undefined;
    return { said: Object.fromEntries(said.filter(([, at]) => at >= 0)), picture: line.slice(end + 1) };
  }

  /** What a person's words say: "a small red boot, left". @throws UserError for a word that is not known, and for two of a kind */
  parse(text: string): Partial<Said> {
    const said: Partial<Record<Kind, number>> = {};
    for (const given of text.toLowerCase().match(/[\p{L}-]+/gu) ?? []) {
      const word = SYNONYMS[given] ?? given;
      const kind = KINDS.find((one) => this.words[one].includes(word));
      if (!kind && IDLE.has(word)) continue;
      if (!kind) throw new UserError(`"${given}" is no word that this model knows: ${this.inWords()}.`);
      const at = this.words[kind].indexOf(word);
      if (said[kind] !== undefined && said[kind] !== at) {
        throw new UserError(`"${this.words[kind][said[kind]]}" and "${word}" exclude each other: ask for one ${kind}.`);
      }
      said[kind] = at;
    }
    return said;
  }

  /** What can be asked for. */
  inWords(): string {
    const names = { size: 'sizes', colour: 'colours', thing: 'things', place: 'places' };
    return KINDS.map((kind) => `the ${names[kind]} are ${this.words[kind].join(', ')}`).join('; ');
  }
}

/** Whether a thing in that colour is kept from training: each thing has one such colour, and no colour many. */
export const isHeldOut = ({ thing, colour }: Pick<Said, 'thing' | 'colour'>): boolean =>
  (3 * thing + 1) % COLOUR_NAMES.length === colour;
