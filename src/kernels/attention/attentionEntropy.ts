import { defineOp } from '../../tensor/op.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { defineEach } from '../skeleton/each.ts';
import { DOT, PARAMS, queryPlace } from './naive.ts';
import { type Heads, packedSizes } from './packedHeads.ts';

/** One walk over the keys: the sums of w = exp(s - largest) and of w (s - largest) are mended when the largest changes. */
const naive = defineEach({
  name: 'attentionEntropy_naive',
  bind: { qkv: 'read', entropy: 'write' },
  params: PARAMS,
  each: ['B', 'H', 'T'],
  functions: DOT,
  body: /* wgsl */ `${queryPlace(false)}
  var largest = -1e30;
  var sum = 0.0;
  var weighted = 0.0;
  for (var j = 0u; j < seen; j++) {
    let s = score(q, k + j * width) * scale;
    let before = largest;
    largest = max(largest, s);
    let shrink = exp(before - largest);
    let weight = exp(s - largest);
    weighted = shrink * (weighted + sum * (before - largest)) + weight * (s - largest);
    sum = sum * shrink + weight;
  }
  entropy[o / params.D] = log(sum) - weighted / sum;`,
});

/**
 * How widely each head looks: the entropy of its weights in causal attention, -sum_j p_j log p_j in nats, p = softmax(q k^T / sqrt(D)).
 * 0 for a query that looks at one key; log(t + 1) for one at position t that looks at all alike.
 * qkv: (B, T, (H + 2 KV) * D) as `attention` has it -> (B, T, H)
 * @throws UserError when the heads do not divide one another or the last axis.
 */
export const attentionEntropy = defineOp<{ qkv: Tensor }, Heads>({
  name: 'attentionEntropy',
  inputs: ['qkv'],
  shape: ({ qkv }, heads) => {
    const { B, T, H } = packedSizes('attentionEntropy', qkv, heads);
    return [B, T, H];
  },
  run: {
    naive: {
      idea: 'An invocation a query and head: it goes over the keys before it, number by number from memory.',
      run: ({ inputs: { qkv }, attributes, output: entropy }) =>
        naive({ qkv, entropy }, { ...packedSizes('attentionEntropy', qkv.shape, attributes), causal: 1 }),
    },
  },
  reference: ({ qkv }, heads) => {
    const { B, T, H, KV, D } = packedSizes('attentionEntropy', qkv.shape, heads);
    const start = (row: number, head: number): number => (row * (H + 2 * KV) + head) * D;
    return Float64Array.from({ length: B * T * H }, (_, i) => {
      const [row, head] = [Math.floor(i / H), i % H];
      const first = row - (row % T);
      const key = H + Math.floor(head / (H / KV));
      const scores = Array.from({ length: row - first + 1 }, (_, j) => {
        let score = 0;
        for (let d = 0; d < D; d++) score += qkv.data[start(row, head) + d] * qkv.data[start(first + j, key) + d];
        return score / Math.sqrt(D);
      });
      const largest = Math.max(...scores);
      const sum = scores.reduce((total, score) => total + Math.exp(score - largest), 0);
      const logs = scores.map((score) => score - largest - Math.log(sum));
      return -logs.reduce((total, log) => total + Math.exp(log) * log, 0);
    });
  },
  // an entropy is a sum of T terms, each of a score of D products
  reduction: ({ qkv }, heads) => qkv[1] + 4 * packedSizes('attentionEntropy', qkv, heads).D,
  cases: [
    [{ qkv: [1, 1, 18] }, { nHead: 1, nKvHead: 1 }],
    [{ qkv: [2, 7, 48] }, { nHead: 4, nKvHead: 2 }],
    [{ qkv: [2, 17, 30] }, { nHead: 3, nKvHead: 1 }],
    [{ qkv: { shape: [1, 67, 18], scale: 2 } }, { nHead: 1, nKvHead: 1 }],
  ],
});
