/** Something found in a text: offsets in UTF-16 units, `end` exclusive. */
export interface Span {
  /** What it is: 'email', 'phone', ..., 'toxic'. */
  readonly kind: string;
  readonly start: number;
  readonly end: number;
}

/** Finds what it knows in a text, in the order of places; what it finds does not overlap. Linear in the text's length. */
export type Detector = (text: string) => Span[];

/** Where in a text a match lies that is accepted, if it is. */
export type Accept = (match: RegExpExecArray, text: string) => { readonly start: number; readonly end: number } | false;

/** The match as a whole. */
export const whole = ({ index, 0: { length } }: RegExpExecArray): { start: number; end: number } => ({
  start: index,
  end: index + length,
});

/**
 * All places that a global pattern finds and `accept` takes. After one that is refused the search goes on a character further, so that
 * a refusal hides nothing: the pattern's length has to be bounded.
 */
export function findAll(kind: string, pattern: RegExp, text: string, accept: Accept = whole): Span[] {
  const spans: Span[] = [];
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const place = accept(match, text);
    if (place) spans.push({ kind, ...place });
    pattern.lastIndex = place ? Math.max(place.end, match.index + 1) : match.index + 1;
  }
  return spans;
}

/** Spans in the order of places, without those that overlap one of an earlier list. */
export function withoutOverlaps(lists: readonly (readonly Span[])[]): Span[] {
  let kept: Span[] = [];
  for (const list of lists) if (list.length > 0) kept = merge(kept, list);
  return kept;
}

/** Both lists are in order. */
function merge(kept: readonly Span[], more: readonly Span[]): Span[] {
  const all: Span[] = [];
  let i = 0;
  for (const span of more) {
    while (i < kept.length && kept[i].end <= span.start) all.push(kept[i++]);
    const isFree =
      !(i < kept.length && kept[i].start < span.end) && !(all.length > 0 && all[all.length - 1].end > span.start);
    if (isFree) all.push(span);
  }
  for (; i < kept.length; i++) all.push(kept[i]);
  return all;
}

/** What stands right before a place in its line: by it one tells a telephone from an order's number. */
export function leadOf(text: string, at: number, length = 32): string {
  const lead = text.slice(Math.max(0, at - length), at);
  return lead.slice(lead.lastIndexOf('\n') + 1);
}
