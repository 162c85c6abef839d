import { UserError } from '../errors.ts';
import { type Call, defineOp, type Each, type Numbers } from '../tensor/op.ts';
import { format } from '../tensor/shape.ts';
import type { Target, Tensor } from '../tensor/tensor.ts';
import { type Heads, packedSizes } from './attention/packedHeads.ts';
import { defineEach } from './skeleton/each.ts';
import { assign, range, writeOrAdd } from './skeleton/text.ts';

export interface RopeAttributes extends Heads {
  /** The pair i of D / 2 turns by base^(-2i / D) radians a position. */
  base: number;
}

/** N invocations; `direction` is 1, or -1 to turn back.   x, y: (B, T, (H + 2 KV) * D) f32, start: (B) u32 */
const rotating = {
  bind: { x: 'read T', start: 'read? u32', y: 'write T' },
  params: { N: 'u32', T: 'u32', H: 'u32', KV: 'u32', D: 'u32', accumulate: 'u32', direction: 'f32', base: 'f32' },
  each: ['N'],
} as const;

const positionOf = ({ start }: { start: boolean }): string =>
  `let position = f32(token % params.T${start ? ' + start[token / params.T]' : ''});`;

/**
 * WGSL `wave(turns)`, sine and cosine of an angle in full turns: polynomials on an eighth of a turn either way, good to about 1e-7. The built-in
 * ones need not be better than 2^-11, even between -pi and pi, and SwiftShader's are no better than 1e-4.
 */
const sineWgsl = (real: string): string => /* wgsl */ `
struct Wave { sine: ${real}, cosine: ${real} }
fn wave(turns: ${real}) -> Wave {
  let quarters = round(turns * 4.0);
  let r = (turns - quarters * 0.25) * ${2 * Math.PI};
  let r2 = r * r;
  let s = r * (1.0 + r2 * (-1.0 / 6.0 + r2 * (1.0 / 120.0 + r2 * (-1.0 / 5040.0 + r2 / 362880.0))));
  let c = 1.0 + r2 * (-0.5 + r2 * (1.0 / 24.0 + r2 * (-1.0 / 720.0 + r2 / 40320.0)));
  let quarter = quarters - 4.0 * floor(quarters * 0.25);
  let odd = (quarter == ${real}(1.0)) | (quarter == ${real}(3.0));
  return Wave(select(s, c, odd) * select(${real}(1.0), ${real}(-1.0), quarter >= ${real}(2.0)),
              select(c, s, odd) * select(${real}(1.0), ${real}(-1.0), abs(quarter - 1.5) < ${real}(1.0)));
}`;

/** The lesson: an invocation a pair of numbers, the formula as it stands. */
const naive = defineEach({
  name: 'rope_naive',
  ...rotating,
  functions: sineWgsl('f32'),
  body: ({ has }) => /* wgsl */ `
  let half = params.D / 2u;
  let pair = i % half;
  let head = i / half % (params.H + 2u * params.KV);
  let token = i / half / (params.H + 2u * params.KV);
  ${positionOf(has)}
  let angle = position * pow(params.base, -2.0 * f32(pair) / f32(params.D)) * params.direction;
  let isValue = head >= params.H + params.KV; // values are copied: they turn by nothing
  let turned = wave(select(angle / ${2 * Math.PI}, 0.0, isValue));
  let low = i / half * params.D + pair;
  let high = low + half;
  let rotatedLow = x[low] * turned.cosine - x[high] * turned.sine;
  let rotatedHigh = x[high] * turned.cosine + x[low] * turned.sine;
  ${writeOrAdd('y[low]', 'rotatedLow')}
  ${writeOrAdd('y[high]', 'rotatedHigh')}`,
});

/** Rounds to 12 significant bits, so that the product with a position below 4,096 is exact in f32. */
function twelveBits(x: number): number {
  const unit = 2 ** (Math.floor(Math.log2(x)) - 11);
  return Math.round(x / unit) * unit;
}

/** Pairs of a unit: they go by fours where D / 2 allows. */
const pairsOf = (D: number): 1 | 4 => (D % 8 === 0 ? 4 : 1);

/**
 * WGSL of `turn(position, unit)`, the sine and cosine by which pair `unit` turns, or pairs 4 unit to 4 unit + 3 where D is a
 * multiple of 8. HALF is the number of units. Angles come from tables in two parts, exact to about 1e-7 of a turn at every
 * position below 4,096.
 */
export function turnsWgsl(D: number, base: number): string {
  const step = pairsOf(D);
  const units = D / 2 / step;
  const real = step === 4 ? 'vec4<f32>' : 'f32';
  const turns = range(D / 2).map((i) => base ** ((-2 * i) / D) / (2 * Math.PI));
  const unit = (numbers: number[], i: number): string => `${real}(${numbers.slice(i * step, (i + 1) * step).join()})`;
  const table = (numbers: number[]): string =>
    `array<${real}, ${units}>(${range(units)
      .map((i) => unit(numbers, i))
      .join(', ')})`;
  return /* wgsl */ `
const HALF = ${units}u;
const TURNS = ${table(turns.map(twelveBits))};
const REST = ${table(turns.map((x) => x - twelveBits(x)))};
${sineWgsl(real)}
fn turn(position: f32, unit: u32) -> Wave { return wave(fract(position * TURNS[unit]) + position * REST[unit]); }`;
}

