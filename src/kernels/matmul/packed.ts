import { UserError } from '../../errors.ts';
import { type Call, type Case, defineOp, type Each } from '../../tensor/op.ts';
import type { PackedFormat } from '../../tensor/operands/packing.ts';
import { QuantizedMatrix } from '../../tensor/operands/quantized.ts';
import { format, type Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { matmul, multiplyInto } from './matmul.ts';
import { fast, naive } from './packedKernel.ts';
import { extents, type MatmulAttributes, type MatmulInputs } from './product.ts';

type PackedAttributes = Pick<MatmulAttributes, 'gelu'>;

const TRANSPOSED = { transposeB: true } as const;

function shape(shapes: Each<MatmulInputs, Shape>): Shape {
  if (shapes.b.length === 2) return matmul.definition.shape(shapes, TRANSPOSED);
  throw new UserError(`packedMatmul: b must be (N, K), got ${format(shapes.b)}`);
}

function forward({ inputs, attributes, output: c, variant }: Call<MatmulInputs, PackedAttributes>): void {
  multiplyPacked(variant, { ...inputs, c }, attributes.gelu);
}

function multiplyPacked(variant: string, operands: MatmulInputs & { c: Tensor }, gelu = false): void {
  const { M, N, K } = extents(operands.a.shape, operands.b.shape, TRANSPOSED);
  const kernel = variant === 'naive' ? naive : fast;
  kernel(operands, { M, N, K, batch: 1, aBatch: 0, aRow: K, aCol: 1, bBatch: 0, gelu: Number(gelu) });
}

const packedCase = (
  [a, N]: [Shape, number],
  packed: PackedFormat,
  epilogue: { bias?: boolean; residual?: boolean; gelu?: true } = {},
): Case<MatmulInputs, PackedAttributes> => [
  {
    ...{ a, b: { shape: [N, a.at(-1)!], packed } },
    ...(epilogue.bias && { bias: [N] }),
    ...(epilogue.residual && { residual: [...a.slice(0, -1), N] }),
  },
  epilogue.gelu ? { gelu: true } : {},
];

/**
 * Matrix product with a packed right operand (QuantizedMatrix), as a linear layer has it, with the epilogue of `matmul`:
 * gelu(a b^T + bias) + residual.   a: (..., K), b: (N, K) packed, bias: (N), residual and c: (..., N)
 * Not differentiable.
 * @throws UserError when inner axes differ, or bias or residual do not fit
 */
export const packedMatmul = defineOp<MatmulInputs, PackedAttributes>({
  name: 'packedMatmul',
  inputs: ['a', 'b', 'bias?', 'residual?'],
  shape,
  run: {
    naive: forward,
    best: {
      idea: 'A texel brings up to 32 weights in the time of four plain ones; they become numbers in registers, and meet their scale there.',
      run: forward,
    },
  },
  reference: (inputs, attributes) => matmul.definition.reference(inputs, { ...TRANSPOSED, ...attributes }),
  reduction: ({ a }) => a.at(-1)!,
  cases: [
    packedCase([[1, 1], 1], 'int4'),
    packedCase([[3, 5], 7], 'f16', { bias: true }),
    packedCase([[3, 5], 7], 'int8', { residual: true }),
    packedCase([[2, 5, 67], 36], 'int4', { bias: true, gelu: true }),
    packedCase([[33, 131], 37], 'int8', { bias: true, gelu: true }),
    packedCase([[65, 76], 132], 'f16', { bias: true, residual: true }),
  ],
  workloads: ({ B, T, C, I }) => {
    const flops = 2 * B * T * C * I;
    const call = packedCase([[B, T, C], I], 'int8', { gelu: true });
    return [{ what: 'MLP up + GELU', case: call, flops: { forward: flops, training: flops } }];
  },
});

/** `matmul` with a matrix of weights, however it is held. A packed one is (N, K), whatever `transposeB` says of plain ones. */
export function product(inputs: MatmulInputs, { gelu, ...layout }: Omit<MatmulAttributes, 'transposeA'> = {}): Tensor {
  return inputs.b instanceof QuantizedMatrix ? packedMatmul(inputs, { gelu }) : matmul(inputs, { ...layout, gelu });
}

/** c = a b^T into a tensor, of a matrix (N, K) of weights, however it is held. */
export function productInto(c: Tensor, operands: Pick<MatmulInputs, 'a' | 'b'>, variant: string): void {
  if (operands.b instanceof QuantizedMatrix) multiplyPacked(variant, { ...operands, c });
  else multiplyInto({ tensor: c, accumulate: 0 }, operands, TRANSPOSED, variant);
}
