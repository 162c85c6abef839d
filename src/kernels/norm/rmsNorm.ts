import { UserError } from '../../errors.ts';
import { defineOp } from '../../tensor/op.ts';
import { format, rowsAndColumns, type Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { normBackward } from './backward.ts';
import { type NormAttributes, normForward, savedStatistics } from './forward.ts';

function shape([x, weight]: readonly (Shape | undefined)[]): Shape {
  const C = x!.at(-1);
  if (weight!.length === 1 && weight![0] === C) return x!;
  throw new UserError(`rmsNorm: weight must be (${C ?? 1}) for x ${format(x!)}, got ${format(weight!)}`);
}

/**
 * Root-mean-square normalization over the last axis (Zhang and Sennrich, 2019): y = x / sqrt(mean(x^2) + eps) * weight.
 * x, y: (..., C), weight: (C)
 */
export const rmsNorm = defineOp<[x: Tensor, weight: Tensor], NormAttributes>({
  name: 'rmsNorm',
  inputs: ['x', 'weight'],
  shape,
  saves: savedStatistics,
  run: normForward({ centred: 0 }),
  reference: ([x, weight], { eps }) => {
    const { R, C } = rowsAndColumns(x!.shape);
    const y = new Float64Array(R * C);
    for (let r = 0; r < R; r++) {
      let square = 0;
      for (let c = 0; c < C; c++) square += x!.data[r * C + c] ** 2 / C;
      for (let c = 0; c < C; c++) y[r * C + c] = (x!.data[r * C + c] / Math.sqrt(square + eps)) * weight!.data[c];
    }
    return y;
  },
  backward: normBackward({ centred: 0 }),
  reduction: ([x]) => {
    const { R, C } = rowsAndColumns(x!);
    return Math.max(R, C);
  },
  cases: [
    { inputs: [[1, 1], [1]], attributes: { eps: 1e-5 } },
    { inputs: [[3, 7], [7]], attributes: { eps: 1e-5 } },
    { inputs: [[2, 5, 65], [65]], attributes: { eps: 1e-6 } },
    { inputs: [[33, 17], [17]], attributes: { eps: 0.1 } },
    { inputs: [[67, 12], [12]], attributes: { eps: 1e-5 } },
    { inputs: [[2, 300], [300]], attributes: { eps: 1e-5 } },
  ],
});
