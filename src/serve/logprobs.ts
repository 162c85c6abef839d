/** Log-probabilities of tokens from the model's own logits: log softmax in float64. */

export interface TokenLogprob {
  readonly id: number;
  /** Nats. */
  readonly logprob: number;
}

/** The log-probability of a token, and the likeliest ones, the lowest id first among equals. */
export interface ScoredToken extends TokenLogprob {
  readonly top: readonly TokenLogprob[];
}

/** Logits of one place: (V). */
export function scoreToken(logits: Float32Array, id: number, top: number): ScoredToken {
  const normalizer = logSumExp(logits);
  const score = (one: number): TokenLogprob => ({ id: one, logprob: logits[one] - normalizer });
  return { ...score(id), top: largest(logits, top).map(score) };
}

function logSumExp(logits: Float32Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const z of logits) if (z > most) most = z;
  let sum = 0;
  for (const z of logits) sum += Math.exp(z - most);
  return most + Math.log(sum);
}

/** The ids of the `count` largest numbers, in one walk: for counts that are small. */
function largest(numbers: Float32Array, count: number): number[] {
  const ids: number[] = [];
  for (let id = 0; id < numbers.length; id++) {
    if (ids.length === count && (count === 0 || !(numbers[id] > numbers[ids[count - 1]]))) continue;
    const at = ids.findIndex((other) => numbers[id] > numbers[other]);
    ids.splice(at < 0 ? ids.length : at, 0, id);
    if (ids.length > count) ids.pop();
  }
  return ids;
}
