/**
 * The suffixes of a text in order, so that any passage of it is found by bisection, however long.
 *
 * Built by induced sorting (Nong, Zhang and Chan, "Two Efficient Algorithms for Linear Time Suffix Array Construction", 2011): suffixes that
 * are smaller than the one behind them (type S) with a larger one before them (leftmost, LMS) are sorted first, by a recursion on a text of
 * at most half the length, and all others follow from these in two walks. Linear in the text, whatever it repeats; 4 bytes of index for each
 * byte of text, and some 9 more while it is built.
 */

/** A passage of the indexed text. */
export interface Match {
  /** Bytes; 0 where not even one is found. */
  readonly length: number;
  /** Where it stands in the text: one of its places. */
  readonly at: number;
}

export class SuffixArray {
  /** The beginnings of all suffixes, in their order. */
  private readonly sorted: Int32Array;

  constructor(readonly text: Uint8Array) {
    this.sorted = sortSuffixes(text, 255);
  }

  /** The longest beginning of what stands in `bytes` from `from` on that the text has. */
  longestMatch(bytes: Uint8Array, from = 0): Match {
    const { sorted, text } = this;
    const place = this.bound(bytes, from, bytes.length, false);
    let best: Match = { length: 0, at: 0 };
    for (const at of sorted.subarray(Math.max(0, place - 1), place + 1)) {
      const length = shared(text, at, bytes, from, bytes.length);
      if (length > best.length) best = { length, at };
    }
    return best;
  }

  /** The longest passage that the text shares with `bytes`, and where it begins in these. */
  longestShared(bytes: Uint8Array): Match & { readonly from: number } {
    let best = { length: 0, at: 0, from: 0 };
    for (let from = 0; from + best.length < bytes.length; from++) {
      const match = this.longestMatch(bytes, from);
      if (match.length > best.length) best = { ...match, from };
    }
    return best;
  }

  /** The places in the text where these bytes stand, in no order; overlapping ones too. */
  places(bytes: Uint8Array, from = 0, to = bytes.length): Int32Array {
    return this.sorted.subarray(this.bound(bytes, from, to, false), this.bound(bytes, from, to, true));
  }

  /** Calls back with each place whose next `length` bytes stand elsewhere too. */
  eachRepeated(length: number, visit: (at: number) => void): void {
    const { sorted, text } = this;
    let before = false;
    for (let i = 0; i < sorted.length; i++) {
      const at = sorted[i];
      const next = i + 1 < sorted.length ? sorted[i + 1] : text.length;
      const like = next < text.length && shared(text, at, text, next, next + length) === length;
      if (before || like) visit(at);
      before = like;
    }
  }

