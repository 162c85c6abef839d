/**
 * Fill in the middle (Bavarian et al., "Efficient training of language models to fill in the middle", 2022): of some windows the middle
 * is moved to the end, behind marks. A model that only ever goes on from left to right so learns to write what stands between two texts.
 */
import { UsageError } from '../../errors.ts';
import type { Tokenizer } from '../tokenizers/types.ts';
import { mix } from './permutation.ts';
import { type Batch, IGNORE, type PieceOptions, piecesOfBatch } from './windows.ts';

/** What stands around a hole, and what is in it. */
export interface Parts<T> {
  readonly prefix: T;
  readonly middle: T;
  readonly suffix: T;
}

/** What stands around a hole. */
export type Hole = Omit<Parts<string>, 'middle'>;

/**
 * In which order the parts are read: the prefix first, or the suffix first, after which prefix and middle are one text. In training each
 * has half of the windows.
 */
export type PartOrder = 'prefix first' | 'suffix first';

/** Bytes that no text holds, and that byte-level tokenizers therefore never merge: what begins each part, and what ends the middle. */
const MARK_BYTES = { prefix: 1, suffix: 2, middle: 3, end: 4 } as const;
const MARK_COUNT = 4;

/** Tokens of the marks. */
export type Marks = Readonly<Record<keyof typeof MARK_BYTES, number>>;

/** The marks as text, any of which ends what a model writes into a hole. */
export const MARK_TEXTS: readonly string[] = Object.values(MARK_BYTES).map((byte) => String.fromCharCode(byte));
/** What of a text would be taken for a mark. */
const LIKE_MARKS = new RegExp(`[${MARK_TEXTS.join('')}]`, 'g');

/** @throws UsageError for a tokenizer that has no token for each byte, as one of characters */
export function marksOf(tokenizer: Tokenizer): Marks {
  const ids = new Map<number, number>();
  for (let id = tokenizer.vocabSize - 1; id >= 0; id--) {
    const bytes = tokenizer.tokenBytes(id);
    if (bytes.length === 1) ids.set(bytes[0], id);
  }
  const marks = Object.entries(MARK_BYTES).map(([name, byte]) => [name, ids.get(byte)] as const);
  if (marks.every(([, id]) => id !== undefined)) return Object.fromEntries(marks) as Marks;
  throw new UsageError(
    `fillInMiddle needs a tokenizer with a token for every byte, which this one (${tokenizer.kind}) has not; train with --tokenizer bpe`,
  );
}

/** The tokens that a model reads, in an order of the parts, before it writes the middle. */
export const beforeMiddle = (
  { prefix, suffix }: Omit<Parts<readonly number[]>, 'middle'>,
  marks: Marks,
  order: PartOrder,
): number[] =>
  order === 'prefix first'
    ? [marks.prefix, ...prefix, marks.suffix, ...suffix, marks.middle]
    : [marks.prefix, marks.suffix, ...suffix, marks.middle, ...prefix];

/**
 * White space at the end of what stands before a hole. It is no part of what is read, but of what is written: a tokenizer joins a line's end with
 * the indentation behind it, and a text that ends between the two is one that the model knows no good continuation of.
 */
export const spaceBefore = ({ prefix }: Pick<Hole, 'prefix'>): string => prefix.slice(prefix.trimEnd().length);

/**
 * What is written behind the white space with which it should begin. Where it begins otherwise: behind as many line ends, without
 * indentation where the space has its own; and from a mark on in any case. It is the end of `written`, and more of that only adds to it.
 */
export function behindSpace(space: string, written: string): string {
  const mark = written.search(LIKE_MARKS);
  if (mark >= 0) return behindSpace(space, written.slice(0, mark)) + written.slice(mark);
  if (written.startsWith(space)) return written.slice(space.length);
  if (space.startsWith(written)) return '';
  const ends = space.split('\n').length - 1;
  const lines = written.split('\n');
  if (lines.length <= ends) return '';
  const behind = lines.slice(ends).join('\n');
  return space.endsWith('\n') ? behind : behind.replace(/^[^\S\n]+/, '');
}

/** Characters that a token has at most, nearly: of a long text no more is encoded than may be read. */
export const LONGEST_TOKEN = 32;

/**
 * The tokens to be read before a middle is written, which then begins with `spaceBefore` the hole: of what stands around it, as much as has
 * room, what is nearest. A third of the room is for the suffix; what one part leaves the other has.
 * @param room tokens that they may be, marks included: 4 or more
 */
export function holePrompt(
  tokenizer: Tokenizer,
  { prefix, suffix }: Hole,
  room: number,
  order: PartOrder = 'suffix first',
): number[] {
  const most = LONGEST_TOKEN * room;
  const encode = (text: string): number[] => tokenizer.encode(text.replace(LIKE_MARKS, ''));
  const before = encode(prefix.trimEnd().slice(-most));
  const after = encode(suffix.slice(0, most));
  const left = room - (MARK_COUNT - 1);
  const ofSuffix = Math.min(after.length, Math.max(Math.floor(left / 3), left - before.length));
  const ofPrefix = Math.min(before.length, left - ofSuffix);
  const parts = { prefix: before.slice(before.length - ofPrefix), suffix: after.slice(0, ofSuffix) };
  return beforeMiddle(parts, marksOf(tokenizer), order);
}

