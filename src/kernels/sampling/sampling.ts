import { UserError } from '../../errors.ts';
import { type Call, defineOp, type Each, type Numbers } from '../../tensor/op.ts';
import { threefry } from '../../tensor/random.ts';
import { format, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { argmaxOf } from './argmax.ts';
import { sampleNaive } from './naive.ts';
import { sampleRadix } from './radix.ts';
import { SAMPLE_SETTINGS, SMALLEST_TEMPERATURE, settingsIn } from './settings.ts';

/**
 * What `sample` draws from, in float64: the probability of each token after all filters.
 * `settings` as they stand in their tensor; `seen[i]` is not 0 for tokens to be penalized.
 */
export function sampleDistribution(
  logits: ArrayLike<number>,
  settings: ArrayLike<number>,
  seen?: ArrayLike<number>,
): Float64Array {
  const { temperature, topP, minP, repetitionPenalty: penalty, topK } = settingsIn(settings);
  const scores = Float64Array.from(logits, (z, i) => (!seen?.[i] ? z : z > 0 ? z / penalty : z * penalty));
  const best = argmaxOf(scores);
  if (!(temperature >= SMALLEST_TEMPERATURE)) return scores.map((_, i) => (i === best ? 1 : 0));
  const sorted = Float64Array.from(scores).sort().reverse();
  const lowest = topK >= 1 ? sorted[Math.min(Math.floor(topK), sorted.length) - 1] : Number.NEGATIVE_INFINITY;
  const weights = scores.map((z) => (z >= lowest ? Math.exp((z - scores[best]) / temperature) : 0));
  const heaviest = Float64Array.from(weights).sort().reverse();
  const goal = topP * heaviest.reduce((sum, w) => sum + w, 0);
  let last = 0;
  for (let sum = heaviest[0]; topP < 1 && sum < goal && last < heaviest.length - 1; sum += heaviest[last]) last++;
  const lightest = Math.max(topP < 1 ? heaviest[last] : 0, minP);
  const kept = weights.map((w) => (w >= lightest ? w : 0));
  const total = kept.reduce((sum, w) => sum + w, 0);
  return kept.map((w) => w / total);
}

/** The first id whose cumulative probability is above `uniform`. */
function drawFrom(probabilities: Float64Array, uniform: number): number {
  let last = 0;
  let sum = 0;
  for (const [id, p] of probabilities.entries()) {
    if (p === 0) continue;
    last = id;
    sum += p;
    if (sum > uniform) break;
  }
  return last;
}

function checkShape(name: string, got: readonly number[], expected: readonly number[]): void {
  if (sameShape(got, expected)) return;
  throw new UserError(`sample: ${name} must be ${format(expected)}, got ${format(got)}`);
}

type Inputs = { logits: Tensor; settings: Tensor; state: Tensor; seen?: Tensor };

const run = ({ inputs, output: ids, variant }: Call<Inputs>): void => {
  const [B, V] = inputs.logits.shape;
  const kernel = variant === 'naive' ? sampleNaive : sampleRadix;
  kernel({ ...inputs, ids }, { B, V });
};

function reference({ logits, settings, state, seen }: Each<Inputs, Numbers>): Float64Array {
  const [B, V] = logits.shape;
  const rowOf = (data: ArrayLike<number>, b: number) => Array.from(data).slice(b * V, (b + 1) * V);
  return Float64Array.from({ length: B }, (_, b) => {
    const [bits] = threefry(state.data[0], b, state.data[1], 0);
    const probabilities = sampleDistribution(rowOf(logits.data, b), settings.data, seen && rowOf(seen.data, b));
    return drawFrom(probabilities, bits / 2 ** 32);
  });
}

/** What `seen` holds afterwards. */
function markSeen(inputs: Each<Inputs, Numbers>, seen: Numbers): Float64Array {
  const marked = Float64Array.from(seen.data);
  reference(inputs).forEach((id, b) => {
    marked[b * seen.shape[1] + id] = 1;
  });
  return marked;
}

/**
 * Draws a token for each row:   logits: (B, V), settings: SAMPLE_SETTINGS, state: (2) u32 [seed, counter], seen?: (B, V) u32 -> (B) u32
 *
 * Filters in Hugging Face's order: repetition penalty (for tokens whose `seen` is not 0), temperature, top-k, top-p (ties at
 * either threshold are kept; at least one token is), min-p. Then one draw by the inverse cumulative distribution, in the
 * order of ids, with the random number of key (seed, row) and counter (counter, 0). Sets `seen` of the chosen ids to 1, in
 * place. Settings and state are read on the GPU, so that a recorded step can be replayed with others.
 */
export const sample = defineOp<Inputs>({
  name: 'sample',
  inputs: ['logits', 'settings', 'state', 'seen?'],
  dtype: 'u32',
  shape: ({ logits, settings, state, seen }) => {
    if (logits.length !== 2 || logits[1] === 0) {
      throw new UserError(`sample: logits must be (B, V) with V at least 1, got ${format(logits)}`);
    }
    checkShape('settings', settings, [SAMPLE_SETTINGS.size]);
    checkShape('state', state, [2]);
    if (seen) checkShape('seen', seen, logits);
    return [logits[0]];
  },
  run: {
    naive: run,
    radix: {
      idea: 'A workgroup a row: thresholds are found bit by bit with histograms, in eight walks over the row whatever the settings.',
      gain: 'lavapipe, top-k 40 and top-p 0.95: 33 times naive at (1, 4096), 0.24 against 7.9 ms; 62 times at (1, 50257), 2.0 against 125 ms',
      run,
    },
  },
  reference,
  writes: (inputs) => (inputs.seen ? { seen: markSeen(inputs, inputs.seen) } : {}),
  cases: [
    [{ logits: [1, 1], settings: [5], state: { shape: [2], below: 9 } }],
    [{ logits: [3, 7], settings: [5], state: { shape: [2], below: 9 }, seen: { shape: [3, 7], below: 2 } }],
    [{ logits: [2, 65], settings: { shape: [5], scale: 0 }, state: { shape: [2], below: 9 } }],
    [{ logits: [5, 257], settings: [5], state: { shape: [2], below: 9 }, seen: { shape: [5, 257], below: 2 } }],
  ],
  workloads: ({ B, V }) => [
    { case: [{ logits: [B, V], settings: [5], state: { shape: [2], below: 9 }, seen: { shape: [B, V], below: 2 } }] },
  ],
  operations: 4,
});
