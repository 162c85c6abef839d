import { UserError } from '../../errors.ts';
import { defineOp, type Each, type Numbers, type OpDefinition } from '../../tensor/op.ts';
import { format, rowsAndColumns, type Shape, sameShape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { normBackward } from './backward.ts';
import { type NormAttributes, type NormInputs, normForward, savedStatistics } from './forward.ts';

function checkVectors(op: string, { x, weight, bias }: Each<NormInputs, Shape>): void {
  const C = x.at(-1);
  for (const [name, vector] of Object.entries({ weight, bias })) {
    if (!vector || (C !== undefined && sameShape(vector, [C]))) continue;
    throw new UserError(`${op}: ${name} must be (${C ?? 1}) for x ${format(x)}, got ${format(vector)}`);
  }
}

/** The formula in float64; the mean counts as 0 where the norm is not centred. */
function reference({ x, weight, bias }: Each<NormInputs, Numbers>, eps: number, centred: 0 | 1): Float64Array {
  const { R, C } = rowsAndColumns(x.shape);
  const y = new Float64Array(R * C);
  for (let r = 0; r < R; r++) {
    let mean = 0;
    for (let c = 0; c < C; c++) mean += (centred * x.data[r * C + c]) / C;
    let variance = 0;
    for (let c = 0; c < C; c++) variance += (x.data[r * C + c] - mean) ** 2 / C;
    for (let c = 0; c < C; c++) {
      const n = (x.data[r * C + c] - mean) / Math.sqrt(variance + eps);
      y[r * C + c] = n * weight.data[c] + (bias?.data[c] ?? 0);
    }
  }
  return y;
}

/** What the two norms share. */
const norm = (name: string, centred: 0 | 1) =>
  ({
    name,
    shape: (shapes) => {
      checkVectors(name, shapes);
      return shapes.x;
    },
    saves: savedStatistics,
    run: normForward(centred),
    reference: (inputs, { eps }) => reference(inputs, eps, centred),
    backward: normBackward(centred),
    reduction: ({ x }) => {
      const { R, C } = rowsAndColumns(x);
      return Math.max(R, C);
    },
  }) satisfies Partial<OpDefinition<NormInputs, NormAttributes>>;

/**
 * Layer normalization over the last axis (Ba et al., 2016): y = (x - mean) / sqrt(variance + eps) * weight + bias, with
 * the variance divided by C.   x, y: (..., C), weight, bias: (C); the bias may be left out.
 */
export const layerNorm = defineOp<NormInputs, NormAttributes>({
  ...norm('layerNorm', 1),
  inputs: ['x', 'weight', 'bias?'],
  cases: [
    [{ x: [1, 1], weight: [1], bias: [1] }, { eps: 1e-5 }],
    [{ x: [3, 7], weight: [7], bias: [7] }, { eps: 1e-5 }],
    [{ x: [2, 5, 65], weight: [65] }, { eps: 1e-5 }],
    [{ x: [33, 17], weight: [17], bias: [17] }, { eps: 0.1 }],
    [{ x: [67, 12], weight: [12], bias: [12] }, { eps: 1e-5 }],
    [{ x: [2, 300], weight: [300], bias: [300] }, { eps: 1e-5 }],
  ],
  workloads: ({ B, T, C }) => [{ case: [{ x: [B, T, C], weight: [C], bias: [C] }, { eps: 1e-5 }] }],
  operations: 8,
});

/**
 * Root-mean-square normalization over the last axis (Zhang and Sennrich, 2019): y = x / sqrt(mean(x^2) + eps) * weight.
 * x, y: (..., C), weight: (C)
 */
export const rmsNorm = defineOp<{ x: Tensor; weight: Tensor }, NormAttributes>({
  ...norm('rmsNorm', 0),
  inputs: ['x', 'weight'],
  cases: [
    [{ x: [1, 1], weight: [1] }, { eps: 1e-5 }],
    [{ x: [3, 7], weight: [7] }, { eps: 1e-5 }],
    [{ x: [2, 5, 65], weight: [65] }, { eps: 1e-6 }],
    [{ x: [33, 17], weight: [17] }, { eps: 0.1 }],
    [{ x: [67, 12], weight: [12] }, { eps: 1e-5 }],
    [{ x: [2, 300], weight: [300] }, { eps: 1e-5 }],
  ],
  workloads: ({ B, T, C }) => [{ case: [{ x: [B, T, C], weight: [C] }, { eps: 1e-5 }] }],
  operations: 5,
});
