import { UserError } from '../../errors.ts';
import { defineOp } from '../../tensor/op.ts';
import { format, rowsAndColumns, type Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { normBackward } from './backward.ts';
import { type NormAttributes, normForward, savedStatistics } from './forward.ts';

function shape([x, weight, bias]: readonly (Shape | undefined)[]): Shape {
  const C = x!.at(-1);
  for (const [name, vector] of Object.entries({ weight, bias })) {
    if (!vector || (vector.length === 1 && vector[0] === C)) continue;
    throw new UserError(`layerNorm: ${name} must be (${C ?? 1}) for x ${format(x!)}, got ${format(vector)}`);
  }
  return x!;
}

/**
 * Layer normalization over the last axis (Ba et al., 2016): y = (x - mean) / sqrt(variance + eps) * weight + bias, with
 * the variance divided by C.   x, y: (..., C), weight, bias: (C); the bias may be left out (undefined).
 */
export const layerNorm = defineOp<[x: Tensor, weight: Tensor, bias: Tensor | undefined], NormAttributes>({
  name: 'layerNorm',
  inputs: ['x', 'weight', 'bias?'],
  shape,
  saves: savedStatistics,
  run: normForward({ centred: 1 }),
  reference: ([x, weight, bias], { eps }) => {
    const { R, C } = rowsAndColumns(x!.shape);
    const y = new Float64Array(R * C);
    for (let r = 0; r < R; r++) {
      let mean = 0;
      for (let c = 0; c < C; c++) mean += x!.data[r * C + c] / C;
      let variance = 0;
      for (let c = 0; c < C; c++) variance += (x!.data[r * C + c] - mean) ** 2 / C;
      for (let c = 0; c < C; c++) {
        const n = (x!.data[r * C + c] - mean) / Math.sqrt(variance + eps);
        y[r * C + c] = n * weight!.data[c] + (bias?.data[c] ?? 0);
      }
    }
    return y;
  },
  backward: normBackward({ centred: 1 }),
  reduction: ([x]) => {
    const { R, C } = rowsAndColumns(x!);
    return Math.max(R, C);
  },
  cases: [
    { inputs: [[1, 1], [1], [1]], attributes: { eps: 1e-5 } },
    { inputs: [[3, 7], [7], [7]], attributes: { eps: 1e-5 } },
    { inputs: [[2, 5, 65], [65], undefined], attributes: { eps: 1e-5 } },
    { inputs: [[33, 17], [17], [17]], attributes: { eps: 0.1 } },
    { inputs: [[67, 12], [12], [12]], attributes: { eps: 1e-5 } },
    { inputs: [[2, 300], [300], [300]], attributes: { eps: 1e-5 } },
  ],
});
