/** Means over seeds, with their bands. */
import { mean, sampleStandardDeviation } from 'simple-statistics';

/** A mean and its 95% band by Student's t; no band of a single seed. */
export interface Banded {
  readonly value: number;
  readonly half?: number;
}

/** 97.5% points of Student's t by degrees of freedom, from 1. */
const STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/** Nothing where a value is missing. */
export function banded(values: readonly (number | null)[]): Banded | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0 || known.length < values.length) return null;
  if (known.length === 1) return { value: known[0] };
  const t = STUDENT[Math.min(known.length - 2, STUDENT.length - 1)];
  return { value: mean(known), half: (t * sampleStandardDeviation(known)) / Math.sqrt(known.length) };
}

/** "2.31 ± 0.04". */
export function inWords(one: Banded | null, digits: number, signed = false): string {
  if (one === null) return '–';
  const value = one.value.toFixed(digits).replace(/^-(?=0(?:\.0*)?$)/, '');
  const sign = signed && Number(value) > 0 ? '+' : '';
  return `${sign}${value.replace('-', '−')}${one.half === undefined ? '' : ` ± ${one.half.toFixed(digits)}`}`;
}

/** Whether a difference is more than its band; undefined where there is none to tell by. */
export const decided = (one: Banded | null): boolean | undefined =>
  one === null || one.half === undefined ? undefined : Math.abs(one.value) > one.half;
