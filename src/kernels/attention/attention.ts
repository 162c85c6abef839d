import { UserError } from '../../errors.ts';
import type { Capabilities } from '../../tensor/capabilities.ts';
import { type BackwardCall, type Call, defineOp, type Each, type Numbers, type Variant } from '../../tensor/op.ts';
import { format, type Shape, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { flashForward, flashKeyGradient, flashQueryGradient } from './flash.ts';
import { naiveForward, naiveKeyGradient, naiveQueryGradient } from './naive.ts';
import { type Heads, packedSizes } from './packedHeads.ts';

interface AttentionInputs {
  qkv: Tensor;
  lengths?: Tensor;
}

export interface AttentionAttributes extends Heads {
  /** Whether token t sees tokens 0..t only, or all. */
  causal: boolean;
}

/** What the kernels are told: sizes and flags. */
function paramsOf(qkv: Shape, attributes: AttentionAttributes) {
  const sizes = packedSizes('attention', qkv, attributes);
  return { ...sizes, causal: attributes.causal ? 1 : 0, heads: sizes.H, quads: Math.ceil(sizes.D / 4) };
}

const forward =
  (kernel: typeof naiveForward | typeof flashForward) =>
  ({ inputs: { qkv, lengths }, attributes, output: y, saved: { lse } }: Call<AttentionInputs, AttentionAttributes>) =>
    kernel({ qkv, lengths, y, lse }, paramsOf(qkv.shape, attributes));

function backward(call: BackwardCall<AttentionInputs, AttentionAttributes>): void {
  const { engine, inputs, attributes, output: y, saved, dy, target, variant } = call;
  const dqkv = target('qkv');
  if (!dqkv) return;
  const params = { ...paramsOf(inputs.qkv.shape, attributes), accumulate: dqkv.accumulate };
  const delta = engine.empty(saved.lse.shape);
  const tensors = { ...inputs, y, dy, lse: saved.lse, delta, dqkv: dqkv.tensor };
  const naive = variant === 'naive';
  (naive ? naiveQueryGradient : flashQueryGradient)(tensors, params);
  (naive ? naiveKeyGradient : flashKeyGradient)(tensors, { ...params, heads: params.KV });
}

function reference({ qkv, lengths }: Each<AttentionInputs, Numbers>, attributes: AttentionAttributes): Float64Array {
  const { B, T, H, KV, D } = packedSizes('attention', qkv.shape, attributes);
  const x = qkv.data;
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

/** A rung of the ladder: one tuning point of the flash kernel. */
const rung = (
  idea: string,
  R: number,
  subgroup: (adapter: Capabilities) => number,
): Variant<AttentionInputs, AttentionAttributes> => ({
  idea,
  at: { kernel: flashForward, point: (adapter) => ({ R, SUBGROUP: subgroup(adapter), SPLIT: 1 }) },
  run: forward(flashForward),
});

const lanesOf = ({ subgroupSize }: Capabilities): number => subgroupSize || 8;

/**
 * Attention over packed heads: y = softmax(q k^T / sqrt(D)) v for each query head, without ever storing T x T.
 * qkv: (B, T, (H + 2 KV) * D), the last axis being H query heads, KV key heads, KV value heads (GPT-2's c_attn with
 * KV = H; fewer are grouped queries, as in Llama) -> (B, T, H * D). Keeps the log-sum-exp of the scores, (B, H, T).
 * Where `lengths` are given, tokens at and past lengths[b] are padding: nobody sees them, and their outputs and gradients are 0.
 * There is no dropout on the weights: dropout belongs to residuals and embeddings here.
 *
 * naive: an invocation a query and head. flash: see flash.ts.
 * @throws UserError when the heads do not divide one another or the last axis, or lengths are not (B).
 */
export const attention = defineOp<AttentionInputs, AttentionAttributes>({
  name: 'attention',
  inputs: ['qkv', 'lengths?'],
  shape: ({ qkv, lengths }, attributes) => {
    const { B, T, H, D } = packedSizes('attention', qkv, attributes);
    if (lengths && !sameShape(lengths, [B])) {
      throw new UserError(`attention: lengths must be (${B}), one for each sequence, got ${format(lengths)}`);
    }
    return [B, T, H * D];
  },
  saves: ({ qkv }, { nHead }) => ({ lse: [qkv[0], nHead, qkv[1]] }),
  run: {
    naive: {
      idea: 'An invocation a query and head: it goes over the keys before it, number by number from memory.',
      run: forward(naiveForward),
    },
    staged: rung(
      'A query a lane, held in registers with a running maximum and sum (FlashAttention); 64 lanes share tiles of keys and values in workgroup memory.',
      1,
      () => 0,
    ),
    shuffled: rung(
      'A subgroup by itself: its lanes load a key together and hand it around by shuffles, without a barrier.',
      1,
      lanesOf,
    ),
    flash: {
      idea: 'Two queries a lane where they fit: every key and value that was loaded serves both.',
      gain: 'lavapipe, B 4, T 256, H 6, D 64: 27 times naive forward, 19 times backward; SwiftShader 12 and 5 to 7 times',
      run: forward(flashForward),
    },
  },
  reference,
  backward,
  // a weight is a sum of D products, an output of T weights; a gradient adds up both
  reduction: ({ qkv }, attributes) => qkv[1] + 4 * packedSizes('attention', qkv, attributes).D,
  // few widths: each is compiled anew, for every tuning point
  cases: [
    [{ qkv: [1, 1, 18] }, { nHead: 1, nKvHead: 1, causal: true }], // D 6: not a multiple of 4
    [{ qkv: [2, 7, 48] }, { nHead: 4, nKvHead: 2, causal: true }],
    [{ qkv: [2, 17, 30] }, { nHead: 3, nKvHead: 1, causal: false }],
    [{ qkv: { shape: [1, 67, 18], scale: 2 } }, { nHead: 1, nKvHead: 1, causal: true }], // past 64 lanes
    [{ qkv: [1, 29, 108] }, { nHead: 1, nKvHead: 1, causal: true }], // D 36: past 8 lanes of 4, a tile of 28
    [{ qkv: [1, 67, 54] }, { nHead: 1, nKvHead: 1, causal: true }], // D 18: rows split among 2 and 4 lanes
    [
      { qkv: [3, 7, 48], lengths: { shape: [3], below: 9 } },
      { nHead: 4, nKvHead: 2, causal: true },
    ],
    [
      { qkv: [3, 67, 18], lengths: { shape: [3], below: 67 } },
      { nHead: 1, nKvHead: 1, causal: false },
    ],
    [
      { qkv: [2, 35, 54], lengths: { shape: [2], below: 36 } },
      { nHead: 1, nKvHead: 1, causal: false },
    ],
  ],
  workloads: ({ B, T, H, KV, D }) => {
    const products = B * H * T * (T + 1) * D; // operations of one: pairs that see each other, a multiply and an add each
    const flops = { forward: 2 * products, training: 7 * products };
    return [
      { what: 'causal', case: [{ qkv: [B, T, D * (H + 2 * KV)] }, { nHead: H, nKvHead: KV, causal: true }], flops },
    ];
  },
  ladder: {
    axes: ['B', 'H', 'T', 'D'],
    shapes: { software: [8, 6, 256, 64], gpu: [16, 12, 1024, 64] },
    workload: ([B, H, T, D]) => ({
      case: [{ qkv: [B, T, 3 * H * D] }, { nHead: H, nKvHead: H, causal: true }],
      flops: { forward: 2 * B * H * T * (T + 1) * D, training: 7 * B * H * T * (T + 1) * D },
    }),
  },
});
