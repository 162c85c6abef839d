import { UserError } from '../../errors.ts';
import { type Call, defineOp, type Each, type Numbers } from '../../tensor/op.ts';
import { threefry } from '../../tensor/random.ts';
import { format, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { argmaxOf } from './argmax.ts';
import { sampleNaive } from './naive.ts';
import { sampleRadix } from './radix.ts';
import { SAMPLE_SETTINGS, type SampleSettings, SMALLEST_TEMPERATURE, settingsIn } from './settings.ts';

/**
 * What `sample` draws from, in float64: the probability of each token after all filters.
 * `settings`, `seen` and `bias` as they stand in a row of their tensors.
 */
export function sampleDistribution(
  logits: ArrayLike<number>,
  settings: ArrayLike<number>,
  seen?: ArrayLike<number>,
  bias?: ArrayLike<number>,
): Float64Array {
  const { temperature, topP, minP, topK, ...penalties } = settingsIn(settings);
  const scores = Float64Array.from(logits, (z, i) => penalized(z + (bias?.[i] ?? 0), seen?.[i] ?? 0, penalties));
  const best = argmaxOf(scores);
  if (!(temperature >= SMALLEST_TEMPERATURE)) return scores.map((_, i) => (i === best ? 1 : 0));
  const sorted = Float64Array.from(scores).sort().reverse();
  const lowest = topK >= 1 ? sorted[Math.min(Math.floor(topK), sorted.length) - 1] : Number.NEGATIVE_INFINITY;
  const weights = scores.map((z) => (z >= lowest ? Math.exp((z - scores[best]) / temperature) : 0));
  const heaviest = Float64Array.from(weights).sort().reverse();
  const goal = topP * heaviest.reduce((sum, w) => sum + w, 0);
  let last = 0;
  for (let sum = heaviest[0]; topP < 1 && sum < goal && last < heaviest.length - 1; sum += heaviest[last]) last++;
  const lightest = Math.max(topP < 1 ? heaviest[last] : 0, Math.min(minP, 1));
  const kept = weights.map((w) => (w >= lightest ? w : 0));
  const total = kept.reduce((sum, w) => sum + w, 0);
  return kept.map((w) => w / total);
}

type Penalties = Pick<SampleSettings, 'repetitionPenalty' | 'presencePenalty' | 'frequencyPenalty'>;

/** A logit less what its token has to pay: `seen` tells whether it came in the prompt, and how often it was generated. */
function penalized(z: number, seen: number, penalties: Penalties): number {
  if (seen === 0) return z;
  const { repetitionPenalty, presencePenalty, frequencyPenalty } = penalties;
  const count = seen >>> 1;
  return (
    (z > 0 ? z / repetitionPenalty : z * repetitionPenalty) -
    Math.min(count, 1) * presencePenalty -
    count * frequencyPenalty
  );
}

/** The first id whose cumulative probability is above `uniform`. */
export function drawFrom(probabilities: Float64Array, uniform: number): number {
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

type Inputs = { logits: Tensor; settings: Tensor; state: Tensor; seen?: Tensor; bias?: Tensor };

const run = ({ inputs, output: ids, variant }: Call<Inputs>): void => {
  const [B, V] = inputs.logits.shape;
  const kernel = variant === 'naive' ? sampleNaive : sampleRadix;
  kernel({ ...inputs, ids }, { B, V });
};

function reference({ logits, settings, state, seen, bias }: Each<Inputs, Numbers>): Float64Array {
  return Float64Array.from({ length: logits.shape[0] }, (_, b) => {
    const rowOf = ({ shape, data }: Numbers) => Array.from(data).slice(b * shape[1], (b + 1) * shape[1]);
    const [seed, choice, counter] = rowOf(state);
    const [bits] = threefry(seed, choice, counter, 0);
    const [before, added] = [seen && rowOf(seen), bias && rowOf(bias)];
    return drawFrom(sampleDistribution(rowOf(logits), rowOf(settings), before, added), bits / 2 ** 32);
  });
}

/** The inputs that every case has. */
const inputsOf = (B: number, V: number) => ({
  ...{ logits: [B, V], settings: [B, SAMPLE_SETTINGS.size], state: { shape: [B, 3], below: 9 } },
});

/** What `seen` holds afterwards. */
function markSeen(inputs: Each<Inputs, Numbers>, seen: Numbers): Float64Array {
  const marked = Float64Array.from(seen.data);
  reference(inputs).forEach((id, b) => {
    marked[b * seen.shape[1] + id] += 2;
  });
  return marked;
}

/**
 * Draws a token for each row, by settings and random numbers of its own.
 * logits: (B, V), settings: (B, SAMPLE_SETTINGS), state: (B, 3) u32 [seed, choice, counter], seen?: (B, V) u32, bias?: (B, V) -> (B) u32
 *
 * `seen` holds 1 for a token of the prompt, and 2 more for each time that it was generated. The bias is added to the logits.
 * Then come the penalties: repetition (Keskar et al., "CTRL", 2019) for tokens whose `seen` is not 0, and presence and frequency
 * as OpenAI's API has them, for generated ones: logit - presence [count > 0] - frequency count. Then, in Hugging Face's
 * order, temperature, top-k, top-p (ties at either threshold are kept; at least one token is), min-p; and one draw by
 * the inverse cumulative distribution, in the order of ids, with the random number of key (seed, choice) and counter (counter, 0):
 * neither the row's place nor its neighbours have a part in it. Adds 2 to `seen` of the chosen ids, in place. Settings and
 * state are read on the GPU, so that a recorded step can be replayed with others.
 */
export const sample = defineOp<Inputs>({
  name: 'sample',
  inputs: ['logits', 'settings', 'state', 'seen?', 'bias?'],
  dtype: 'u32',
  shape: ({ logits, settings, state, seen, bias }) => {
    if (logits.length !== 2 || logits[1] === 0) {
      throw new UserError(`sample: logits must be (B, V) with V at least 1, got ${format(logits)}`);
    }
    checkShape('settings', settings, [logits[0], SAMPLE_SETTINGS.size]);
    checkShape('state', state, [logits[0], 3]);
    if (seen) checkShape('seen', seen, logits);
    if (bias) checkShape('bias', bias, logits);
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
    [inputsOf(1, 1)],
    [{ ...inputsOf(3, 7), seen: { shape: [3, 7], below: 2 } }],
    [{ ...inputsOf(2, 65), settings: { shape: [2, SAMPLE_SETTINGS.size], scale: 0 } }],
    [{ ...inputsOf(5, 257), seen: { shape: [5, 257], below: 9 } }],
    [{ ...inputsOf(3, 33), seen: { shape: [3, 33], below: 9 }, bias: [3, 33] }],
    [{ ...inputsOf(2, 19), bias: [2, 19] }],
  ],
  workloads: ({ B, V }) => [{ case: [{ ...inputsOf(B, V), seen: { shape: [B, V], below: 2 } }] }],
  operations: 4,
});
