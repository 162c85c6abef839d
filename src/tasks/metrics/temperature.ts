/**
 * Temperature scaling (Guo et al. 2017, "On calibration of modern neural networks"): logits divided by one number T, fitted
 * on validation data, so that confidences tell how often the classifier is right. No prediction changes.
 */

import { mean } from 'simple-statistics';
import { largest } from '../../numbers.ts';

/** Beyond these the logits say nothing (T large) or the validation set is separated without error (T to 0). */
const COLDEST = 0.05;
const HOTTEST = 20;
/** Halvings of the range of log T, which leave it known to 1e-11. */
const HALVINGS = 40;

/** softmax(logits / temperature), in float64. */
export function softmax(logits: ArrayLike<number>, temperature = 1): Float64Array {
  const highest = largest(Array.from(logits));
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - highest) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/**
 * The temperature, within 0.05 to 20, at which the mean negative log-likelihood of the true classes `labels` is lowest.
 *
 * In b = 1 / T the loss, mean of logsumexp(b z) - b z_y, is convex, and its derivative, mean of E_p[z] - z_y with
 * p = softmax(b z), rises through 0 at the minimum: bisection finds it whatever the logits are.
 * Throws Error without examples and on logits that are not finite.
 */
export function fitTemperature(logits: readonly ArrayLike<number>[], labels: ArrayLike<number>): number {
  if (logits.length === 0) throw new Error('fitTemperature: no validation examples');
  let [low, high] = [Math.log(COLDEST), Math.log(HOTTEST)];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    const slope = lossSlope(logits, labels, Math.exp(middle));
    if (!Number.isFinite(slope)) throw new Error('fitTemperature: the logits are not finite');
    // A rising loss in 1 / T asks for a smaller 1 / T, a higher temperature.
    if (slope > 0) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

/** The derivative of the summed negative log-likelihood by 1 / T. */
function lossSlope(logits: readonly ArrayLike<number>[], labels: ArrayLike<number>, temperature: number): number {
  let slope = 0;
  for (const [i, row] of logits.entries()) {
    softmax(row, temperature).forEach((p, c) => {
      slope += p * row[c];
    });
    slope -= row[labels[i]];
  }
  return slope;
}

/** Mean negative log-likelihood of the true classes, in nats. */
export function negativeLogLikelihood(probabilities: readonly ArrayLike<number>[], labels: ArrayLike<number>): number {
  return mean(probabilities.map((p, i) => -Math.log(p[labels[i]])));
}
