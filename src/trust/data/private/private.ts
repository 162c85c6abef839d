/** Private data in a text: what says who or where someone is, or opens what is his. */
import { type Detector, type Span, withoutOverlaps } from '../spans.ts';
import { cards } from './card.ts';
import { emails } from './email.ts';
import { ibans } from './iban.ts';

/** The surest first: what overlaps one of them is not told as something else too. */
const DETECTORS: readonly Detector[] = [cards, ibans, emails];

export const privateItems: Detector = (text) =>
  withoutOverlaps(DETECTORS.map((detector) => [...detector(text)].sort((a, b) => a.start - b.start)));

/** A text in which `<EMAIL>`, `<PHONE>`, ... stand for what was found; the spans are in the order of places, and do not overlap. */
export function masked(text: string, spans: readonly Span[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const { kind, start, end } of spans) {
    parts.push(text.slice(at, start), `<${kind.toUpperCase()}>`);
    at = end;
  }
  return parts.join('') + text.slice(at);
}
