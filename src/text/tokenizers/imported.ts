import { UserError } from '../../errors.ts';
import { mergePairs, SHORT_WORD } from './bpe.ts';
import { spellText, unspell, utf8Decoder, wellFormed } from './bytes.ts';
import { wordCut, words } from './pretokenize.ts';
import { TokenTable } from './tokenTable.ts';
import type { AddedToken, Cut, ImportedFile } from './types.ts';

/** Encoded words kept at a time. */
const CACHED_WORDS = 1 << 16;

/**
 * A byte-level BPE that another program made, with its ids (Hugging Face's tokenizers, models/bpe: Sennrich et al., 2016). Pairs
 * merge that are listed, the first of the list first; which other pairs would spell the same token does not matter. Texts of
 * added tokens, such as `<|endoftext|>`, are found before anything else.
 */
export class ImportedTokenizer extends TokenTable {
  readonly kind = 'imported';
  readonly bos?: number;
  readonly eos?: number;
  readonly #file: ImportedFile;
  readonly #ranks: ReadonlyMap<string, number>;
  readonly #ids: ReadonlyMap<string, number>;
  /** By text. */
  readonly #added: ReadonlyMap<string, AddedToken>;
  /** What finds them: those as they are in a text first, then those that other programs look for in what is normalized. */
  readonly #finders: readonly RegExp[];
  readonly #cache = new Map<string, number[]>();

  constructor(file: ImportedFile) {
    super(file.tokens.map((token) => unspell(token)!));
    this.#file = file;
    this.bos = file.bos;
    this.eos = file.eos;
    this.#ranks = new Map(file.merges.map((pair, rank) => [pair, rank]));
    const added = new Set(file.added.map(({ id }) => id));
    const ids = file.tokens.map((token, id): [string, number] => [token, id]);
    // of two that spell the same, what bytes merge to is not the added one
    this.#ids = new Map([...ids.filter(([, id]) => added.has(id)), ...ids.filter(([, id]) => !added.has(id))]);
    this.#added = new Map(file.added.map((token) => [textOf(file.tokens[token.id]), token]));
    this.#finders = [false, true].flatMap((late) =>
      finderOf([...this.#added].flatMap(([text, { normalized }]) => (normalized === late ? [text] : []))),
    );
  }

  /** @throws UserError where the tokenizer has no token for a byte, as small ones may */
  encode(text: string): number[] {
    return this.#find(wellFormed(text), 0);
  }

  safeCut(text: string): number {
    const added = [...this.#added.keys()];
    return wordCut(text, (cut) => !added.some((token) => mayReachOver(token, text, cut)));
  }

  toJSON(): ImportedFile {
    return this.#file;
  }

  /** Ids of a text in which the added tokens of the finders from `at` on are still to be found. */
  #find(text: string, at: number): number[] {
    if (text === '') return [];
    if (at === this.#finders.length) return this.#encodeWords(text);
    const ids: number[] = [];
    text.split(this.#finders[at]).forEach((part, i) => {
      const found = i % 2 === 0 ? this.#find(part, at + 1) : [this.#added.get(part)!.id];
      for (const id of found) ids.push(id);
    });
    return ids;
  }

  #encodeWords(text: string): number[] {
    const ids: number[] = [];
    for (const word of cutBy(this.#file.cuts, text)) for (const id of this.#encodeWord(word)) ids.push(id);
    return ids;
  }

  #encodeWord(word: string): number[] {
    const cached = this.#cache.get(word);
    if (cached) return cached;
    const ids = this.#merge(spellText(word));
    if (word.length > SHORT_WORD) return ids;
    if (this.#cache.size >= CACHED_WORDS) this.#cache.clear();
    this.#cache.set(word, ids);
    return ids;
  }

  #merge(word: string): number[] {
    const whole = this.#file.ignoreMerges ? this.#ids.get(word) : undefined;
    if (whole !== undefined) return [whole];
    const rankOf = (start: number, middle: number, end: number): number | undefined =>
      this.#ranks.get(`${word.slice(start, middle)} ${word.slice(middle, end)}`);
    return mergePairs(word, rankOf).map((part) => this.#idOf(part));
  }

  #idOf(part: string): number {
    const id = this.#ids.get(part);
    if (id !== undefined) return id;
    throw new UserError(
      `this tokenizer, which was imported, has no token for the byte 0x${unspell(part)![0].toString(16).padStart(2, '0')}; leave out of the text what is written with it`,
    );
  }
}

/** The text of a spelled token that is text. */
export const textOf = (spelled: string): string => utf8Decoder().decode(unspell(spelled));

/** Cuts a text by one pattern, then each piece by the next. */
const cutBy = (cuts: readonly Cut[], text: string): readonly string[] =>
  cuts.reduce<readonly string[]>((pieces, cut) => pieces.flatMap((piece) => words(cut, piece)), [text]);

/** A pattern by which `split` gives texts and, at odd places, what is found between them: the leftmost, and of these the longest. */
const finderOf = (texts: readonly string[]): RegExp[] =>
  texts.length === 0 ? [] : [new RegExp(`(${anyOf(texts)})`, 'u')];

/** A pattern that finds any of these texts, at each place the longest. */
export const anyOf = (texts: readonly string[]): string =>
  [...texts]
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
    .join('|');

/** Whether a token's text may begin before a cut and end behind it, given what may follow. */
function mayReachOver(token: string, text: string, cut: number): boolean {
  for (let before = Math.min(token.length - 1, cut); before > 0; before--) {
    const rest = text.slice(cut, cut + token.length - before);
    if (token.startsWith(rest, before) && text.startsWith(token.slice(0, before), cut - before)) return true;
  }
  return false;
}
