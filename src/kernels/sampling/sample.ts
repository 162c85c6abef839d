import { UserError } from '../../errors.ts';
import { type Call, defineOp } from '../../tensor/op.ts';
import { threefry } from '../../tensor/random.ts';
import { format, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { argmaxOf } from './argmax.ts';
import { SMALLEST_TEMPERATURE, sampleNaive } from './naive.ts';
import { sampleRadix } from './radix.ts';

/** Elements of the `settings` tensor. */
export const SAMPLE_SETTINGS_SIZE = 5;

/** How to choose the next token. */
export interface SampleSettings {
  /** Divides the logits; 0 takes the most likely token. */
  temperature: number;
  /** Keeps the most likely tokens that have this share of the probability together; 1 keeps all. */
  topP: number;
  /** Keeps tokens with at least this share of the most likely one's probability; 0 keeps all. */
  minP: number;
  /** Divides positive and multiplies negative logits of the tokens seen before; 1 does nothing. */
  repetitionPenalty: number;
  /** Keeps this many of the most likely tokens, and ties with the last of them; 0 keeps all. */
  topK: number;
}

/** Packs settings for the `settings` tensor of `sample`. */
export const sampleSettings = (settings: SampleSettings): Float32Array<ArrayBuffer> =>
  Float32Array.of(settings.temperature, settings.topP, settings.minP, settings.repetitionPenalty, settings.topK);

/**
 * What `sample` draws from, in float64: the probability of each token after all filters.
 * `settings` as `sampleSettings` packs them; `seen[i]` is not 0 for tokens to be penalized.
 */
export function sampleDistribution(
  logits: ArrayLike<number>,
  settings: ArrayLike<number>,
  seen?: ArrayLike<number>,
): Float64Array {
  const [temperature, topP, minP, penalty, topK] = Array.from(settings);
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

function run(kernel: typeof sampleNaive | typeof sampleRadix, { inputs, output: ids, saved }: Call<object>): void {
  const [logits, settings, state, seen] = inputs;
  const [B, V] = logits!.shape;
  const tensors = { logits: logits!, settings: settings!, state: state!, seen: seen ?? saved.unused, ids };
  kernel(tensors, { B, V, hasSeen: seen ? 1 : 0 });
}

/**
 * Draws a token for each row:   logits: (B, V), settings: (5), state: (2) u32 [seed, counter], seen?: (B, V) u32 -> (B) u32
 *
 * Filters in Hugging Face's order: repetition penalty (for tokens whose `seen` is not 0), temperature, top-k, top-p (ties at
 * either threshold are kept; at least one token is), min-p. Then one draw by the inverse cumulative distribution, in the
 * order of ids, with the random number of key (seed, row) and counter (counter, 0). Sets `seen` of the chosen ids to 1, in
 * place. Settings and state are read on the GPU, so that a recorded step can be replayed with others.
 */
export const sample = defineOp<[logits: Tensor, settings: Tensor, state: Tensor, seen?: Tensor]>({
  name: 'sample',
  inputs: ['logits', 'settings', 'state', 'seen?'],
  dtype: 'u32',
  shape: ([logits, settings, state, seen]) => {
    if (logits!.length !== 2 || logits![1] === 0) {
      throw new UserError(`sample: logits must be (B, V) with V at least 1, got ${format(logits!)}`);
    }
    checkShape('settings', settings!, [SAMPLE_SETTINGS_SIZE]);
    checkShape('state', state!, [2]);
    if (seen) checkShape('seen', seen, logits!);
    return [logits![0]];
  },
  saves: ([, , , seen]): Record<string, number[]> => (seen ? {} : { unused: [1] }),
  run: { naive: (call) => run(sampleNaive, call), radix: (call) => run(sampleRadix, call) },
  reference: ([logits, settings, state, seen]) => {
    const [B, V] = logits!.shape;
    const rowOf = (data: ArrayLike<number>, b: number) => Array.from(data).slice(b * V, (b + 1) * V);
    return Float64Array.from({ length: B }, (_, b) => {
      const seenRow = seen && rowOf(seen.data, b);
      const [bits] = threefry(state!.data[0], b, state!.data[1], 0);
      return drawFrom(sampleDistribution(rowOf(logits!.data, b), settings!.data, seenRow), bits / 2 ** 32);
    });
  },
  cases: [
    { inputs: [[1, 1], [5], { shape: [2], below: 9 }] },
    { inputs: [[3, 7], [5], { shape: [2], below: 9 }, { shape: [3, 7], below: 2 }] },
    { inputs: [[2, 65], { shape: [5], scale: 0 }, { shape: [2], below: 9 }] },
    { inputs: [[5, 257], [5], { shape: [2], below: 9 }, { shape: [5, 257], below: 2 }] },
  ],
});
