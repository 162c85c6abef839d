/** Private data in a text: what says who or where someone is, or opens what is his. */
import { type Detector, type Span, withoutOverlaps } from '../spans.ts';
import { addresses } from './address.ts';
import { birthDates } from './birth.ts';
import { cards } from './card.ts';
import { emails } from './email.ts';
import { ibans } from './iban.ts';
import { ipv4, ipv6 } from './ip.ts';
import { privateKeys, tokens } from './keys.ts';
import { passwords } from './password.ts';
import { phones } from './phone.ts';
import { socialNumbers } from './social.ts';

/** The twelve forms, the surest first: what overlaps one of them is not told as something else too. */
const DETECTORS: Readonly<Record<string, Detector>> = {
  'private-key': privateKeys,
  token: tokens,
  password: passwords,
  iban: ibans,
  card: cards,
  email: emails,
  'birth-date': birthDates,
  'social-security': socialNumbers,
  ipv6,
  ipv4,
  phone: phones,
  address: addresses,
};

/** What kinds of spans `privateItems` finds. */
export const PRIVATE_KINDS: readonly string[] = Object.keys(DETECTORS);

/**
 * Private data in twelve forms. Patterns and checksums alone, no names: a name says nothing without a list of everyone's. What is said of a
 * form, and its source, stands with its detector.
 */
export const privateItems: Detector = (text) =>
  withoutOverlaps(Object.values(DETECTORS).map((detector) => detector(text)));

/** `<EMAIL>`, `<PHONE>`, ... */
export const maskOf = ({ kind }: Span): string => `<${kind.toUpperCase()}>`;

/**
 * A text, or the stretch of it from `from` to before `to`, in which masks stand for what was found, also for what the stretch cuts. The spans are in the
 * order of places, and do not overlap.
 */
export function masked(
  text: string,
  spans: readonly Span[],
  { from = 0, to = text.length, mask = maskOf }: { from?: number; to?: number; mask?: (span: Span) => string } = {},
): string {
  const parts: string[] = [];
  let at = from;
  for (const span of spans) {
    if (span.end <= at || span.start >= to) continue;
    parts.push(text.slice(at, Math.max(at, span.start)), mask(span));
    at = Math.min(to, span.end);
  }
  return parts.join('') + text.slice(at, Math.max(at, to));
}
