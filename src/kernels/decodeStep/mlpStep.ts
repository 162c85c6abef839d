import { UserError } from '../../errors.ts';
import { defineKernel } from '../../tensor/kernel.ts';
import { type Call, defineOp, type Numbers } from '../../tensor/op.ts';
import type { Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { gelu } from '../gelu.ts';
import { geluValue, geluWgsl } from '../geluFormula.ts';
import { matmul } from '../matmul/matmul.ts';
import { specialize } from '../skeleton/specialize.ts';
import { swiglu } from '../swiglu.ts';
import { checkShapes, splitInto, splitReference, streamSizes, sumAndNorm, sumAndNormReference } from './plain.ts';
import { type StepPoint, StepWriter, type Stream, stepLayout, TOGETHER } from './writer.ts';

export interface MlpStepAttributes extends Stream {
  /** SwiGLU, `up` being gate and up side by side; else GELU. */
  gated: boolean;
  /** `up` and `down` are given as (outputs, inputs). */
  transposed: boolean;
}

/** Workgroups of a sequence, about: enough for the cores of a CPU, few enough that their parts are soon added up. */
const GROUPS = 8;

/** Hidden units of a workgroup. */
const widthOf = (hidden: number): number => 32 * Math.ceil(hidden / 32 / GROUPS);

/**
 * A workgroup normalizes the stream by itself, makes its hidden units and multiplies them by its rows of `down`. At C 128 and
 * H 512 on lavapipe 50 us of CPU time for a sequence, 64 for two.
 */
const lanes = specialize(
  (C: number, H: number, gated: number, layer: number, eps: number, biased: number, transposed: number) => {
    const W = widthOf(H);
    return defineKernel({
      name: `mlp_step_${C}_${H}`,
      bind: {
        ...{ parts: 'read vec4<f32>', normWeight: 'read vec4<f32>', up: 'operand', down: 'operand' },
        ...{ normBias: 'read vec4<f32>', upBias: 'read vec4<f32>', downBias: 'read vec4<f32>', y: 'write vec4<f32>' },
      },
      params: { B: 'u32', P: 'u32' },
      ...stepLayout,
      images: () => ({
        up: { rows: C, cols: gated ? 2 * H : H, transposed: transposed === 1 },
        down: { rows: H, cols: C, transposed: transposed === 1 },
      }),
      grid: ({ B }, { ROWS }: StepPoint) => [Math.ceil(H / W), Math.ceil(B / ROWS), 1],
      wgsl: (point: StepPoint) => {
        const w = new StepWriter(C, point);
        const chunks = Math.ceil(W / 4 / w.L);
        const width = gated || chunks % TOGETHER ? 1 : TOGETHER;
        const units = Array.from({ length: width }, (_, j) => `a${j}_`);
        const names = gated ? [...units, 'g_'] : units;
        const column = (j: number): string => `begin + (i + ${j}u) * L + lane`;
        const columns = units.map((name, j) => ({ name, column: gated ? `${H / 4}u + ${column(j)}` : column(j) }));
        if (gated) columns.push({ name: 'g_', column: column(0) });
        const activated = (r: number, j: number): string =>
          gated
            ? `g_${r} / (1.0 + exp(-max(g_${r}, vec4<f32>(-80.0)))) * a0_${r}`
            : `gelu(a${j}_${r}${biased ? ` + upBias[min(${column(j)}, ${H / 4 - 1}u)]` : ''})`;
        return w.shader(
          gated ? '' : geluWgsl('vec4<f32>'),
          /* wgsl */ `
  ${w.open({ norm: layer ? 'layer' : 'rms', eps }, biased === 1, (r) => `y[b${r} * (groups.x + 1u) * QUADS + quad] = value${biased ? ' + downBias[quad]' : ''};`)}
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
  },
);

const NAMES = ['parts', 'normWeight', 'up', 'down', 'normBias?', 'upBias?', 'downBias?'] as const;

function sizesOf([parts, , , down]: readonly (Shape | undefined)[], { transposed }: MlpStepAttributes) {
  const H = down![transposed ? 1 : 0] ?? 0;
  if (H < 4 || H % 4) throw new UserError(`mlpStep: the hidden width must be a multiple of 4, got ${H}`);
  return { ...streamSizes('mlpStep', parts!), H };
}

function plain({ inputs, attributes, output }: Call<MlpStepAttributes>): void {
  const [parts, normWeight, up, down, normBias, upBias, downBias] = inputs as Tensor[];
  const { gated, transposed } = attributes;
  const { x, n } = sumAndNorm(parts, normWeight, normBias, attributes);
  const hidden = matmul(n, up, upBias, undefined, { transposeB: transposed });
  const u = gated ? swiglu(hidden) : gelu(hidden);
  splitInto(output, { x, u, weight: down, bias: downBias, width: widthOf(u.shape[2]), transposed });
}

function best(call: Call<MlpStepAttributes>): void {
  const { engine, inputs, attributes, output: y } = call;
  const [parts, normWeight, up, down, normBias, upBias, downBias] = inputs as Tensor[];
  const { B, P, C, H } = sizesOf([parts.shape, undefined, undefined, down.shape], attributes);
  const { norm, eps, gated, transposed } = attributes;
  const flags = [Number(gated), Number(norm === 'layer'), eps, downBias ? 1 : 0, Number(transposed)] as const;
  const kernel = lanes(C, H, ...flags);
  const unused = normWeight; // something has to be bound
  const biases = { normBias: normBias ?? unused, upBias: upBias ?? unused, downBias: downBias ?? unused };
  if (kernel.points(engine.capabilities).length === 0) plain(call);
  else kernel({ parts, normWeight, up, down, ...biases, y }, { B, P });
}

function reference(inputs: readonly (Numbers | undefined)[], attributes: MlpStepAttributes): Float64Array {
  const [parts, normWeight, up, down, normBias, upBias, downBias] = inputs as Numbers[];
  const { B, C, H } = sizesOf(
    inputs.map((input) => input?.shape),
    attributes,
  );
  const { gated, transposed } = attributes;
  const { x, n } = sumAndNormReference(parts, normWeight, normBias, attributes);
  const hidden = matmul.definition.reference([n, up, upBias], { transposeB: transposed });
  const shape = [B, 1, gated ? 2 * H : H];
  const u = gated ? swiglu.definition.reference([{ shape, data: hidden }], {}) : Float64Array.from(hidden, geluValue);
  const last = { x, u: { shape: [B, 1, H], data: u }, weight: down, bias: downBias, width: widthOf(H), transposed };
  return splitReference(last, [B, 1 + Math.ceil(H / widthOf(H)), C]);
}

/**
 * The MLP of one token a sequence on a stream of parts (see stepWriter.ts), in one dispatch: norm, `up`, GELU or SwiGLU,
 * `down`. Biases are given all or none. Not differentiable.
 * parts: (B, P, C), up: (C, H) or with `gated` (C, 2 H), down: (H, C), normWeight, normBias, downBias: (C), upBias: (H)
 * -> (B, 1 + G, C): the stream, and what each of G groups of hidden units adds.   C and H are multiples of 4.
 * @throws UserError when shapes do not fit
 */
export const mlpStep = defineOp<
  [parts: Tensor, normWeight: Tensor, up: Tensor, down: Tensor, normBias?: Tensor, upBias?: Tensor, downBias?: Tensor],
  MlpStepAttributes
>({
  name: 'mlpStep',
  inputs: NAMES,
  shape: (shapes, attributes) => {
    const { B, C, H } = sizesOf(shapes, attributes);
    const { gated, transposed } = attributes;
    const matrix = (inner: number, outer: number): Shape => (transposed ? [outer, inner] : [inner, outer]);
    const outer = gated ? 2 * H : H;
    checkShapes('mlpStep', NAMES, shapes, [shapes[0]!, [C], matrix(C, outer), matrix(H, C), [C], [outer], [C]]);
    return [B, 1 + Math.ceil(H / widthOf(H)), C];
  },
  run: { plain, lanes: best },
  reference,
  reduction: ([parts], attributes) => parts![2] + 64 + (attributes.gated ? 64 : 0),
  cases: [
    [1, 1, 4, 4, 0],
    [3, 2, 12, 44, 0],
    [2, 3, 36, 260, 0],
    [5, 5, 40, 68, 1],
    [1, 9, 68, 300, 1],
  ].map(([B, P, C, H, gated]) => ({
    inputs: gated
      ? [[B, P, C], [C], [2 * H, C], [C, H], undefined, undefined, undefined]
      : [[B, P, C], [C], [C, H], [H, C], [C], [H], [C]],
    attributes: { norm: gated ? 'rms' : 'layer', eps: 1e-5, gated: gated === 1, transposed: gated === 1 } as const,
  })),
});
