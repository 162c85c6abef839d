/** How often a text has words, words near one another, and phrases: counted in one walk over it. Pure functions. */
import { largest } from '../../numbers.ts';

/** What is counted. Words with a capital letter count where they have one; others however they are written. */
export interface Wanted {
  readonly words: Iterable<string>;
  /** Words that are counted when one of the others stands within `NEAR` words of them in the same sentence. */
  readonly fillers: ReadonlySet<string>;
  readonly sides: ReadonlySet<string>;
  /** Words in order, as `phraseOf` gives them. */
  readonly phrases: Iterable<string>;
}

/** What a text has. */
export interface TextCounts {
  /** Words of the whole text. */
  readonly total: number;
  word(word: string): number;
  /** How often `filler` has that word of a side near it. */
  near(filler: string, side: string): number;
  phrase(words: string): number;
}

/** Words before or behind, within the same sentence. */
export const NEAR = 10;

/** Words, and what ends a sentence: its marks, or an empty line. */
const PIECES = /[\p{L}\p{M}]+|[.!?]|\n[ \t\r]*\n/gu;
/** A full stop behind these ends no sentence. */
const TITLES = new Set(['mr', 'mrs', 'ms', 'dr', 'st', 'rev', 'capt', 'prof']);

/** The words of a phrase, small and with single spaces, whatever marks stand between them. */
export const phraseOf = (text: string): string => (text.toLowerCase().match(/[\p{L}\p{M}]+/gu) ?? []).join(' ');

/** Counts what is wanted in a text that comes in pieces, cut anywhere. Memory does not grow with the text. */
export async function countIn(chunks: AsyncIterable<string> | Iterable<string>, wanted: Wanted): Promise<TextCounts> {
  const counter = new Counter(wanted);
  let rest = '';
  for await (const chunk of chunks) {
    const text = rest + chunk;
    const cut = text.length < LONGEST_WORD ? 0 : lastBreak(text);
    counter.take(text.slice(0, cut));
    rest = text.slice(cut);
  }
  counter.take(rest);
  return counter;
}

/** What is longer is no word: it may be cut. */
const LONGEST_WORD = 1 << 10;

/** Where the text may be cut: the last space or line end between a word and another; where there is none, anywhere. */
function lastBreak(text: string): number {
  const start = text.length - LONGEST_WORD / 2;
  const breaks = [...text.slice(start).matchAll(/(?<=\S)[ \n](?=\p{L})/gu)];
  return breaks.length > 0 ? start + breaks.at(-1)!.index : text.length;
}

interface Seen {
  readonly at: number;
  readonly filler?: string;
  readonly side?: string;
}

class Counter implements TextCounts {
  total = 0;
  private readonly words = new Map<string, number>();
  /** By the small form of a word, the form in which it is wanted. */
  private readonly forms = new Map<string, string[]>();
  private readonly nearby = new Map<string, number>();
  private readonly phrases = new Map<string, number>();
  /** Numbers of words that phrases have, by their last word. */
  private readonly lengths = new Map<string, Set<number>>();
  private readonly longest: number;
  /** The last words of the sentence, and what of it stands near enough. */
  private sentence: string[] = [];
  private seen: Seen[] = [];
  private previous = '';

  constructor(private readonly wanted: Wanted) {
    for (const word of new Set([...wanted.words, ...wanted.fillers, ...wanted.sides])) {
      const small = word.toLowerCase();
      this.forms.set(small, [...(this.forms.get(small) ?? []), word]);
    }
    for (const phrase of wanted.phrases) {
      this.phrases.set(phrase, 0);
      const parts = phrase.split(' ');
      const last = parts.at(-1)!;
      this.lengths.set(last, (this.lengths.get(last) ?? new Set()).add(parts.length));
    }
    this.longest = largest([1, ...[...this.lengths.values()].flatMap((lengths) => [...lengths])]);
  }

  word(word: string): number {
    return this.words.get(word) ?? 0;
  }

  near(filler: string, side: string): number {
    return this.nearby.get(`${filler} ${side}`) ?? 0;
  }

  phrase(words: string): number {
    return this.phrases.get(words) ?? 0;
  }

  take(text: string): void {
    for (const [piece] of text.matchAll(PIECES)) {
      if (/^[\p{L}\p{M}]/u.test(piece)) this.takeWord(piece);
      else if (piece !== '.' || !TITLES.has(this.previous)) this.endSentence();
    }
  }

  private endSentence(): void {
    if (this.sentence.length > 0) this.sentence = [];
    if (this.seen.length > 0) this.seen = [];
  }

  private takeWord(written: string): void {
    const small = written.toLowerCase();
    this.total++;
    this.previous = small;
    this.sentence.push(small);
    if (this.sentence.length > 2 * this.longest) this.sentence = this.sentence.slice(-this.longest);
    for (const length of this.lengths.get(small) ?? []) this.takePhrase(length);
    for (const form of this.forms.get(small) ?? []) {
      if (form === small || written[0] !== small[0]) this.takeForm(form);
    }
  }

  private takePhrase(length: number): void {
    if (this.sentence.length < length) return;
    const phrase = this.sentence.slice(-length).join(' ');
    const before = this.phrases.get(phrase);
    if (before !== undefined) this.phrases.set(phrase, before + 1);
  }

  private takeForm(form: string): void {
    this.words.set(form, this.word(form) + 1);
    const filler = this.wanted.fillers.has(form) ? form : undefined;
    const side = this.wanted.sides.has(form) ? form : undefined;
    if (filler === undefined && side === undefined) return;
    const at = this.total;
    this.seen = this.seen.filter((other) => at - other.at <= NEAR);
    for (const other of this.seen) {
      if (filler !== undefined && other.side !== undefined) this.countNear(filler, other.side);
      if (other.filler !== undefined && side !== undefined) this.countNear(other.filler, side);
    }
    this.seen.push({ at, filler, side });
  }

  private countNear(filler: string, side: string): void {
    const key = `${filler} ${side}`;
    this.nearby.set(key, (this.nearby.get(key) ?? 0) + 1);
  }
}