  /** The first suffix that is not before these bytes; or, of those that begin with them, the first behind. */
  private bound(bytes: Uint8Array, from: number, to: number, behind: boolean): number {
    const { sorted, text } = this;
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = sorted[middle];
      const length = shared(text, at, bytes, from, to);
      const isBefore =
        from + length === to ? behind : at + length === text.length || text[at + length] < bytes[from + length];
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** How many bytes of `text` from `at` on are those of `bytes` from `from` to before `to`. */
function shared(text: Uint8Array, at: number, bytes: Uint8Array, from: number, to: number): number {
  const most = Math.min(text.length - at, to - from);
  let length = 0;
  while (length < most && text[at + length] === bytes[from + length]) length++;
  return length;
}

/** Letters of a text of the recursion, or bytes. */
type Letters = Uint8Array | Int32Array;

/** The beginnings of the suffixes of `text`, whose letters are 0 to `largest`, in their order. */
export function sortSuffixes(text: Letters, largest: number): Int32Array {
  if (text.length < 2) return new Int32Array(text.length);
  const isS = typesOf(text);
  const buckets = bucketsOf(text, isS, largest);
  const lms = lmsOf(isS);
  const sorted = new Int32Array(text.length);
  induce(text, isS, buckets, lms, sorted);
  if (lms.length > 0) induce(text, isS, buckets, sortLms(text, isS, lms, sorted), sorted);
  return sorted;
}

/** By place 1 where the suffix is smaller than the one behind it. */
function typesOf(text: Letters): Uint8Array {
  const isS = new Uint8Array(text.length);
  for (let i = text.length - 2; i >= 0; i--) {
    isS[i] = text[i] === text[i + 1] ? isS[i + 1] : Number(text[i] < text[i + 1]);
  }
  return isS;
}

/** Where the suffixes that begin with each letter lie in the order: those of type L from `l`, those of type S from `s`. */
interface Buckets {
  readonly l: Int32Array;
  readonly s: Int32Array;
}

function bucketsOf(text: Letters, isS: Uint8Array, largest: number): Buckets {
  const [l, s] = [new Int32Array(largest + 2), new Int32Array(largest + 1)];
  for (let i = 0; i < text.length; i++) {
    if (isS[i]) l[text[i] + 1]++;
    else s[text[i]]++;
  }
  for (let letter = 0; letter <= largest; letter++) {
    s[letter] += l[letter];
    l[letter + 1] += s[letter];
  }
  return { l, s };
}

/** Leftmost places of type S, in the order of the text. */
function lmsOf(isS: Uint8Array): Int32Array {
  let count = 0;
  for (let i = 1; i < isS.length; i++) if (isLms(isS, i)) count++;
  const lms = new Int32Array(count);
  for (let i = 1, next = 0; i < isS.length; i++) if (isLms(isS, i)) lms[next++] = i;
  return lms;
}

const isLms = (isS: Uint8Array, at: number): boolean => at > 0 && isS[at] === 1 && isS[at - 1] === 0;

/** Fills `sorted` from the LMS suffixes in an order: where that is theirs, it becomes that of all. */
function induce(text: Letters, isS: Uint8Array, { l, s }: Buckets, lms: Int32Array, sorted: Int32Array): void {
  sorted.fill(-1);
  let next = s.slice();
  for (const at of lms) sorted[next[text[at]]++] = at;
  next = l.slice();
  const last = text.length - 1;
  sorted[next[text[last]]++] = last;
  for (let i = 0; i < sorted.length; i++) {
    const at = sorted[i] - 1;
    if (at >= 0 && isS[at] === 0) sorted[next[text[at]]++] = at;
  }
  next = l.slice();
  for (let i = sorted.length - 1; i >= 0; i--) {
    const at = sorted[i] - 1;
    if (at >= 0 && isS[at] === 1) sorted[--next[text[at] + 1]] = at;
  }
}

/** The LMS suffixes in their order. `sorted`: where their first pieces, up to the next LMS place, are in order already. */
function sortLms(text: Letters, isS: Uint8Array, lms: Int32Array, sorted: Int32Array): Int32Array {
  const number = new Int32Array((text.length >> 1) + 1); // by half of the place: no two stand side by side
  for (let i = 0; i < lms.length; i++) number[lms[i] >> 1] = i;
  const pieces = new Int32Array(lms.length); // the text of the recursion: a letter for each piece
  let [letter, before] = [-1, -1];
  for (const at of sorted) {
    if (!isLms(isS, at)) continue;
    const i = number[at >> 1];
    if (before < 0 || !isSamePiece(text, lms, before, i)) letter++;
    pieces[i] = letter;
    before = i;
  }
  return sortSuffixes(pieces, letter).map((i) => lms[i]);
}

/** Whether the pieces from two LMS places to the next ones, with these, are equal. The last one, which none follows, is equal to none. */
function isSamePiece(text: Letters, lms: Int32Array, a: number, b: number): boolean {
  if (a + 1 === lms.length || b + 1 === lms.length) return false;
  const length = lms[a + 1] - lms[a];
  if (lms[b + 1] - lms[b] !== length) return false;
  for (let i = 0; i <= length; i++) if (text[lms[a] + i] !== text[lms[b] + i]) return false;
  return true;
}
