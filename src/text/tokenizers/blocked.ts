/** Texts that a model must not write: told token by token, so that a token which would complete one can be forbidden. */
import { UserError } from '../../errors.ts';
import { utf8Decoder } from './bytes.ts';
import type { Tokenizer } from './types.ts';

/** A state of the search: how much of the blocked texts stands at the end of what was read. */
interface State {
  readonly next: Map<string, State>;
  /** The longest end of this one that begins a blocked text too. */
  fail: State | undefined;
  /** Whether a blocked text ends here. */
  ends: boolean;
}

/** Characters of an entry at most. */
const LONGEST = 1000;

/** As Unicode's full case folding, nearly: Straße, STRASSE and strasse are the same, and so are a sigma and one that ends a word. */
const fold = (character: string): string => character.toUpperCase().toLowerCase();

/**
 * The entries of a list: a line each, without spaces around it; one in double quotes keeps them. Empty lines, and those that begin with #,
 * are none.
 * @throws UserError where there are none, or one is too long
 */
export function parseBlocked(text: string, name: string): string[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  const entries = lines
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => /^"(.+)"$/.exec(line)?.[1] ?? line);
  if (entries.length === 0) {
    throw new UserError(
      `${name} holds no text to block: give a word or a phrase a line; lines that begin with # are none.`,
    );
  }
  const long = entries.find(({ length }) => length > LONGEST);
  if (long) throw new UserError(`${name} has an entry of ${long.length} characters; the longest may have ${LONGEST}.`);
  return [...new Set(entries)];
}

/**
 * Texts that must not occur, in any case, wherever they begin: "ass" blocks "class" too. Found as Aho and Corasick ("Efficient string
 * matching", 1975) do: one step a character, however many there are.
 */
export class BlockedTexts {
  readonly root: State = { next: new Map(), fail: undefined, ends: false };

  constructor(texts: readonly string[]) {
    for (const text of texts) this.add([...text].map(fold).join(''));
    this.link();
  }

  private add(text: string): void {
    let state = this.root;
    for (const character of text) {
      const next = state.next.get(character) ?? { next: new Map(), fail: this.root, ends: false };
      state.next.set(character, next);
      state = next;
    }
    state.ends = true;
  }

  /** Breadth first: an end that begins a blocked text is shorter than what it ends. */
  private link(): void {
    const queue = [...this.root.next.values()];
    for (const state of queue) {
      for (const [character, next] of state.next) {
        next.fail = this.step(state.fail!, character);
        next.ends ||= next.fail.ends;
        queue.push(next);
      }
    }
  }

  private step(from: State, character: string): State {
    let state: State | undefined = from;
    while (state && !state.next.has(character)) state = state.fail;
    return state?.next.get(character) ?? this.root;
  }

  /** The state after some text; undefined when a blocked one ends in it. */
  read(from: State, text: string): State | undefined {
    let state = from;
    for (const character of text) {
      for (const folded of fold(character)) {
        state = this.step(state, folded);
        if (state.ends) return undefined;
      }
    }
    return state;
  }

  /** The same, where it is too late to do something about it. */
  readAnyway(from: State, text: string): State {
    let state = from;
    for (const character of text) for (const folded of fold(character)) state = this.step(state, folded);
    return state;
  }
}

/** Where a sequence is: the state, and bytes of a character that is not whole yet. */
interface Place {
  readonly state: State;
  readonly rest: readonly number[];
}

/** How many bytes a character has, by its first one; those that begin none are read by themselves. */
const lengthOf = (byte: number): number => (byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1);

/** Watches sequences of tokens, so that none gets to hold a blocked text that its prompt has not. */
export class BlockWatch {
  private readonly places: Place[];
  private readonly over = new Set<number>();
  private readonly decoder = utf8Decoder();

  constructor(
    private readonly blocked: BlockedTexts,
    private readonly tokenizer: Tokenizer,
    prompts: readonly ArrayLike<number>[],
  ) {
    this.places = prompts.map((prompt) => ({
      state: blocked.readAnyway(blocked.root, tokenizer.decode(prompt)),
      rest: [],
    }));
  }

  /** Whether a token may come next in sequence `b`. */
  allows(b: number, id: number): boolean {
    return this.over.has(b) || this.after(this.places[b], id) !== undefined;
  }

  /** Takes the token that has come, one that is allowed. */
  push(b: number, id: number): void {
    if (!this.over.has(b)) this.places[b] = this.after(this.places[b], id)!;
  }

  /** There is no token that may come next: what follows counts for nothing. */
  end(b: number): void {
    this.over.add(b);
  }

  hasEnded(b: number): boolean {
    return this.over.has(b);
  }

  private after({ state, rest }: Place, id: number): Place | undefined {
    const [text, left] = this.decoded([...rest, ...this.tokenizer.tokenBytes(id)]);
    const next = this.blocked.read(state, text);
    return next && { state: next, rest: left };
  }

  /** Text of whole characters, and the bytes of one that is not. */
  private decoded(bytes: readonly number[]): [text: string, left: readonly number[]] {
    let first = bytes.length - 1; // of the last character
    while (first > 0 && bytes.length - first < 4 && (bytes[first] & 0xc0) === 0x80) first--;
    const whole = bytes.length === 0 || first + lengthOf(bytes[first]) <= bytes.length ? bytes.length : first;
    return [this.decoder.decode(Uint8Array.from(bytes.slice(0, whole))), bytes.slice(whole)];
  }
}
