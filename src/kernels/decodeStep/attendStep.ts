import { UserError } from '../../errors.ts';
import { defineKernel } from '../../tensor/kernel.ts';
import { type Call, type CaseInput, defineOp, type Each, type Numbers } from '../../tensor/op.ts';
import type { Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { cachedAttention } from '../attention/cachedAttention.ts';
import { type Heads, packedSizes } from '../attention/packedHeads.ts';
import { matmul } from '../matmul/matmul.ts';
import { product } from '../matmul/packed.ts';
import { rope, turnsWgsl } from '../rope.ts';
import { range, repeat } from '../skeleton/text.ts';
import { groupsOf } from './mlpStep.ts';
import {
  checkShapes,
  FORMATS,
  isPacked,
  type StepInputs,
  splitInto,
  splitReference,
  streamSizes,
  sumAndNorm,
  sumAndNormReference,
} from './plain.ts';
import { normOf, type StepNorm, type StepPoint, StepWriter, stepLayout, TOGETHER } from './writer.ts';

export interface AttendStepAttributes extends StepNorm, Heads {
  /** Base of rotary positions; 0 for none. */
  ropeBase: number;
  /** `qkv` and `projection` are given as (outputs, inputs). */
  transposed: boolean;
}

/** The quads of a head that a lane holds: names of `count` vectors. */
const quadsOf = (name: string, count: number): string[] => range(count).map((c) => `${name}${c}_`);

/** Turns the quads of a query or a key: quad t goes with quad t + HALF, which lies in another lane, or chunk, or both. */
function rotate(w: StepWriter, names: readonly string[]): string {
  const partner = (r: number): string =>
    names
      .map(
        (name, c) =>
          `other = select(other, subgroupShuffle(${name}${r}, across % L), vec4<bool>(across / L == ${c}u));`,
      )
      .join(' ');
  return w.rows(
    (r) => `{
    ${names.map((name, c) => `var turned${c} = ${name}${r};`).join(' ')}
    ${names
      .map(
        (name, c) => `{
      let t = ${c}u * L + lane;
      let low = t < HALF;
      let across = select(t - HALF, t + HALF, low);
      var other = vec4<f32>();
      ${partner(r)}
      let by = turn(f32(before${r}), t % HALF);
      turned${c} = ${name}${r} * by.cosine + other * select(by.sine, -by.sine, vec4<bool>(low));
    }`,
      )
      .join('\n')}
    ${names.map((name, c) => `${name}${r} = turned${c};`).join(' ')}
  }`,
  );
}

/** One query head of a sequence over the cache, lanes along numbers, TOGETHER keys at a time; the token itself comes first, from registers. */
function attend(w: StepWriter, r: number, D: number): string {
  const chunks = Math.ceil(D / 4 / w.L);
  const each = (line: (c: number) => string): string => repeat(chunks, line, ' ');
  const together = (line: (j: number) => string, separator?: string): string => repeat(TOGETHER, line, separator);
  const masked = (c: number): string => `select(vec4<f32>(), q${c}_${r}, ${c}u * L + lane < QD)`;
  return /* wgsl */ `{
    ${each((c) => `let q${c} = ${masked(c)}; let quad${c} = min(${c}u * L + lane, QD - 1u);`)}
    var m = subgroupAdd(${each((c) => `${c ? '+' : ''} dot(q${c}, k${c}_${r})`)});
    var l = 1.0;
    ${each((c) => `var o${c} = v${c}_${r};`)}
    let rows = (b${r} * params.KV + head) * params.S;
    for (var j = 0u; j < before${r}; j += ${TOGETHER}u) {
      ${together((t) => `let row${t} = (rows + min(j + ${t}u, before${r} - 1u)) * QD;`)}
      ${together((t) => `let dot${t} = subgroupAdd(${each((c) => `${c ? '+' : ''} dot(q${c}, keys[row${t} + quad${c}])`)});`)}
      ${together((t) => `let s${t} = select(-1e30, dot${t}, j + ${t}u < before${r});`)}
      let largest = ${together((t) => `max(s${t}, `, '')}m${')'.repeat(TOGETHER)};
      let shrink = exp(m - largest);
      ${together((t) => `let p${t} = exp(s${t} - largest);`)}
      m = largest;
      l = l * shrink + ${together((t) => `p${t}`, ' + ')};
      ${each((c) => `o${c} = o${c} * shrink + ${together((t) => `p${t} * values[row${t} + quad${c}]`, ' + ')};`)}
    }
    ${each(
      (c) => `{ let o = select(vec4<f32>(), o${c} / l, ${c}u * L + lane < QD); let at = 4u * (n * ${chunks}u + ${c}u);
      a${r}[at] = o.x; a${r}[at + 1u] = o.y; a${r}[at + 2u] = o.z; a${r}[at + 3u] = o.w; }`,
    )}
  }`;
}

/**
 * A workgroup normalizes the stream by itself and serves one key head: its queries, keys, values, and rows of the projection.
 * At C 128, 4 heads and 32 keys on lavapipe 45 us of CPU time for a sequence, 54 for two.
 */
const lanes = defineKernel({
  name: 'attend_step',
  bind: {
    parts: 'read vec4<f32>',
    normWeight: 'read vec4<f32>',
    qkv: 'operand',
    projection: 'operand',
    start: 'read u32',
    keys: 'write vec4<f32>',
    values: 'write vec4<f32>',
    normBias: 'read? vec4<f32>',
    qkvBias: 'read? vec4<f32>',
    outBias: 'read? vec4<f32>',
    y: 'write vec4<f32>',
  },
  params: {
    ...{ B: 'u32', P: 'u32', C: 'u32', D: 'u32', H: 'u32', KV: 'u32', S: 'u32' },
    ...{ layer: 'u32', eps: 'f32', base: 'f32', transposed: 'u32' },
  },
  ...stepLayout,
  constants: ({ C, D, H, KV, layer, eps, base }) => ({ C, D, H, KV, layer, eps, base }),
  images: ({ C, D, H, KV, transposed }) => ({
    qkv: { rows: C, cols: (H + 2 * KV) * D, transposed: transposed === 1 },
    projection: { rows: H * D, cols: C, transposed: transposed === 1 },
  }),
  grid: ({ B, KV }, { ROWS }: StepPoint) => [KV, Math.ceil(B / ROWS), 1],
  wgsl: (point: StepPoint, { constants, has, packed }) => {
    const { C, D, H, KV, base } = constants;
    const w = new StepWriter(C, point, packed, { qkv: C, projection: H * D });
    const [chunks, queries] = [Math.ceil(D / 4 / w.L), H / KV];
    const [q, k, v] = ['q', 'k', 'v'].map((name) => quadsOf(name, chunks));
    const columns = (names: readonly string[], of: string) =>
      names.map((name, c) => ({ name, column: `(${of}) * QD + ${c}u * L + lane` }));
    const project = (all: { name: string; column: string }[]): string => /* wgsl */ `
    ${w.zeros(all.map(({ name }) => name))}
    ${w.product({ from: 'h', entries: 4 * w.chunks, weight: 'qkv', input: w.plainInput, columns: all })}
    ${has.qkvBias ? all.map(({ name, column }) => `{ let bias = qkvBias[min(${column}, ${((H + 2 * KV) * D) / 4 - 1}u)]; ${w.rows((r) => `${name}${r} += bias;`)} }`).join('\n') : ''}`;
    return w.shader(
      `const QD = ${D / 4}u;${base ? turnsWgsl(D, base) : ''}`,
      /* wgsl */ `
  ${w.open(normOf(constants), has.normBias, (r) => `y[b${r} * (groups.x + 1u) * QUADS + quad] = value${has.outBias ? ' + outBias[quad]' : ''};`)}
  let head = group.x;
  ${w.rows((r) => `let before${r} = min(start[b${r}], params.S - 1u); var a${r}: array<f32, ${4 * chunks * queries}>;`)}
  ${project([...columns(k, `${H}u + head`), ...columns(v, `${H + KV}u + head`)])}
  ${base ? rotate(w, k) : ''}
  ${w.rows((r) => repeat(chunks, (c) => `if (live${r} && ${c}u * L + lane < QD) { let place = ((b${r} * params.KV + head) * params.S + before${r}) * QD + ${c}u * L + lane; keys[place] = k${c}_${r}; values[place] = v${c}_${r}; }`))}
  for (var n = 0u; n < ${w.opaque(queries)}; n++) {
    ${project(columns(q, `head * ${queries}u + n`))}
    ${base ? rotate(w, q) : ''}
    ${w.rows((r) => q.map((name) => `${name}${r} *= ${1 / Math.sqrt(D)};`).join(' '))}
    ${w.rows((r) => attend(w, r, D))}
  }
  ${w.intoPart('a', 4 * chunks * queries, 'projection', `(head * ${queries}u + e / ${4 * chunks}u) * ${D}u + e / 4u % ${chunks}u * ${4 * w.L}u + (e & 3u)`, D)}`,
    );
  },
});

interface AttendInputs extends StepInputs<Tensor> {
  qkv: Tensor;
  projection: Tensor;
  keys: Tensor;
  values: Tensor;
  start: Tensor;
  qkvBias?: Tensor;
  outBias?: Tensor;
}

type Sized = 'parts' | 'qkv' | 'keys';

function sizesOf({ parts, qkv, keys }: Pick<Each<AttendInputs, Shape>, Sized>, attributes: AttendStepAttributes) {
  const width = qkv[attributes.transposed ? 0 : 1] ?? 0;
  const { H, KV, D } = packedSizes('attendStep', [1, 1, width], attributes);
  if (D % (attributes.ropeBase ? 8 : 4)) {
    throw new UserError(
      `attendStep: heads must have a width that is a multiple of 4, with rotary positions of 8, got ${D}`,
    );
  }
  return { ...streamSizes('attendStep', parts), H, KV, D, S: keys[2] ?? 0, width };
}

const shapesOf = ({ parts, qkv, keys }: Pick<Each<AttendInputs, { shape: Shape }>, Sized>) => ({
  ...{ parts: parts.shape, qkv: qkv.shape, keys: keys.shape },
});

function plain({ inputs, attributes, output }: Call<AttendInputs, AttendStepAttributes>): void {
  const { qkv, projection, keys, values, start, qkvBias, outBias } = inputs;
  const { nHead, nKvHead, ropeBase: base, transposed } = attributes;
  const { x, n } = sumAndNorm(inputs, attributes);
  const flat = product({ a: n, b: qkv, bias: qkvBias }, { transposeB: transposed }); // (B, 1, (H + 2 KV) D)
  const packed = base ? rope({ qkv: flat, start }, { nHead, nKvHead, base }) : flat;
  const u = cachedAttention({ qkv: packed, keys, values, start }, { nHead, nKvHead }); // (B, 1, H D)
  splitInto(output, { x, u, weight: projection, bias: outBias, width: u.shape[2] / nKvHead, transposed });
}

function best(call: Call<AttendInputs, AttendStepAttributes>): void {
  const { engine, inputs, attributes, output: y } = call;
  const { norm, eps, ropeBase: base, transposed } = attributes;
  const flags = { layer: Number(norm === 'layer'), transposed: Number(transposed) };
  const params = { ...sizesOf(shapesOf(inputs), attributes), ...flags, eps, base };
  const points = lanes.points(engine.capabilities, isPacked(inputs.qkv) ? undefined : params);
  if (points.length > 0) lanes({ ...inputs, y }, params);
  else plain(call);
}

/** In float64: queries, keys and values of the token, turned by its position; and the stream that they come from. */
function packedReference(inputs: Each<AttendInputs, Numbers>, attributes: AttendStepAttributes) {
  const { qkv, start, qkvBias } = inputs;
  const { B, width } = sizesOf(shapesOf(inputs), attributes);
  const { ropeBase: base, transposed, nHead, nKvHead } = attributes;
  const { x, n } = sumAndNormReference(inputs, attributes);
  const shape = [B, 1, width];
  const data = matmul.definition.reference({ a: n, b: qkv, bias: qkvBias }, { transposeB: transposed });
  const turn = () => rope.definition.reference({ qkv: { shape, data }, start }, { nHead, nKvHead, base });
  return { x, packed: { shape, data: base ? turn() : data } };
}

function reference(inputs: Each<AttendInputs, Numbers>, attributes: AttendStepAttributes): Float64Array {
  const { projection, keys, values, start, outBias } = inputs;
  const { B, C, H, KV, D } = sizesOf(shapesOf(inputs), attributes);
  const { x, packed } = packedReference(inputs, attributes);
  const data = cachedAttention.definition.reference({ qkv: packed, keys, values, start }, attributes);
  const u = { shape: [B, 1, H * D], data };
  const { transposed } = attributes;
  return splitReference({ x, u, weight: projection, bias: outBias, width: (H / KV) * D, transposed }, [B, 1 + KV, C]);
}

/**
 * Attention of one new token a sequence on a stream of parts (see stepWriter.ts), in one dispatch: norm, queries, keys and
 * values, rotary positions, attention over the cache, projection. WRITES the token's key and value INTO its inputs `keys`
 * and `values` at position start[b], which the caller keeps below S. Biases are given all or none. Not differentiable.
 * parts: (B, P, C), qkv: (C, (H + 2 KV) D), projection: (H D, C), keys, values: (B, KV, S, D), start: (B) u32, normWeight,
 * normBias, outBias: (C), qkvBias: ((H + 2 KV) D) -> (B, 1 + KV, C): the stream, and what each key head's group adds.
 * @throws UserError when heads or shapes do not fit
 */
export const attendStep = defineOp<AttendInputs, AttendStepAttributes>({
  name: 'attendStep',
  inputs: [
    ...(['parts', 'normWeight', 'normBias?', 'qkv', 'projection', 'keys', 'values', 'start'] as const),
    ...(['qkvBias?', 'outBias?'] as const),
  ],
  shape: (shapes, attributes) => {
    const { B, C, H, KV, D, S, width } = sizesOf(shapes, attributes);
    const matrix = (inner: number, outer: number): Shape => (attributes.transposed ? [outer, inner] : [inner, outer]);
    const cache = [B, KV, S, D];
    const matrices = { qkv: matrix(C, width), projection: matrix(H * D, C) };
    const vectors = { normWeight: [C], normBias: [C], qkvBias: [width], outBias: [C] };
    checkShapes('attendStep', shapes, { ...matrices, ...vectors, keys: cache, values: cache, start: [B] });
    return [B, 1 + KV, C];
  },
  run: {
    plain,
    lanes: {
      idea: 'Norm, queries, keys, values, attention over the cache and projection in one dispatch: a workgroup serves one key head.',
      gain: 'lavapipe, C 128, 4 heads, 32 keys: 45 us of CPU time for a sequence, 54 for two',
      run: best,
    },
  },
  reference,
  writes: (inputs, attributes) => {
    const { keys, values, start } = inputs;
    const { packed } = packedReference(inputs, attributes);
    return cachedAttention.definition.writes!({ qkv: packed, keys, values, start }, attributes);
  },
  reduction: (shapes, attributes) => {
    const { C, S, D } = sizesOf(shapes, attributes);
    return C + S + 4 * D;
  },
  cases: [
    [1, 1, 4, 1, 1, 4, 5, 0],
    [3, 3, 12, 3, 3, 4, 21, 0],
    [2, 2, 36, 2, 2, 36, 19, 0],
    [3, 5, 40, 4, 2, 8, 11, 10000],
    [1, 4, 68, 2, 1, 40, 40, 500],
    [3, 2, 72, 4, 2, 32, 9, 500, 8],
    [1, 3, 68, 3, 1, 16, 5, 500, 4],
    [2, 1, 12, 6, 2, 24, 3, 500, 4],
    [2, 1, 12, 1, 1, 24, 3, 500, 16],
  ].map(([B, P, C, H, KV, D, S, ropeBase, bits]) => {
    const width = (H + 2 * KV) * D;
    const cache = { keys: [B, KV, S, D], values: [B, KV, S, D], start: { shape: [B], below: S } };
    const inputs = { parts: [B, P, C], normWeight: [C], ...cache };
    const heads = { nHead: H, nKvHead: KV, ropeBase, eps: 1e-5 };
    if (ropeBase) {
      const matrix = (shape: Shape): CaseInput => (bits ? { shape, packed: FORMATS[bits] } : shape);
      const matrices = { qkv: matrix([width, C]), projection: matrix([C, H * D]) };
      return [
        { ...inputs, ...matrices },
        { ...heads, norm: 'rms', transposed: true },
      ];
    }
    const weights = { qkv: [C, width], projection: [H * D, C], normBias: [C], qkvBias: [width], outBias: [C] };
    return [
      { ...inputs, ...weights },
      { ...heads, norm: 'layer', transposed: false },
    ];
  }),
  workloads: ({ T, C, H, KV, D, I, norm, rotary, transposed }) => {
    const width = (H + 2 * KV) * D;
    const matrices = transposed
      ? { qkv: [width, C], projection: [C, H * D] }
      : { qkv: [C, width], projection: [H * D, C] };
    const cache = { keys: [1, KV, T, D], values: [1, KV, T, D], start: { shape: [1], below: T } };
    const forward = 2 * C * width + 2 * H * D * C + 2 * H * T * D; // half of the context is seen, on average
    const attributes = { nHead: H, nKvHead: KV, eps: 1e-5, ropeBase: rotary ? 10000 : 0, transposed };
    return [
      {
        what: 'one token',
        case: [
          { parts: [1, 1 + groupsOf(I), C], normWeight: [C], ...matrices, ...cache },
          { ...attributes, norm },
        ],
        flops: { forward, training: forward },
      },
    ];
  },
});
