/** What a handful of seeds allows to say, beyond what simple-statistics has: its t test divides by n, and it knows no p of Student's t. */
import { mean, sampleStandardDeviation } from 'simple-statistics';

/** The sample standard deviation (divided by n - 1); 0 of a single value. */
export const deviation = (values: readonly number[]): number =>
  values.length < 2 ? 0 : sampleStandardDeviation(values);

/** Differences that are equal but for how they are rounded have such a standard error beside their mean. */
const ROUNDING = 1e-12;

/**
 * Student's paired t test: the two-sided probability of a mean as far from 0 as that of `differences`, were they drawn from a
 * normal distribution around 0. NaN where there is no spread to judge by: of fewer than two differences, and of equal ones, which
 * two seeds easily give. If all are 0, p is 1.
 */
export function pairedT(differences: readonly number[]): { t: number; p: number } {
  const n = differences.length;
  if (n < 2) return { t: Number.NaN, p: Number.NaN };
  const centre = mean(differences);
  const error = sampleStandardDeviation(differences) / Math.sqrt(n);
  if (centre === 0) return { t: 0, p: 1 };
  if (!(error > ROUNDING * Math.abs(centre))) return { t: Number.NaN, p: Number.NaN };
  const t = centre / error;
  return { t, p: studentTail(t, n - 1) };
}

/**
 * P(|T| >= |t|) for Student's t with a whole number of degrees of freedom, by the finite sums of Abramowitz and Stegun
 * 26.7.3 and 26.7.4, with angle = atan(t / sqrt(degrees)).
 */
export function studentTail(t: number, degrees: number): number {
  const angle = Math.atan(Math.abs(t) / Math.sqrt(degrees));
  const odd = degrees % 2 === 1;
  let term = odd ? Math.cos(angle) : 1;
  let sum = 0;
  for (let k = odd ? 1 : 0; k <= degrees - 2; k += 2) {
    sum += term;
    term *= (Math.cos(angle) ** 2 * (k + 1)) / (k + 2);
  }
  const inside = odd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
  return Math.max(0, 1 - inside);
}
