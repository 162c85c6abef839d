import { UserError } from '../../errors.ts';
import { defineKernel } from '../../tensor/kernel.ts';
import { type Call, defineOp, type Numbers } from '../../tensor/op.ts';
import { format, type Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { matmul, multiplyInto } from '../matmul/matmul.ts';
import { specialize } from '../skeleton/specialize.ts';
import { checkShapes, streamSizes, sumAndNorm, sumAndNormReference } from './plain.ts';
import { type StepPoint, StepWriter, type Stream, stepLayout } from './writer.ts';

/** Quads of logits that a lane makes. */
const EACH = 2;

/** A workgroup normalizes the stream by itself and scores its stretch of the vocabulary. */
const lanes = specialize((C: number, V: number, layer: number, eps: number, biased: number) =>
  defineKernel({
    name: `head_step_${C}`,
    bind: {
      ...{ parts: 'read vec4<f32>', normWeight: 'read vec4<f32>', normBias: 'read vec4<f32>' },
      ...{ head: 'operand', logits: 'write' },
    },
    params: { B: 'u32', P: 'u32', V: 'u32' },
    ...stepLayout,
    images: () => ({ head: { rows: C, cols: V, transposed: true } }),
    grid: ({ B }, { SUBGROUP, ROWS }: StepPoint) => [Math.ceil(V / (4 * EACH * SUBGROUP)), Math.ceil(B / ROWS), 1],
    wgsl: (point: StepPoint) => {
      const w = new StepWriter(C, point);
      const names = Array.from({ length: EACH }, (_, j) => `z${j}_`);
      const columns = names.map((name, j) => ({ name, column: `(group.x * ${EACH}u + ${j}u) * L + lane` }));
      return w.shader(
        '',
        /* wgsl */ `
  ${w.open({ norm: layer ? 'layer' : 'rms', eps }, biased === 1)}
  ${w.zeros(names)}
  ${w.product({ from: 'h', entries: 4 * w.chunks, weight: 'head', input: w.plainInput, columns })}
  ${w.rows((r) =>
    columns
      .map(
        ({ name, column }) => `for (var c = 0u; c < 4u; c++) {
    let id = 4u * (${column}) + c;
    if (live${r} && id < params.V) { logits[b${r} * params.V + id] = ${name}${r}[c]; }
  }`,
      )
      .join('\n'),
  )}`,
      );
    },
  }),
);

const NAMES = ['parts', 'normWeight', 'head', 'normBias?'] as const;

function plain({ inputs, attributes, output, variant }: Call<Stream>): void {
  const [parts, normWeight, head, normBias] = inputs as Tensor[];
  const { n } = sumAndNorm(parts, normWeight, normBias, attributes);
  const rows = n.reshape([parts.shape[0], parts.shape[2]]); // (B, C)
  multiplyInto({ tensor: output, accumulate: 0 }, rows, head, { transposeB: true }, variant);
}

function best(call: Call<Stream>): void {
  const { engine, inputs, attributes, output: logits } = call;
  const [parts, normWeight, head, normBias] = inputs as Tensor[];
  const { B, P, C } = streamSizes('headStep', parts.shape);
  const V = head.shape[0];
  const kernel = lanes(C, V, Number(attributes.norm === 'layer'), attributes.eps, normBias ? 1 : 0);
  if (kernel.points(engine.capabilities).length === 0) plain(call);
  else kernel({ parts, normWeight, normBias: normBias ?? normWeight, head, logits }, { B, P, V });
}

/**
 * The end of a decoding step: the stream's last norm, and the score of every token, in one dispatch. Not differentiable.
 * parts: (B, P, C), normWeight, normBias: (C), head: (V, C) -> (B, V)
 * @throws UserError when shapes do not fit
 */
export const headStep = defineOp<[parts: Tensor, normWeight: Tensor, head: Tensor, normBias?: Tensor], Stream>({
  name: 'headStep',
  inputs: NAMES,
  shape: (shapes) => {
    const { B, C } = streamSizes('headStep', shapes[0]!);
    const head: Shape = shapes[2]!;
    if (head.length !== 2) throw new UserError(`headStep: head must be (V, C), got ${format(head)}`);
    checkShapes('headStep', NAMES, shapes, [shapes[0]!, [C], [head[0], C], [C]]);
    return [B, head[0]];
  },
  run: { plain, lanes: best },
  reference: ([parts, normWeight, head, normBias], stream) => {
    const { n } = sumAndNormReference(parts!, normWeight!, normBias, stream);
    return matmul.definition.reference([n as Numbers, head], { transposeB: true });
  },
  reduction: ([parts]) => 2 * parts![2],
  cases: [
    { inputs: [[1, 1, 4], [4], [1, 4], [4]], attributes: { norm: 'layer', eps: 1e-5 } },
    { inputs: [[3, 2, 12], [12], [7, 12], undefined], attributes: { norm: 'rms', eps: 1e-5 } },
    { inputs: [[5, 9, 36], [36], [65, 36], [36]], attributes: { norm: 'layer', eps: 1e-5 } },
  ],
});