export interface FillInMiddleOptions extends PieceOptions {
  /** Share of the windows that are rearranged, 0 to 1. */
  readonly fillInMiddle: number;
}

/** Share of the rearranged windows whose middle is one line, which is what is most often asked for. */
const LINES = 0.5;

/** Of the numbers that are drawn for this, and nothing else. */
const KEY = 0x66696d;

/** A number from 0 to below 1: the `i`-th that is drawn for a window. */
const drawn = (key: number, i: number): number => mix(key, i) / 2 ** 32;

/**
 * Windows of which some are rearranged: a pure function of (seed, index), as the windows are, so that each epoch cuts anew and a resumed
 * run continues exactly.
 */
export class FilledWindows<B extends Batch> {
  private readonly marks: Marks;

  /** @throws UsageError for a tokenizer that has no marks */
  constructor(
    private readonly windows: { batch(step: number): B },
    private readonly tokenizer: Tokenizer,
    private readonly options: FillInMiddleOptions,
  ) {
    this.marks = marksOf(tokenizer);
  }

  batch(index: number): B {
    const batch = this.windows.batch(index);
    for (const { start, end, key } of piecesOfBatch(index, this.options, KEY))
      if (drawn(key, 0) < this.options.fillInMiddle) this.rearrange(batch, start, end, key);
    return batch;
  }

  /** Moves the middle of the window from `start` to `end` to its end. */
  private rearrange({ inputs, targets }: Batch, start: number, end: number, key: number): void {
    const ids = [inputs[start], ...targets.subarray(start, end).filter((id) => id !== IGNORE)];
    const moved = this.moved(ids, key);
    if (!moved) return;
    inputs.fill(0, start, end).set(moved.slice(0, -1), start);
    targets.fill(IGNORE, start, end).set(moved.slice(1), start);
  }

  /**
   * The tokens of a window with its middle at the end. The text's last tokens make room for the marks; where a cut goes through a token,
   * its pieces are more, and the prefix loses as many at its beginning. Undefined for a middle that does not fit then, and for a text that
   * holds what would be taken for a mark.
   */
  private moved(ids: readonly number[], key: number): number[] | undefined {
    const { tokenizer, marks } = this;
    const most = ids.length - MARK_COUNT;
    const text = tokenizer.decode(ids.slice(0, Math.max(0, most))).replace(/^\uFFFD+|\uFFFD+$/g, ''); // characters that the window cuts
    if (MARK_TEXTS.some((mark) => text.includes(mark))) return undefined;
    const line = drawn(key, 4) < LINES ? cutLine(text, drawn(key, 1)) : undefined;
    const parts = line ?? cutText([...text], drawn(key, 1), drawn(key, 2));
    const written = spaceBefore(parts) + parts.middle;
    const [prefix, middle, suffix] = [parts.prefix.trimEnd(), written, parts.suffix].map((part) =>
      tokenizer.encode(part),
    );
    if (middle.length > most) return undefined;
    const over = Math.max(0, prefix.length + middle.length + suffix.length - most);
    const ofPrefix = Math.min(over, prefix.length);
    const fitting = { prefix: prefix.slice(ofPrefix), suffix: suffix.slice(0, suffix.length - (over - ofPrefix)) };
    const order = drawn(key, 3) < 0.5 ? 'prefix first' : 'suffix first';
    return [...beforeMiddle(fitting, marks, order), ...middle, marks.end];
  }
}

/**
 * Cuts a text into three at two of its characters, any two as likely as others: a middle is a third of a window in the mean.
 * @param one a place from 0 to below 1
 * @param other another
 */
export function cutText(characters: readonly string[], one: number, other: number): Parts<string> {
  const [start, end] = [one, other].map((place) => Math.floor(place * (characters.length + 1))).sort((a, b) => a - b);
  const part = (from: number, to?: number): string => characters.slice(from, to).join('');
  return { prefix: part(0, start), middle: part(start, end), suffix: part(end) };
}

/**
 * Cuts one line out of a text, any of those that are whole and not blank; undefined when there is none.
 * @param place from 0 to below 1
 */
export function cutLine(text: string, place: number): Parts<string> | undefined {
  const lines = text.split('\n');
  const whole = lines.flatMap((line, at) => (at > 0 && at < lines.length - 1 && line.trim() !== '' ? [at] : []));
  if (whole.length === 0) return undefined;
  const at = whole[Math.floor(place * whole.length)];
  const [before, after] = [lines.slice(0, at), lines.slice(at + 1)].map((part) => part.join('\n'));
  return { prefix: `${before}\n`, middle: lines[at], suffix: `\n${after}` };
}
