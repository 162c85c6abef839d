/** Numbers as people read them, in reports and in the terminal. */

const UNITS: readonly [number, string][] = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** 4120 -> "4,120", 826,496 -> "826k", 1,204,997 -> "1.20M": exact below 100,000, then three digits. */
export function count(n: number): string {
  if (!Number.isFinite(n)) return '–';
  const magnitude = Math.abs(n);
  if (magnitude < 100_000) return Math.round(n).toLocaleString('en');
  // Rounded first, so that 999,999 is 1.00M and not 1000k.
  const rounded = Number(magnitude.toPrecision(3));
  const [size, unit] = UNITS.find(([least]) => rounded >= least)!;
  return `${n < 0 ? '-' : ''}${(rounded / size).toPrecision(3)}${unit}`;
}

const BYTE_UNITS = ['KiB', 'MiB', 'GiB', 'TiB'];

/** 512 -> "512 bytes", 1536 -> "1.5 KiB", 13,000,000 -> "12.4 MiB". */
export function bytes(sizeBytes: number): string {
  if (!Number.isFinite(sizeBytes)) return '–';
  if (sizeBytes < 1024) return `${Math.round(sizeBytes)} bytes`;
  let size = sizeBytes / 1024;
  let unit = 0;
  for (; size >= 999.95 && unit < BYTE_UNITS.length - 1; unit++) size /= 1024;
  return `${size.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** As a clock: 42,000 -> "0:42", 112,000 -> "1:52", 3,723,000 -> "1:02:03". */
export function duration(timeMs: number): string {
  if (!Number.isFinite(timeMs)) return '–:–';
  const seconds = Math.max(0, Math.round(timeMs / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number): string => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** In a sentence: 900 -> "0.9 s", 184,000 -> "3 min 4 s", 3,723,000 -> "1 h 2 min". */
export function durationInWords(timeMs: number): string {
  if (!Number.isFinite(timeMs)) return 'an unknown time';
  if (timeMs < 9_950) return `${(timeMs / 1000).toFixed(1)} s`;
  const seconds = Math.round(timeMs / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (h > 0) return m > 0 ? `${h} h ${m} min` : `${h} h`;
  if (m > 0) return s > 0 ? `${m} min ${s} s` : `${m} min`;
  return `${s} s`;
}

/** All digits: 1,204,997. */
export const exact = (n: number): string => n.toLocaleString('en');

/** A share: 0.8734 -> "87.3%". */
export const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

/** "21 November 2025, 14:03 UTC"; what is no date is shown as it is. */
export function dateInWords(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const day = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });
  return `${day}, ${date.toISOString().slice(11, 16)} UTC`;
}

/** Three or four significant digits without zeros at the end: 0.0001, 1.883, 41.2, 1,204. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 1000) return count(value);
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(2).replace(/\.?0+e/, 'e');
  return String(Number(value.toPrecision(4)));
}

/** A loss with the digits that matter; wild ones short. */
export const loss = (value: number): string => (Math.abs(value) < 100 ? value.toFixed(3) : figure(value));
