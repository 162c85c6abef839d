import { UserError } from '../../errors.ts';
import { defineKernel } from '../../tensor/kernel.ts';
import { type Call, defineOp } from '../../tensor/op.ts';
import { format } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { matmul } from '../matmul/matmul.ts';
import { productInto } from '../matmul/packed.ts';
import { range } from '../skeleton/text.ts';
import { groupsOf } from './mlpStep.ts';
import { checkShapes, isPacked, type StepInputs, streamSizes, sumAndNorm, sumAndNormReference } from './plain.ts';
import { normOf, type StepNorm, type StepPoint, StepWriter, stepLayout } from './writer.ts';

/** Quads of logits that a lane makes. */
const EACH = 2;

/** A workgroup normalizes the stream by itself and scores its stretch of the vocabulary. */
const lanes = defineKernel({
  name: 'head_step',
  bind: {
    parts: 'read vec4<f32>',
    normWeight: 'read vec4<f32>',
    normBias: 'read? vec4<f32>',
    head: 'operand',
    logits: 'write',
  },
  params: { B: 'u32', P: 'u32', C: 'u32', V: 'u32', layer: 'u32', eps: 'f32' },
  constants: ({ C, layer, eps }) => ({ C, layer, eps }),
  ...stepLayout,
  images: ({ C, V }) => ({ head: { rows: C, cols: V, transposed: true } }),
  grid: ({ B, V }, { SUBGROUP, ROWS }: StepPoint) => [Math.ceil(V / (4 * EACH * SUBGROUP)), Math.ceil(B / ROWS), 1],
  wgsl: (point: StepPoint, { constants, has, packed }) => {
    const w = new StepWriter(constants.C, point, packed, { head: constants.C });
    const names = range(EACH).map((j) => `z${j}_`);
    const columns = names.map((name, j) => ({ name, column: `(group.x * ${EACH}u + ${j}u) * L + lane` }));
    return w.shader(
      '',
      /* wgsl */ `
  ${w.open(normOf(constants), has.normBias)}
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
});

interface HeadInputs extends StepInputs<Tensor> {
  head: Tensor;
}

function plain({ inputs, attributes, output, variant }: Call<HeadInputs, StepNorm>): void {
  const { parts, head } = inputs;
  const a = sumAndNorm(inputs, attributes).n.reshape([parts.shape[0], parts.shape[2]]); // (B, C)
  productInto(output, { a, b: head }, variant);
}

function best(call: Call<HeadInputs, StepNorm>): void {
  const { engine, inputs, attributes, output: logits } = call;
  const { norm, eps } = attributes;
  const sizes = streamSizes('headStep', inputs.parts.shape);
  const params = { ...sizes, V: inputs.head.shape[0], layer: Number(norm === 'layer'), eps };
  if (lanes.points(engine.capabilities, isPacked(inputs.head) ? undefined : params).length > 0)
    lanes({ ...inputs, logits }, params);
  else plain(call);
}

/**
 * The end of a decoding step: the stream's last norm, and the score of every token, in one dispatch. Not differentiable.
 * parts: (B, P, C), normWeight, normBias: (C), head: (V, C), which may be packed -> (B, V)
 * @throws UserError when shapes do not fit
 */
export const headStep = defineOp<HeadInputs, StepNorm>({
  name: 'headStep',
  inputs: ['parts', 'normWeight', 'normBias?', 'head'],
  shape: (shapes) => {
    const { B, C } = streamSizes('headStep', shapes.parts);
    const { head } = shapes;
    if (head.length !== 2) throw new UserError(`headStep: head must be (V, C), got ${format(head)}`);
    checkShapes('headStep', shapes, { normWeight: [C], normBias: [C], head: [head[0], C] });
    return [B, head[0]];
  },
  run: {
    plain,
    lanes: { idea: 'Sum of the parts, norm and scores in one dispatch, by workgroups of one subgroup.', run: best },
  },
  reference: (inputs, norm) =>
    matmul.definition.reference({ a: sumAndNormReference(inputs, norm).n, b: inputs.head }, { transposeB: true }),
  reduction: ({ parts }) => 2 * parts[2],
  cases: [
    [
      { parts: [1, 1, 4], normWeight: [4], head: [1, 4], normBias: [4] },
      { norm: 'layer', eps: 1e-5 },
    ],
    [
      { parts: [3, 2, 12], normWeight: [12], head: [7, 12] },
      { norm: 'rms', eps: 1e-5 },
    ],
    [
      { parts: [5, 9, 36], normWeight: [36], head: [65, 36], normBias: [36] },
      { norm: 'layer', eps: 1e-5 },
    ],
    [
      { parts: [3, 2, 76], normWeight: [76], head: { shape: [65, 76], packed: 'int4' } },
      { norm: 'rms', eps: 1e-5 },
    ],
  ],
  workloads: ({ C, V, I, norm }) => {
    const parts = [1, 1 + groupsOf(I), C];
    const flops = { forward: 2 * C * V, training: 2 * C * V };
    return [
      {
        what: 'one token',
        case: [
          { parts, normWeight: [C], head: [V, C] },
          { norm, eps: 1e-5 },
        ],
        flops,
      },
    ];
  },
});
