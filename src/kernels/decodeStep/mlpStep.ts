import { UserError } from '../../errors.ts';
import { defineKernel } from '../../tensor/kernel.ts';
import { type Call, type CaseInput, defineOp, type Each, type Numbers } from '../../tensor/op.ts';
import type { Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { gelu } from '../gelu.ts';
import { geluValue, geluWgsl } from '../geluFormula.ts';
import { matmul } from '../matmul/matmul.ts';
import { product } from '../matmul/packed.ts';
import { range } from '../skeleton/text.ts';
import { swiglu } from '../swiglu.ts';
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

export interface MlpStepAttributes extends StepNorm {
  /** SwiGLU, `up` being gate and up side by side; else GELU. */
  gated: boolean;
  /** `up` and `down` are given as (outputs, inputs). */
  transposed: boolean;
}

/** Workgroups of a sequence, about: enough for the cores of a CPU, few enough that their parts are soon added up. */
const GROUPS = 8;

/** Hidden units of a workgroup. */
const widthOf = (hidden: number): number => 32 * Math.ceil(hidden / 32 / GROUPS);

/** Workgroups of a sequence, and so parts that they give. */
export const groupsOf = (hidden: number): number => Math.ceil(hidden / widthOf(hidden));

/**
 * A workgroup normalizes the stream by itself, makes its hidden units and multiplies them by its rows of `down`. At C 128 and
 * H 512 on lavapipe 50 us of CPU time for a sequence, 64 for two.
 */
const lanes = defineKernel({
  name: 'mlp_step',
  bind: {
    parts: 'read vec4<f32>',
    normWeight: 'read vec4<f32>',
    up: 'operand',
    down: 'operand',
    normBias: 'read? vec4<f32>',
    upBias: 'read? vec4<f32>',
    downBias: 'read? vec4<f32>',
    y: 'write vec4<f32>',
  },
  params: { ...{ B: 'u32', P: 'u32', C: 'u32', H: 'u32', gated: 'u32', layer: 'u32', eps: 'f32', transposed: 'u32' } },
  ...stepLayout,
  constants: ({ C, H, gated, layer, eps }) => ({ C, H, gated, layer, eps }),
  images: ({ C, H, gated, transposed }) => ({
    up: { rows: C, cols: gated ? 2 * H : H, transposed: transposed === 1 },
    down: { rows: H, cols: C, transposed: transposed === 1 },
  }),
  grid: ({ B, H }, { ROWS }: StepPoint) => [groupsOf(H), Math.ceil(B / ROWS), 1],
  wgsl: (point: StepPoint, { constants, has, packed }) => {
    const { C, H, gated } = constants;
    const W = widthOf(H);
    const w = new StepWriter(C, point, packed, { up: C, down: H });
    const chunks = Math.ceil(W / 4 / w.L);
    const width = gated || chunks % TOGETHER ? 1 : TOGETHER;
    const units = range(width).map((j) => `a${j}_`);
    const names = gated ? [...units, 'g_'] : units;
    const column = (j: number): string => `begin + (i + ${j}u) * L + lane`;
    const columns = units.map((name, j) => ({ name, column: gated ? `${H / 4}u + ${column(j)}` : column(j) }));
    if (gated) columns.push({ name: 'g_', column: column(0) });
    const activated = (r: number, j: number): string =>
      gated
        ? `g_${r} / (1.0 + exp(-max(g_${r}, vec4<f32>(-80.0)))) * a0_${r}`
        : `gelu(a${j}_${r}${has.upBias ? ` + upBias[min(${column(j)}, ${H / 4 - 1}u)]` : ''})`;
    return w.shader(
      gated ? '' : geluWgsl('vec4<f32>'),
      /* wgsl */ `
  ${w.open(normOf(constants), has.normBias, (r) => `y[b${r} * (groups.x + 1u) * QUADS + quad] = value${has.downBias ? ' + downBias[quad]' : ''};`)}
  let begin = group.x * ${W / 4}u;
  ${w.rows((r) => `var u${r}: array<f32, ${4 * chunks}>;`)}
  for (var i = 0u; i < ${w.opaque(chunks)}; i += ${width}u) {
    ${w.zeros(names)}
    ${w.product({ from: 'h', entries: 4 * w.chunks, weight: 'up', input: w.plainInput, columns })}
    ${units
      .map(
        (_, j) => `{ let quad = (i + ${j}u) * L + lane;
      let inside = quad < ${W / 4}u && begin + quad < ${H / 4}u;
      let at = 4u * (i + ${j}u);
      ${w.rows((r) => `{ let a = select(vec4<f32>(), ${activated(r, j)}, inside); u${r}[at] = a.x; u${r}[at + 1u] = a.y; u${r}[at + 2u] = a.z; u${r}[at + 3u] = a.w; }`)} }`,
      )
      .join('\n')}
  }
  ${w.intoPart('u', 4 * chunks, 'down', `group.x * ${W}u + ${w.plainInput}`)}`,
    );
  },
});

interface MlpInputs extends StepInputs<Tensor> {
  up: Tensor;
  down: Tensor;
  upBias?: Tensor;
  downBias?: Tensor;
}

function sizesOf({ parts, down }: Pick<Each<MlpInputs, Shape>, 'parts' | 'down'>, { transposed }: MlpStepAttributes) {
  const H = down[transposed ? 1 : 0] ?? 0;
  if (H < 4 || H % 4) throw new UserError(`mlpStep: the hidden width must be a multiple of 4, got ${H}`);
  return { ...streamSizes('mlpStep', parts), H };
}

function plain({ inputs, attributes, output }: Call<MlpInputs, MlpStepAttributes>): void {
  const { up, down, upBias, downBias } = inputs;
  const { gated, transposed } = attributes;
  const { x, n } = sumAndNorm(inputs, attributes);
  const hidden = product({ a: n, b: up, bias: upBias }, { transposeB: transposed });
  const u = gated ? swiglu({ gateUp: hidden }) : gelu({ x: hidden });
  splitInto(output, { x, u, weight: down, bias: downBias, width: widthOf(u.shape[2]), transposed });
}

function best(call: Call<MlpInputs, MlpStepAttributes>): void {
  const { engine, inputs, attributes, output: y } = call;
  const { norm, eps, gated, transposed } = attributes;
  const sizes = sizesOf({ parts: inputs.parts.shape, down: inputs.down.shape }, attributes);
  const flags = { gated: Number(gated), layer: Number(norm === 'layer'), transposed: Number(transposed) };
  const params = { ...sizes, ...flags, eps };
  if (lanes.points(engine.capabilities, isPacked(inputs.up) ? undefined : params).length > 0)
    lanes({ ...inputs, y }, params);
  else plain(call);
}

function reference(inputs: Each<MlpInputs, Numbers>, attributes: MlpStepAttributes): Float64Array {
  const { parts, up, down, upBias, downBias } = inputs;
  const { B, C, H } = sizesOf({ parts: parts.shape, down: down.shape }, attributes);
  const { gated, transposed } = attributes;
  const { x, n } = sumAndNormReference(inputs, attributes);
  const data = matmul.definition.reference({ a: n, b: up, bias: upBias }, { transposeB: transposed });
  const gateUp = { shape: [B, 1, gated ? 2 * H : H], data };
  const u = gated ? swiglu.definition.reference({ gateUp }, {}) : Float64Array.from(data, geluValue);
  const last = { x, u: { shape: [B, 1, H], data: u }, weight: down, bias: downBias, width: widthOf(H), transposed };
  return splitReference(last, [B, 1 + groupsOf(H), C]);
}

/**
 * The MLP of one token a sequence on a stream of parts (see stepWriter.ts), in one dispatch: norm, `up`, GELU or SwiGLU,
 * `down`. Biases are given all or none. Not differentiable.
 * parts: (B, P, C), up: (C, H) or with `gated` (C, 2 H), down: (H, C), normWeight, normBias, downBias: (C), upBias: (H)
 * `up` and `down` may be packed, which are transposed.
 * -> (B, 1 + G, C): the stream, and what each of G groups of hidden units adds.   C and H are multiples of 4.
 * @throws UserError when shapes do not fit
 */
export const mlpStep = defineOp<MlpInputs, MlpStepAttributes>({
  name: 'mlpStep',
  inputs: ['parts', 'normWeight', 'normBias?', 'up', 'down', 'upBias?', 'downBias?'],
  shape: (shapes, attributes) => {
    const { B, C, H } = sizesOf(shapes, attributes);
    const { gated, transposed } = attributes;
    const matrix = (inner: number, outer: number): Shape => (transposed ? [outer, inner] : [inner, outer]);
    const outer = gated ? 2 * H : H;
    const biases = { normBias: [C], upBias: [outer], downBias: [C] };
    checkShapes('mlpStep', shapes, { normWeight: [C], up: matrix(C, outer), down: matrix(H, C), ...biases });
    return [B, 1 + groupsOf(H), C];
  },
  run: {
    plain,
    lanes: {
      idea: 'Norm, both products and the activation in one dispatch: each workgroup makes its hidden units and their part of the sum.',
      gain: 'lavapipe, C 128, H 512: 50 us of CPU time for a sequence, 64 for two',
      run: best,
    },
  },
  reference,
  reduction: ({ parts }, { gated }) => parts[2] + 64 + (gated ? 64 : 0),
  cases: [
    [1, 1, 4, 4, 0],
    [3, 2, 12, 44, 0],
    [2, 3, 36, 260, 0],
    [5, 5, 40, 68, 1],
    [1, 9, 68, 300, 1],
    [3, 2, 76, 260, 1, 8],
    [1, 3, 36, 132, 0, 4],
    [2, 1, 12, 44, 0, 16],
  ].map(([B, P, C, H, gated, bits]) => {
    const transposed = gated === 1 || bits !== undefined;
    const matrix = (inner: number, outer: number): CaseInput => {
      const shape = transposed ? [outer, inner] : [inner, outer];
      return bits ? { shape, packed: FORMATS[bits] } : shape;
    };
    return [
      {
        ...{ parts: [B, P, C], normWeight: [C], up: matrix(C, gated ? 2 * H : H), down: matrix(H, C) },
        ...(!gated && { normBias: [C], upBias: [H], downBias: [C] }),
      },
      { norm: gated ? 'rms' : 'layer', eps: 1e-5, gated: gated === 1, transposed },
    ];
  }),
  workloads: ({ C, I, KV, norm, gated, transposed }) => {
    const wide = gated ? 2 * I : I;
    const matrices = transposed ? { up: [wide, C], down: [C, I] } : { up: [C, wide], down: [I, C] };
    const forward = 2 * C * I * (gated ? 3 : 2);
    const attributes = { norm, eps: 1e-5, gated, transposed };
    const inputs = { parts: [1, 1 + KV, C], normWeight: [C], ...matrices };
    return [{ what: 'one token', case: [inputs, attributes], flops: { forward, training: forward } }];
  },
});
