import { UserError } from '../../errors.ts';
import { defineKernel } from '../../tensor/kernel.ts';
import { type Call, defineOp, type Numbers } from '../../tensor/op.ts';
import { format, type Shape, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { groupsOf64, oneEach } from '../skeleton/snippets.ts';
import { specialize } from '../skeleton/specialize.ts';
import { CACHE_PARAMS, decode } from './decode.ts';
import { openQueries, runningSoftmax } from './flash.ts';
import { type WalkPoint, walkLayout } from './layout.ts';
import { type Heads, packedSizes } from './packedHeads.ts';
import { quadsOf, reader, WalkWriter, writer } from './walk.ts';

/** Puts this call's keys and values to positions start[b].. of the caches; an invocation four numbers of a head. */
const append = specialize((D: number) =>
  defineKernel({
    name: `append_to_cache_${D}`,
    bind: { qkv: quadsOf('read', D), start: 'read u32', keys: quadsOf('write', D), values: quadsOf('write', D) },
    params: CACHE_PARAMS,
    grid: ({ B, T, KV, quads }) => groupsOf64(B * T * KV * quads),
    wgsl: () => /* wgsl */ `
${reader('qkv', D)} ${writer('keys', D)} ${writer('values', D)}
${oneEach(
  'params.B * params.T * params.KV * params.quads',
  /* wgsl */ `
  let quad = i % params.quads;
  let kvHead = i / params.quads % params.KV;
  let token = i / params.quads / params.KV;
  let b = token / params.T;
  let position = start[b] + token % params.T;
  if (position >= params.S) { return; }
  let k = (token * (params.H + 2u * params.KV) + params.H + kvHead) * ${D}u;
  let place = ((b * params.KV + kvHead) * params.S + position) * ${D}u;
  keysPut(place, quad, qkvAt(k, quad));
  valuesPut(place, quad, qkvAt(k + params.KV * ${D}u, quad));`,
)}`,
  }),
);

/** The lesson: an invocation a query and head, two walks over the cache.   qkv as in attention, keys, values: (B, KV, S, D) */
const naive = defineKernel({
  name: 'cached_attention_naive',
  bind: { qkv: 'read', keys: 'read', values: 'read', start: 'read u32', y: 'write' },
  params: CACHE_PARAMS,
  grid: ({ B, T, H }) => groupsOf64(B * T * H),
  wgsl: () => /* wgsl */ `
fn score(q: u32, k: u32) -> f32 {
  var sum = 0.0;
  for (var d = 0u; d < params.D; d++) { sum += qkv[q + d] * keys[k + d]; }
  return sum * inverseSqrt(f32(params.D));
}
${oneEach(
  'params.B * params.T * params.H',
  /* wgsl */ `
  let head = i % params.H;
  let token = i / params.H;
  let b = token / params.T;
  let seen = min(start[b] + token % params.T + 1u, params.S);
  let q = (token * (params.H + 2u * params.KV) + head) * params.D;
  let rows = (b * params.KV + head / (params.H / params.KV)) * params.S;
  var largest = -1e30;
  var sum = 0.0;
  for (var j = 0u; j < seen; j++) {
    let s = score(q, (rows + j) * params.D);
    let before = largest;
    largest = max(largest, s);
    sum = sum * exp(before - largest) + exp(s - largest);
  }
  let o = i * params.D;
  for (var d = 0u; d < params.D; d++) { y[o + d] = 0.0; }
  for (var j = 0u; j < seen; j++) {
    let p = exp(score(q, (rows + j) * params.D) - largest) / sum;
    for (var d = 0u; d < params.D; d++) { y[o + d] += p * values[(rows + j) * params.D + d]; }
  }`,
)}`,
});

/**
 * Many tokens at once (a prompt): lanes own queries and walk over the cache, as in attention's flash kernel.
 * 21 times as fast as naive on lavapipe at a prompt of 200 tokens, H 6, D 64.
 */
const prefill = specialize((D: number) =>
  defineKernel({
    name: `cached_attention_prefill_${D}`,
    bind: {
      qkv: quadsOf('read', D),
      keys: quadsOf('read', D),
      values: quadsOf('read', D),
      start: 'read u32',
      y: quadsOf('write', D),
    },
    params: CACHE_PARAMS,
    ...walkLayout(D, 2), // q, o
    wgsl: (point: WalkPoint) => {
      const w = new WalkWriter(D, point, 1);
      const row = (name: string) => (j: string, i: string) => `${name}At((rows + ${j}) * D, ${i})`;
      return w.shader(
        ['k', 'v'],
        [reader('qkv', D), reader('keys', D), reader('values', D), writer('y', D)].join('\n'),
        `
  let head = group.y;
  let rows = (group.z * params.KV + head / (params.H / params.KV)) * params.S;
  let before = start[group.z];
  ${openQueries(w, D, (r) => `min(before + t${r} + 1u, params.S)`)}
  let begin = 0u;
  let end = min(before + min(params.T, first + ${w.owned}u), params.S);
  ${w.walk({ k: row('keys'), v: row('values') }, runningSoftmax(w))}
  ${w.rows((r) => w.store('o', r, `yPut(((top + t${r}) * params.H + head) * D, i, x / l${r});`))}`,
      );
    },
  }),
);

const NAMES = ['qkv', 'keys', 'values', 'start'] as const;

function sizesOf([qkv, keys]: readonly (Shape | undefined)[], heads: Heads) {
  const sizes = packedSizes('cachedAttention', qkv!, heads);
  return { ...sizes, S: keys![2] ?? 0 };
}

/** Appends, then attends: the order of the two dispatches. */
function run({ inputs, attributes, output: y, variant }: Call<Heads>): void {
  const [qkv, keys, values, start] = inputs as Tensor[];
  const { D, ...sizes } = sizesOf([qkv.shape, keys.shape], attributes);
  const params = { ...sizes, D, causal: 1, heads: sizes.H, quads: Math.ceil(D / 4) };
  append(D)({ qkv, start, keys, values }, params);
  const kernel = variant === 'naive' ? naive : params.T === 1 ? decode(D) : prefill(D);
  kernel({ qkv, keys, values, start, y }, params);
}

function reference([qkv, keys, values, start]: readonly (Numbers | undefined)[], heads: Heads): Float64Array {
  const { B, T, H, KV, D, S } = sizesOf([qkv!.shape, keys!.shape], heads);
  const [k, v] = [Float64Array.from(keys!.data), Float64Array.from(values!.data)];
  const y = new Float64Array(B * T * H * D);
  const packed = (b: number, t: number, head: number): number => ((b * T + t) * (H + 2 * KV) + head) * D;
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T && start!.data[b] + t < S; t++)
      for (let head = 0; head < KV; head++)
        for (let d = 0; d < D; d++) {
          const place = ((b * KV + head) * S + start!.data[b] + t) * D + d;
          k[place] = qkv!.data[packed(b, t, H + head) + d];
          v[place] = qkv!.data[packed(b, t, H + KV + head) + d];
        }
    for (let t = 0; t < T; t++)
      for (let h = 0; h < H; h++) {
        const rows = (b * KV + Math.floor(h / (H / KV))) * S;
        const scores = Array.from({ length: Math.min(start!.data[b] + t + 1, S) }, (_, j) => {
          let score = 0;
          for (let d = 0; d < D; d++) score += qkv!.data[packed(b, t, h) + d] * k[(rows + j) * D + d];
          return score / Math.sqrt(D);
        });
        const largest = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - largest));
        const sum = weights.reduce((a, w) => a + w, 0);
        for (let d = 0; d < D; d++) {
          y[((b * T + t) * H + h) * D + d] = weights.reduce((a, w, j) => a + (w / sum) * v[(rows + j) * D + d], 0);
        }
      }
  }
  return y;
}

