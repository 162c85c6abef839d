import { defineEach } from '../skeleton/each.ts';

/*
 * The lesson: attention with an invocation for each query (or key) and head. It loops over the other side twice, so that
 * T x T is not stored even here, but each loop loads every row from memory again.
 */
export const PARAMS = { B: 'u32', T: 'u32', H: 'u32', KV: 'u32', D: 'u32', causal: 'u32' } as const;

/** Splits invocation i of (B, heads, T), and says where its heads begin in qkv and how many `tokens` its sequence has. */
const place = (heads: string, padded: boolean): string => /* wgsl */ `
  let t = i % params.T;
  let b = i / params.T / ${heads};
  let width = (params.H + 2u * params.KV) * params.D;
  let groupSize = params.H / params.KV;
  let top = b * params.T;
  let tokens = ${padded ? 'min(lengths[b], params.T)' : 'params.T'};
  let scale = inverseSqrt(f32(params.D));`;

/** The same of a query: its row `q`, the keys that it has `seen`, the first of them at `k`, their values at `v`, its output `o`. */
export const queryPlace = (padded: boolean): string => /* wgsl */ `${place('params.H', padded)}
  let head = i / params.T % params.H;
  let seen = select(select(tokens, t + 1u, params.causal == 1u), 0u, t >= tokens);
  let q = (top + t) * width + head * params.D;
  let o = ((top + t) * params.H + head) * params.D;
  let k = top * width + (params.H + head / groupSize) * params.D;
  let v = k + params.KV * params.D;`;

/** The product of two rows, before its scale. */
export const DOT = /* wgsl */ `
fn score(a: u32, b: u32) -> f32 {
  var sum = 0.0;
  for (var d = 0u; d < params.D; d++) { sum += qkv[a + d] * qkv[b + d]; }
  return sum;
}`;

/** qkv: (B, T, (H + 2 KV) * D), lengths: (B) u32 where sequences are padded, y: (B, T, H * D), lse: (B, H, T) f32 */
export const naiveForward = defineEach({
  name: 'attention_naive',
  bind: { qkv: 'read', lengths: 'read? u32', y: 'write', lse: 'write' },
  params: PARAMS,
  each: ['B', 'H', 'T'],
  functions: DOT,
  body: ({ has }) => /* wgsl */ `${queryPlace(has.lengths)}
  var largest = -1e30;
  var sum = 0.0;
  for (var j = 0u; j < seen; j++) {
    let s = score(q, k + j * width) * scale;
    let before = largest;
    largest = max(largest, s);
    sum = sum * exp(before - largest) + exp(s - largest);
  }
  lse[i] = select(0.0, largest + log(sum), seen > 0u);
  for (var d = 0u; d < params.D; d++) { y[o + d] = 0.0; }
  for (var j = 0u; j < seen; j++) {
    let p = exp(score(q, k + j * width) * scale - largest) / sum;
    for (var d = 0u; d < params.D; d++) { y[o + d] += p * qkv[v + j * width + d]; }
  }`,
});

const GRADIENT_PARAMS = { ...PARAMS, accumulate: 'u32' } as const;
const DOT_DY = /* wgsl */ `
fn scoreGradient(v: u32, o: u32) -> f32 {
  var sum = 0.0;
  for (var d = 0u; d < params.D; d++) { sum += qkv[v + d] * dy[o + d]; }
  return sum;
}`;

/** dq = sum_j ds k_j / sqrt(D), where ds = p (dy v_j - delta); delta = sum_d dy y is kept for `naiveKeyGradient`. */
export const naiveQueryGradient = defineEach({
  name: 'attention_naive_dq',
  bind: { qkv: 'read', lengths: 'read? u32', y: 'read', dy: 'read', lse: 'read', delta: 'write', dqkv: 'write' },
  params: GRADIENT_PARAMS,
  each: ['B', 'H', 'T'],
  functions: DOT + DOT_DY,
  body: ({ has }) => /* wgsl */ `${queryPlace(has.lengths)}
  var mean = 0.0;
  for (var d = 0u; d < params.D; d++) { mean += dy[o + d] * y[o + d]; }
  delta[i] = mean;
  if (params.accumulate == 0u) { for (var d = 0u; d < params.D; d++) { dqkv[q + d] = 0.0; } }
  for (var j = 0u; j < seen; j++) {
    let p = exp(score(q, k + j * width) * scale - lse[i]);
    let ds = p * (scoreGradient(v + j * width, o) - mean) * scale;
    for (var d = 0u; d < params.D; d++) { dqkv[q + d] += ds * qkv[k + j * width + d]; }
  }`,
});

/** dk = sum ds q / sqrt(D) and dv = sum p dy, over the queries that see the key, of every head that reads it. */
export const naiveKeyGradient = defineEach({
  name: 'attention_naive_dkv',
  bind: { qkv: 'read', lengths: 'read? u32', dy: 'read', lse: 'read', delta: 'read', dqkv: 'write' },
  params: GRADIENT_PARAMS,
  each: ['B', 'KV', 'T'],
  functions: DOT + DOT_DY,
  body: ({ has }) => /* wgsl */ `${place('params.KV', has.lengths)}
  let kvHead = i / params.T % params.KV;
  let k = (top + t) * width + (params.H + kvHead) * params.D;
  let v = k + params.KV * params.D;
  if (params.accumulate == 0u) { for (var d = 0u; d < params.D; d++) { dqkv[k + d] = 0.0; dqkv[v + d] = 0.0; } }
  for (var head = kvHead * groupSize; head < (kvHead + 1u) * groupSize; head++) {
    for (var j = select(0u, t, params.causal == 1u); j < tokens && t < tokens; j++) {
      let q = (top + j) * width + head * params.D;
      let o = ((top + j) * params.H + head) * params.D;
      let statistics = (b * params.H + head) * params.T + j;
      let p = exp(score(q, k) * scale - lse[statistics]);
      let ds = p * (scoreGradient(v, o) - delta[statistics]) * scale;
      for (var d = 0u; d < params.D; d++) {
        dqkv[k + d] += ds * qkv[q + d];
        dqkv[v + d] += p * dy[o + d];
      }
    }
  }`,
});