/** An invocation a unit of a token: it turns those of all query and key heads, and copies those of the values. */
const tables = defineEach({
  name: 'rope_tables',
  ...rotating,
  width: ({ D }) => pairsOf(D),
  constants: ({ D, base, accumulate }) => ({ D, base, accumulate }),
  functions: ({ constants: { D, base } }) => turnsWgsl(D, base),
  body: ({ has, constants: { accumulate } }) => /* wgsl */ `
  let unit = i % HALF;
  let token = i / HALF;
  ${positionOf(has)}
  let turned = turn(position, unit);
  let sine = turned.sine * params.direction;
  let cosine = turned.cosine;
  let first = token * (params.H + 2u * params.KV) * 2u * HALF + unit;
  for (var head = 0u; head < params.H + params.KV; head++) {
    let low = first + head * 2u * HALF;
    let high = low + HALF;
    let a = x[low];
    let b = x[high];
    ${assign('y[low]', 'a * cosine - b * sine', accumulate)}
    ${assign('y[high]', 'b * cosine + a * sine', accumulate)}
  }
  for (var head = params.H + params.KV; head < params.H + 2u * params.KV; head++) {
    let low = first + head * 2u * HALF;
    ${assign('y[low]', 'x[low]', accumulate)}
    ${assign('y[low + HALF]', 'x[low + HALF]', accumulate)}
  }`,
});

type Inputs = { qkv: Tensor; start?: Tensor };

/** Rotates `x` into `y`, forwards or back. */
function rotate(call: Call<Inputs, RopeAttributes>, x: Tensor, to: Target, direction: 1 | -1): void {
  const { inputs, attributes, variant } = call;
  const { B, ...sizes } = packedSizes('rope', inputs.qkv.shape, attributes);
  const { tensor: y, accumulate } = to;
  const params = { ...sizes, accumulate, direction, base: attributes.base };
  const tensors = { x, start: inputs.start, y };
  if (variant === 'naive') naive(tensors, { N: x.size / 2, ...params });
  else tables(tensors, { N: (B * sizes.T * sizes.D) / 2 / pairsOf(sizes.D), ...params });
}

const run = (call: Call<Inputs, RopeAttributes>): void =>
  rotate(call, call.inputs.qkv, { tensor: call.output, accumulate: 0 }, 1);

function reference({ qkv, start }: Each<Inputs, Numbers>, attributes: RopeAttributes): Float64Array {
  const { B, T, H, KV, D } = packedSizes('rope', qkv.shape, attributes);
  const y = Float64Array.from(qkv.data);
  for (let b = 0; b < B; b++)
    for (let t = 0; t < T; t++)
      for (let head = 0; head < H + KV; head++)
        for (let i = 0; i < D / 2; i++) {
          const angle = ((start?.data[b] ?? 0) + t) * attributes.base ** ((-2 * i) / D);
          const low = ((b * T + t) * (H + 2 * KV) + head) * D + i;
          const high = low + D / 2;
          y[low] = qkv.data[low] * Math.cos(angle) - qkv.data[high] * Math.sin(angle);
          y[high] = qkv.data[high] * Math.cos(angle) + qkv.data[low] * Math.sin(angle);
        }
  return y;
}

/**
 * Rotary position embedding (Su et al., "RoFormer", 2021) of the query and key heads of a packed tensor; values are copied.
 * Number i < D / 2 of a head turns together with number i + D / 2 (the "rotate_half" convention of Hugging Face's Llama)
 * by position * base^(-2i / D). The position of token t of row b is start[b] + t; without `start`, t.
 * qkv: (B, T, (H + 2 KV) * D) f32, start: (B) u32 -> like qkv
 * @throws UserError when the heads do not fit, their width is odd, or `start` is not (B).
 */
export const rope = defineOp<Inputs, RopeAttributes>({
  name: 'rope',
  inputs: ['qkv', 'start?'],
  shape: ({ qkv, start }, attributes) => {
    const { B, D } = packedSizes('rope', qkv, attributes);
    if (D % 2) throw new UserError(`rope: heads must have an even width, got ${D}`);
    if (start && (start.length !== 1 || start[0] !== B)) {
      throw new UserError(`rope: start must be (${B}), got ${format(start)}`);
    }
    return qkv;
  },
  run: {
    naive: run,
    tables: {
      idea: 'An invocation serves the same pairs of all heads of a token, which turn by one angle, four pairs at a time, from tables of angles.',
      gain: 'lavapipe: 5.7 times naive at (12, 64, 12 * 32), 8 times at (4, 256, 18 * 64), 9.7 GB/s',
      run,
    },
  },
  reference,
  backward: (call) => {
    const dqkv = call.target('qkv');
    if (dqkv) rotate(call, call.dy, dqkv, -1);
  },
  // the naive kernel's angles, of up to 12 radians here, carry some ulp of rounding and of pow
  reduction: () => 64,
  cases: [
    [{ qkv: [1, 1, 6] }, { nHead: 1, nKvHead: 1, base: 10000 }],
    [{ qkv: [2, 7, 48] }, { nHead: 4, nKvHead: 2, base: 10000 }], // D 6
    [
      { qkv: [3, 5, 40], start: { shape: [3], below: 8 } },
      { nHead: 3, nKvHead: 1, base: 500 },
    ], // D 8
    [
      { qkv: [1, 3, 72], start: { shape: [1], below: 8 } },
      { nHead: 1, nKvHead: 1, base: 10000 },
    ], // D 24
  ],
  workloads: ({ B, T, H, KV, D }) => [
    { case: [{ qkv: [B, T, (H + 2 * KV) * D] }, { nHead: H, nKvHead: KV, base: 10000 }] },
  ],
  operations: 3,
});
