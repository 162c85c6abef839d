import { UserError } from '../../errors.ts';
import { type Call, defineOp, type Numbers } from '../../tensor/op.ts';
import { format, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { flashForward, flashKeyGradient, flashQueryGradient } from './flash.ts';
import { naiveForward, naiveKeyGradient, naiveQueryGradient } from './naive.ts';
import { type Heads, packedSizes } from './packedHeads.ts';

export interface AttentionAttributes extends Heads {
  /** Whether token t sees tokens 0..t only, or all. */
  causal: boolean;
}

/** What the kernels are told: sizes and flags. */
function setting({ inputs: [qkv, lengths], attributes }: Call<AttentionAttributes>) {
  const sizes = packedSizes('attention', qkv!.shape, attributes);
  const [causal, padded] = [attributes.causal ? 1 : 0, lengths ? 1 : 0];
  return { ...sizes, causal, padded, heads: sizes.H, quads: Math.ceil(sizes.D / 4) };
}

/** What the kernels read. Where there are no lengths, that binding is not looked at. */
const read = ([qkv, lengths]: readonly (Tensor | undefined)[]) => ({ qkv: qkv!, lengths: lengths ?? qkv! });

function reference([qkv, lengths]: readonly (Numbers | undefined)[], attributes: AttentionAttributes): Float64Array {
  const { B, T, H, KV, D } = packedSizes('attention', qkv!.shape, attributes);
  const x = qkv!.data;
  const y = new Float64Array(B * T * H * D);
  const start = (b: number, t: number, head: number): number => ((b * T + t) * (H + 2 * KV) + head) * D;
  for (let b = 0; b < B; b++) {
    const tokens = Math.min(lengths ? lengths.data[b] : T, T);
    for (let h = 0; h < H; h++)
      for (let t = 0; t < tokens; t++) {
        const seen = attributes.causal ? t + 1 : tokens;
        const kvHead = H + Math.floor(h / (H / KV));
        const scores = Array.from({ length: seen }, (_, j) => {
          let score = 0;
          for (let d = 0; d < D; d++) score += x[start(b, t, h) + d] * x[start(b, j, kvHead) + d];
          return score / Math.sqrt(D);
        });
        const largest = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - largest));
        const sum = weights.reduce((a, w) => a + w, 0);
        for (let j = 0; j < seen; j++)
          for (let d = 0; d < D; d++)
            y[((b * T + t) * H + h) * D + d] += (weights[j] / sum) * x[start(b, j, kvHead + KV) + d];
      }
  }
  return y;
}

/**
 * Attention over packed heads: y = softmax(q k^T / sqrt(D)) v for each query head, without ever storing T x T.
 * qkv: (B, T, (H + 2 KV) * D), the last axis being H query heads, KV key heads, KV value heads (GPT-2's c_attn with
 * KV = H; fewer are grouped queries, as in Llama) -> (B, T, H * D). Keeps the log-sum-exp of the scores, (B, H, T).
 * Where `lengths` are given, tokens at and past lengths[b] are padding: nobody sees them, and their outputs and gradients are 0.
 * There is no dropout on the weights: dropout belongs to residuals and embeddings here.
 *
 * naive: an invocation a query and head. flash: see attentionWalk.ts.
 * @throws UserError when the heads do not divide one another or the last axis, or lengths are not (B).
 */
export const attention = defineOp<[qkv: Tensor, lengths: Tensor | undefined], AttentionAttributes>({
  name: 'attention',
  inputs: ['qkv', 'lengths?'],
  shape: ([qkv, lengths], attributes) => {
    const { B, T, H, D } = packedSizes('attention', qkv!, attributes);
    if (lengths && !sameShape(lengths, [B])) {
      throw new UserError(`attention: lengths must be (${B}), one for each sequence, got ${format(lengths)}`);
    }
    return [B, T, H * D];
  },
  saves: ([qkv], { nHead }) => ({ lse: [qkv![0], nHead, qkv![1]] }),
  run: {
    naive: (call) => naiveForward({ ...read(call.inputs), y: call.output, lse: call.saved.lse }, setting(call)),
    flash: (call) => {
      const { D, ...params } = setting(call);
      flashForward(D)({ ...read(call.inputs), y: call.output, lse: call.saved.lse }, params);
    },
  },
  reference,
  backward: (call) => {
    const { engine, inputs, output: y, saved, dy, target, variant } = call;
    const dqkv = target(0);
    if (!dqkv) return;
    const { D, ...params } = { ...setting(call), accumulate: dqkv.accumulate };
    const delta = engine.empty(saved.lse.shape);
    const tensors = { ...read(inputs), y, dy, lse: saved.lse, delta, dqkv: dqkv.tensor };
    const naive = variant === 'naive';
    if (naive) naiveQueryGradient(tensors, { ...params, D });
    else flashQueryGradient(D)(tensors, params);
    if (naive) naiveKeyGradient(tensors, { ...params, D });
    else flashKeyGradient(D)(tensors, { ...params, heads: params.KV });
  },
  // a weight is a sum of D products, an output of T weights; a gradient adds up both
  reduction: ([qkv], attributes) => qkv![1] + 4 * packedSizes('attention', qkv!, attributes).D,
  // few widths: each is compiled anew, for every tuning point
  cases: [
    { inputs: [[1, 1, 18]], attributes: { nHead: 1, nKvHead: 1, causal: true } }, // D 6: not a multiple of 4
    { inputs: [[2, 7, 48]], attributes: { nHead: 4, nKvHead: 2, causal: true } },
    { inputs: [[2, 17, 30]], attributes: { nHead: 3, nKvHead: 1, causal: false } },
    { inputs: [{ shape: [1, 67, 18], scale: 2 }], attributes: { nHead: 1, nKvHead: 1, causal: true } }, // past 64 lanes
    { inputs: [[1, 29, 108]], attributes: { nHead: 1, nKvHead: 1, causal: true } }, // D 36: past 8 lanes of 4, a tile of 28
    { inputs: [[1, 67, 54]], attributes: { nHead: 1, nKvHead: 1, causal: true } }, // D 18: rows split among 2 and 4 lanes
    { inputs: [[3, 7, 48], { shape: [3], below: 9 }], attributes: { nHead: 4, nKvHead: 2, causal: true } },
    { inputs: [[3, 67, 18], { shape: [3], below: 67 }], attributes: { nHead: 1, nKvHead: 1, causal: false } },
    { inputs: [[2, 35, 54], { shape: [2], below: 36 }], attributes: { nHead: 1, nKvHead: 1, causal: false } },
  ],
});