/**
 * Attention of new tokens over a cache of keys and values, for decoding. First WRITES this call's keys and values INTO its
 * inputs `keys` and `values`, at positions start[b] to start[b] + T - 1; then token t of row b attends to positions
 * 0 to start[b] + t. Positions from S on are neither written nor read (the caller keeps start[b] + T <= S).
 * Not differentiable. Equals attention over the whole sequence up to rounding, not bit for bit.
 * qkv: (B, T, (H + 2 KV) * D), keys, values: (B, KV, S, D), start: (B) u32, tokens already in the cache -> (B, T, H * D)
 * @throws UserError when heads or shapes do not fit.
 */
export const cachedAttention = defineOp<[qkv: Tensor, keys: Tensor, values: Tensor, start: Tensor], Heads>({
  name: 'cachedAttention',
  inputs: NAMES,
  shape: (shapes, heads) => {
    const { B, T, H, KV, D, S } = sizesOf(shapes, heads);
    const wanted: Shape[] = [shapes[0]!, [B, KV, S, D], [B, KV, S, D], [B]];
    shapes.forEach((shape, i) => {
      if (!sameShape(shape!, wanted[i])) {
        throw new UserError(`cachedAttention: ${NAMES[i]} must be ${format(wanted[i])}, got ${format(shape!)}`);
      }
    });
    return [B, T, H * D];
  },
  run: { naive: run, flash: run },
  reference,
  reduction: (shapes, heads) => {
    const { S, D } = sizesOf(shapes, heads);
    return S + 4 * D;
  },
  cases: [
    [1, 1, 1, 1, 6, 1],
    [3, 1, 4, 2, 6, 21],
    [2, 5, 2, 1, 6, 19],
    [2, 1, 1, 1, 36, 70],
    [1, 19, 1, 1, 36, 40],
  ].map(([B, T, H, KV, D, S]) => ({
    inputs: [[B, T, (H + 2 * KV) * D], [B, KV, S, D], [B, KV, S, D], { shape: [B], below: S }],
    attributes: { nHead: H, nKvHead: KV },
  })),
});
