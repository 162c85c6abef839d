/** Numbers as people read them, in reports and in the terminal. */

import { largest, smallest } from '../numbers.ts';
/** Stands where there is no number. */
export const NOTHING = '–';

const ALL_DIGITS = new Intl.NumberFormat('en');
const COMPACT = new Intl.NumberFormat('en', {
  ...{ notation: 'compact', minimumSignificantDigits: 3, maximumSignificantDigits: 3 },
});
const ONE_DIGIT = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
const PERCENT = new Intl.NumberFormat('en', { style: 'percent', ...ONE_DIGIT });
const SIGNED = new Intl.NumberFormat('en', { signDisplay: 'exceptZero', ...ONE_DIGIT });
const LIST = new Intl.ListFormat('en-GB');
const DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' });

/** All digits: 1,204,997. */
export const exact = (n: number): string => ALL_DIGITS.format(n);

/** 4120 -> "4,120", 826,496 -> "826k", 1,204,997 -> "1.20M": exact below 100,000, then three digits with SI's prefixes. */
export function count(n: number): string {
  if (!Number.isFinite(n)) return NOTHING;
  if (Math.abs(n) < 100_000) return exact(Math.round(n));
  if (Math.abs(n) >= 1e15) return n.toExponential(2).replace('+', '');
  return COMPACT.format(n).replace('K', 'k').replace('B', 'G');
}

const BYTE_UNITS = ['KiB', 'MiB', 'GiB', 'TiB']; // Intl has none with powers of two

/** 512 -> "512 bytes", 1536 -> "1.5 KiB", 13,000,000 -> "12.4 MiB". */
export function bytes(sizeBytes: number): string {
  if (!Number.isFinite(sizeBytes)) return NOTHING;
  if (sizeBytes < 1024) return `${Math.round(sizeBytes)} bytes`;
  let size = sizeBytes / 1024;
  let unit = 0;
  for (; size >= 999.95 && unit < BYTE_UNITS.length - 1; unit++) size /= 1024;
  return `${size.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** Hours, minutes and seconds. Node 20 has no Intl.DurationFormat. */
function clock(timeMs: number): [h: number, m: number, s: number] {
  const seconds = Math.max(0, Math.round(timeMs / 1000));
  return [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
}

/** As a clock: 42,000 -> "0:42", 112,000 -> "1:52", 3,723,000 -> "1:02:03". */
export function duration(timeMs: number): string {
  if (!Number.isFinite(timeMs)) return '–:–';
  const [h, m, s] = clock(timeMs);
  const two = (n: number): string => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** In a sentence: 900 -> "0.9 s", 184,000 -> "3 min 4 s", 3,723,000 -> "1 h 2 min". */
export function durationInWords(timeMs: number): string {
  if (!Number.isFinite(timeMs)) return 'an unknown time';
  if (timeMs < 9_950) return `${(timeMs / 1000).toFixed(1)} s`;
  const [h, m, s] = clock(timeMs);
  const parts = [h > 0 && `${h} h`, m > 0 && `${m} min`, s > 0 && h === 0 && `${s} s`];
  return parts.filter(Boolean).join(' ');
}

/** A share: 0.8734 -> "87.3%". */
export const percent = (share: number): string => PERCENT.format(share);

/** A difference with its sign and one digit: "+3.1", "−0.4", "0.0". */
export const signed = (difference: number): string => SIGNED.format(difference).replace('-', '−');

/** "21 November 2025, 14:03 UTC"; what is no date is shown as it is. */
export function dateInWords(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : `${DAY.format(date)}, ${date.toISOString().slice(11, 16)} UTC`;
}

/** Three or four significant digits without zeros at the end: 0.0001, 1.883, 41.2, 1,204. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  if (Math.abs(value) >= 1000) return count(value);
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(2).replace(/\.?0+e/, 'e');
  return String(Number(value.toPrecision(4)));
}

/** A loss with the digits that matter; wild ones short. */
export const loss = (value: number): string => (Math.abs(value) < 100 ? value.toFixed(3) : figure(value));

/** "llvmpipe (software)". */
export const adapterInWords = ({ name, software }: { readonly name: string; readonly software: boolean }): string =>
  software ? `${name} (software)` : name;

/** "1 layer", "4 layers". */
export const plural = (n: number, word: string): string => `${exact(n)} ${n === 1 ? word : `${word}s`}`;

/** "8, 16 and 32". */
export const list = (parts: readonly (string | number)[]): string =>
  LIST.format(parts.map((part) => (typeof part === 'number' ? exact(part) : part)));

/** "8 to 512", or one of them where the lowest and the highest read the same; NOTHING of none. */
export function range(values: readonly number[], inWords: (value: number) => string = exact): string {
  if (values.length === 0) return NOTHING;
  const [low, high] = [inWords(smallest(values)), inWords(largest(values))];
  return low === high ? low : `${low} to ${high}`;
}
