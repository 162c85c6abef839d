/** What is found on a walk through a text: exact counts by kind and part, and the first places with masked surroundings. */
import type { FindingCard } from '../../../report/trust/audit.ts';
import { masked, maskOf } from '../private/private.ts';
import type { Span } from '../spans.ts';

/** Places of a kind that are kept; what is beyond is counted. */
const MOST_PLACES = 1000;

/** Gathers findings by kind. */
export class Findings {
  private readonly kinds = new Map<string, { count: number; parts: Map<string, number>; places: Place[] }>();

  /** `times` of them in one place; `excerpt` is asked for where the place is kept. */
  add(kind: string, part: string, line: number, excerpt: () => string, times = 1): void {
    const found = this.kinds.get(kind) ?? { count: 0, parts: new Map<string, number>(), places: [] };
    this.kinds.set(kind, found);
    found.count += times;
    found.parts.set(part, (found.parts.get(part) ?? 0) + times);
    if (found.places.length < MOST_PLACES) found.places.push({ part, line, excerpt: excerpt() });
  }

  /** The commonest kind first. */
  result(): FindingCard[] {
    return [...this.kinds]
      .map(([kind, { count, parts, places }]) => ({ kind, count, parts: Object.fromEntries(parts), places }))
      .sort((a, b) => b.count - a.count);
  }
}

type Place = FindingCard['places'][number];

/** Characters before and behind what was found. */
const CONTEXT = 36;

/**
 * What was found with its surroundings in a line: private data by its kind in angle brackets, a toxic word by its first letter, names
 * and numbers blurred.
 * @param spans all that must not be shown, in the order of places
 */
export function excerptOf(text: string, { start, end }: Pick<Span, 'start' | 'end'>, spans: readonly Span[]): string {
  const [from, to] = [cutBefore(text, start - CONTEXT), cutBefore(text, end + CONTEXT)];
  const shown = hide(text, spans, { from, to }).replace(/\s+/g, ' ').trim();
  return `${from > 0 ? '…' : ''}${blurred(shown)}${to < text.length ? '…' : ''}`;
}

/** A text, or a stretch of it, with private data masked, and of toxic words all but the first letter. */
export const hide = (text: string, spans: readonly Span[], stretch: { from?: number; to?: number } = {}): string =>
  masked(text, spans, {
    ...stretch,
    mask: (span) => (span.kind === 'toxic' ? `${[...text.slice(span.start, span.start + 2)][0]}***` : maskOf(span)),
  });

/**
 * A text to be shown: names, as far as two words with capitals are one, or one that is greeted, or that stands right before or behind
 * what was masked, by their initials; and the digits of numbers of five and more, which may be somebody's, as 0.
 */
export const blurred = (text: string): string =>
  withoutNumbers(text)
    .replace(/\b(dear|hi|hello) (\p{L})[\p{L}\p{N}_.-]*/giu, '$1 $2.')
    .replace(/(?<![\p{L}<])(\p{Lu})[\p{L}’'-]+(?=[\s.,:;("]{1,3}<[A-Z]+>)/gu, '$1.')
    .replace(/(?<=<[A-Z]+>[\s.,:;)("]{1,3})(\p{Lu})[\p{L}’'-]+/gu, '$1.')
    .replace(/\p{Lu}[\p{L}’'.-]*(?: \p{Lu}[\p{L}’'.-]*)+/gu, (name) =>
      name.replace(/(?<=(?:^| )\p{L})[\p{L}’'.-]*/gu, '.'),
    );

/** The digits of long numbers as 0. */
export const withoutNumbers = (text: string): string =>
  text.replace(/\d[\d\s().-]{3,}\d/g, (number) => number.replace(/\d/g, '0'));

/** The place, or the one before it where it would cut a character in two. */
function cutBefore(text: string, at: number): number {
  const place = Math.max(0, Math.min(text.length, at));
  const unit = text.charCodeAt(place);
  return unit >= 0xdc00 && unit < 0xe000 && place > 0 ? place - 1 : place;
}

/** Says the line of places in a text that begins in `line`; they must be asked for in order. */
export function lineCounter(text: string, line: number): (at: number) => number {
  const ends = /\r\n|\r|\n/g;
  const nextEnd = (): number => ends.exec(text)?.index ?? Number.POSITIVE_INFINITY;
  let [now, next] = [line, nextEnd()]; // the next end is kept: to look for it from each place would take a square of the length
  return (at) => {
    for (; next < at; next = nextEnd()) now++;
    return now;
  };
}
