import { UserError } from '../../errors.ts';
import { defineKernel } from '../../tensor/kernel.ts';
import { type Call, type Case, defineOp, type Each, type Numbers } from '../../tensor/op.ts';
import { format, type Shape, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { defineEach } from '../skeleton/each.ts';
import { CACHE_PARAMS, decode, rowOfCache } from './decode.ts';
import { openQueries, runningSoftmax } from './flash.ts';
import { headWidth, type TilePoint, tileLayout } from './layout.ts';
import { type Heads, packedSizes } from './packedHeads.ts';
import { reader, TileWriter, writer } from './tiles.ts';

/** Puts this call's keys and values to positions start[b].. of the caches; an invocation four numbers of a head. */
const append = defineEach({
  name: 'append_to_cache',
  bind: { qkv: 'read T', start: 'read u32', places: 'read? u32', keys: 'write T', values: 'write T' },
  params: CACHE_PARAMS,
  each: ['B', 'T', 'KV', 'quads'],
  constants: headWidth.constants,
  width: headWidth.width,
  functions: ({ constants: { D } }) => reader('qkv', D) + writer('keys', D) + writer('values', D),
  body: ({ constants: { D }, has }) => /* wgsl */ `
  let quad = i % params.quads;
  let kvHead = i / params.quads % params.KV;
  let token = i / params.quads / params.KV;
  let b = token / params.T;
  let position = start[b] + token % params.T;
  if (position >= params.S) { return; }
  let k = (token * (params.H + 2u * params.KV) + params.H + kvHead) * ${D}u;
  let place = ((${rowOfCache('b', has)} * params.KV + kvHead) * params.S + position) * ${D}u;
  keysPut(place, quad, qkvAt(k, quad));
  valuesPut(place, quad, qkvAt(k + params.KV * ${D}u, quad));`,
});

/** The lesson: an invocation a query and head, two loops over the cache.   qkv as in attention, keys, values: (P, KV, S, D) */
const naive = defineEach({
  name: 'cached_attention_naive',
  bind: { qkv: 'read', keys: 'read', values: 'read', start: 'read u32', places: 'read? u32', y: 'write' },
  params: CACHE_PARAMS,
  each: ['B', 'T', 'H'],
  functions: /* wgsl */ `
fn score(q: u32, k: u32) -> f32 {
  var sum = 0.0;
  for (var d = 0u; d < params.D; d++) { sum += qkv[q + d] * keys[k + d]; }
  return sum * inverseSqrt(f32(params.D));
}`,
  body: ({ has }) => /* wgsl */ `
  let head = i % params.H;
  let token = i / params.H;
  let b = token / params.T;
  let seen = min(start[b] + token % params.T + 1u, params.S);
  let q = (token * (params.H + 2u * params.KV) + head) * params.D;
  let rows = (${rowOfCache('b', has)} * params.KV + head / (params.H / params.KV)) * params.S;
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
});

/**
 * Many tokens at once (a prompt): lanes own queries and loop over the cache, as in attention's flash kernel.
 * 21 times as fast as naive on lavapipe at a prompt of 200 tokens, H 6, D 64.
 */
const prefill = defineKernel({
  name: 'cached_attention_prefill',
  bind: {
    qkv: 'read T',
    keys: 'read T',
    values: 'read T',
    start: 'read u32',
    places: 'read? u32',
    y: 'write T',
  },
  params: CACHE_PARAMS,
  ...tileLayout(2), // q, o
  wgsl: (point: TilePoint, { constants: { D }, has }) => {
    const w = new TileWriter(D, point, 1);
    const row = (name: string) => (j: string, i: string) => `${name}At((rows + ${j}) * D, ${i})`;
    return w.shader(
      ['k', 'v'],
      [reader('qkv', D), reader('keys', D), reader('values', D), writer('y', D)].join('\n'),
      `
  let head = group.y;
  let rows = (${rowOfCache('group.z', has)} * params.KV + head / (params.H / params.KV)) * params.S;
  let before = start[group.z];
  ${openQueries(w, D, (r) => `min(before + t${r} + 1u, params.S)`)}
  let begin = 0u;
  let end = min(before + min(params.T, first + ${w.owned}u), params.S);
  ${w.loop({ k: row('keys'), v: row('values') }, runningSoftmax(w))}
  ${w.rows((r) => w.store('o', r, `yPut(((top + t${r}) * params.H + head) * D, i, x / l${r});`))}`,
    );
  },
});

interface CachedInputs {
  qkv: Tensor;
  keys: Tensor;
  values: Tensor;
  start: Tensor;
  places?: Tensor;
}

function sizesOf({ qkv, keys }: Pick<Each<CachedInputs, Shape>, 'qkv' | 'keys'>, heads: Heads) {
  const sizes = packedSizes('cachedAttention', qkv, heads);
  return { ...sizes, S: keys[2] ?? 0 };
}

/** Appends, then attends: the order of the two dispatches. */
function run({ inputs, attributes, output: y, variant }: Call<CachedInputs, Heads>): void {
  const { qkv, keys, values, start, places } = inputs;
  const sizes = sizesOf({ qkv: qkv.shape, keys: keys.shape }, attributes);
  const params = { ...sizes, causal: 1, heads: sizes.H, quads: Math.ceil(sizes.D / 4) };
  append({ qkv, start, places, keys, values }, params);
  const kernel = variant === 'naive' ? naive : params.T === 1 ? decode : prefill;
  kernel({ qkv, keys, values, start, places, y }, params);
}

/** The row of the caches that batch row b has. */
const placeOf = ({ places }: Each<Partial<CachedInputs>, Numbers>, b: number): number => places?.data[b] ?? b;

/** The caches after this call's keys and values were appended. */
function appended(inputs: Each<CachedInputs, Numbers>, heads: Heads) {
  const { qkv, keys, values, start } = inputs;
  const { B, T, H, KV, D, S } = sizesOf({ qkv: qkv.shape, keys: keys.shape }, heads);
  const [k, v] = [Float64Array.from(keys.data), Float64Array.from(values.data)];
  for (let b = 0; b < B; b++)
    for (let t = 0; t < T && start.data[b] + t < S; t++)
      for (let head = 0; head < KV; head++)
        for (let d = 0; d < D; d++) {
          const place = ((placeOf(inputs, b) * KV + head) * S + start.data[b] + t) * D + d;
          const from = ((b * T + t) * (H + 2 * KV) + H + head) * D + d;
          k[place] = qkv.data[from];
          v[place] = qkv.data[from + KV * D];
        }
  return { keys: k, values: v };
}

function reference(inputs: Each<CachedInputs, Numbers>, heads: Heads): Float64Array {
  const { qkv, keys, start } = inputs;
  const { B, T, H, KV, D, S } = sizesOf({ qkv: qkv.shape, keys: keys.shape }, heads);
  const { keys: k, values: v } = appended(inputs, heads);
  const y = new Float64Array(B * T * H * D);
  for (let b = 0; b < B; b++)
    for (let t = 0; t < T; t++)
      for (let h = 0; h < H; h++) {
        const query = ((b * T + t) * (H + 2 * KV) + h) * D;
        const rows = (placeOf(inputs, b) * KV + Math.floor(h / (H / KV))) * S;
        const scores = Array.from({ length: Math.min(start.data[b] + t + 1, S) }, (_, j) => {
          let score = 0;
          for (let d = 0; d < D; d++) score += qkv.data[query + d] * k[(rows + j) * D + d];
          return score / Math.sqrt(D);
        });
        const largest = Math.max(...scores);
        const weights = scores.map((score) => Math.exp(score - largest));
        const sum = weights.reduce((a, w) => a + w, 0);
        for (let d = 0; d < D; d++) {
          y[((b * T + t) * H + h) * D + d] = weights.reduce((a, w, j) => a + (w / sum) * v[(rows + j) * D + d], 0);
        }
      }
  return y;
}

/** A case; with `places` its rows have some of that many in the caches. */
function caseOf([B, T, H, KV, D, S]: number[], places?: number): Case<CachedInputs, Heads> {
  const cache = [places ?? B, KV, S, D];
  const inputs = { qkv: [B, T, (H + 2 * KV) * D], keys: cache, values: cache, start: { shape: [B], below: S } };
  const placed = places ? { ...inputs, places: { shape: [B], below: places } } : inputs;
  return [placed, { nHead: H, nKvHead: KV }];
}

/**
 * Attention of new tokens over a cache of keys and values, for decoding. First WRITES this call's keys and values INTO its
 * inputs `keys` and `values`, at positions start[b] to start[b] + T - 1; then token t of row b attends to positions
 * 0 to start[b] + t. Positions from S on are neither written nor read (the caller keeps start[b] + T <= S). Row b of the batch
 * has row b of the caches, or places[b]: then rows can come and go without moving what is cached.
 * Not differentiable. Equals attention over the whole sequence up to rounding, not bit for bit.
 * qkv: (B, T, (H + 2 KV) * D), keys, values: (P, KV, S, D), start: (B) u32, tokens already in the cache, places?: (B) u32
 * below P, else P is B -> (B, T, H * D)
 * @throws UserError when heads or shapes do not fit.
 */
export const cachedAttention = defineOp<CachedInputs, Heads>({
  name: 'cachedAttention',
  inputs: ['qkv', 'keys', 'values', 'start', 'places?'],
  shape: (shapes, heads) => {
    const { B, T, H, KV, D, S } = sizesOf(shapes, heads);
    const cache = [shapes.places ? shapes.keys[0] : B, KV, S, D];
    for (const [name, wanted] of Object.entries({ keys: cache, values: cache, start: [B], places: [B] })) {
      const got = shapes[name as keyof CachedInputs];
      if (got && !sameShape(got, wanted)) {
        throw new UserError(`cachedAttention: ${name} must be ${format(wanted)}, got ${format(got)}`);
      }
    }
    return [B, T, H * D];
  },
  run: {
    naive: run,
    flash: {
      idea: 'A prompt by the tiles of the flash kernel, a single token by lanes that own keys, then numbers of the output.',
      gain: 'lavapipe: 21 times naive at a prompt of 200 tokens, H 6, D 64; a token 2.3 times at H 4, D 32, 50 keys, with the append',
      run,
    },
  },
  reference,
  writes: appended,
  reduction: (shapes, heads) => {
    const { S, D } = sizesOf(shapes, heads);
    return S + 4 * D;
  },
  cases: [
    ...[
      [1, 1, 1, 1, 6, 1],
      [3, 1, 4, 2, 6, 21],
      [2, 5, 2, 1, 6, 19],
      [2, 1, 1, 1, 36, 70],
      [1, 19, 1, 1, 36, 40],
    ].map((sizes) => caseOf(sizes)),
    ...[
      [1, 1, 2, 1, 6, 21],
      [1, 19, 1, 1, 36, 40],
    ].map((sizes) => caseOf(sizes, 5)),
  ],
  workloads: ({ B, T, H, KV, D }) => {
    const cache = [B, KV, T, D];
    const inputs = { qkv: [B, 1, D * (H + 2 * KV)], keys: cache, values: cache, start: { shape: [B], below: T } };
    return [{ case: [inputs, { nHead: H, nKvHead: KV }], operations: 4 * B * H * T * D }];
  },
});
