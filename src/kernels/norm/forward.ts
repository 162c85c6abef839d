import type { Call, Each, Variant } from '../../tensor/op.ts';
import { rowsAndColumns, type Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { defineEach } from '../skeleton/each.ts';
import { defineRows, type RowText } from '../skeleton/rows.ts';

/*
 * Layer norm and RMS norm: n = (x - mean) * rstd, y = n * weight + bias, where `centred` is 1; for RMS norm it is 0, the mean
 * counts as 0 and there is no bias.   x, y: (R, C), weight, bias: (C), mean, rstd: (R) f32
 */

export interface NormInputs {
  x: Tensor;
  weight: Tensor;
  bias?: Tensor;
}

export interface NormAttributes {
  /** Added to the variance (or the mean square): 1e-5 in GPT-2, 1e-5 or 1e-6 in Llama. */
  eps: number;
}

const spec = {
  bind: { x: 'read T', weight: 'read T', bias: 'read? T', y: 'write T', mean: 'write', rstd: 'write' },
  params: { R: 'u32', C: 'u32', eps: 'f32', centred: 'u32' },
  constants: ({ centred }: Record<string, number>) => ({ centred }),
} as const;

/** The lesson: one invocation a row, three walks over it. */
const naive = defineEach({
  ...spec,
  name: 'norm_naive',
  each: ['R'],
  body: ({ has, constants: { centred } }) => /* wgsl */ `
  let start = i * params.C;
  var average = 0.0;
  if (${centred === 1}) {
    for (var c = 0u; c < params.C; c++) { average += x[start + c]; }
    average /= f32(params.C);
  }
  var squares = 0.0;
  for (var c = 0u; c < params.C; c++) {
    let centred = x[start + c] - average;
    squares += centred * centred;
  }
  let scale = inverseSqrt(squares / f32(params.C) + params.eps);
  for (var c = 0u; c < params.C; c++) {
    y[start + c] = (x[start + c] - average) * scale * weight[c]${has.bias ? ' + bias[c]' : ''};
  }
  mean[i] = average;
  rstd[i] = scale;`,
});

/** Mean and squares about it, of a row that is at hand: the squares in a second pass, which then costs nothing. */
const twoPasses = ({ each }: RowText): string => /* wgsl */ `
    var sum = T();
    ${each('sum += v;')}
    let average = rowSum(lane, total(sum)) / length;
    ${each('squares += (v - average) * (v - average);')}`;

/**
 * The same in one walk over a long row, by Welford's recurrence (1962), which does not cancel when the mean is large either; the
 * lanes' means m and squares about them are joined as Chan et al. (1983) do.
 */
const oneWalk = ({ each }: RowText): string => /* wgsl */ `
    var n = 0.0;
    var m = T();
    ${each('n += 1.0; let step = v - m; m += step * (1.0 / n); squares += step * (v - m);')}
    let average = rowSum(lane, n * total(m)) / length;
    let apart = m - average;
    squares += n * apart * apart;`;

const aboutZero = ({ each }: RowText): string => `let average = 0.0; ${each('squares += v * v;')}`;

/** A row stays in registers, as do the weights for all rows of a workgroup. */
const rows = defineRows({
  ...spec,
  name: 'norm_rows',
  columns: ({ value, has }) => value('w', 'weight[c]') + (has.bias ? value('b', 'bias[c]') : ''),
  body: (text) => /* wgsl */ `
    let length = f32(columns * WIDTH);
    ${text.value('v', 'x[start + c]')}
    var squares = T();
    ${(text.constants.centred === 0 ? aboutZero : text.held ? twoPasses : oneWalk)(text)}
    let scale = inverseSqrt(rowSum(lane, total(squares)) / length + params.eps);
    ${text.each(`y[start + c] = (v - average) * scale * w${text.has.bias ? ' + b' : ''};`)}
    if (lane == 0u) {
      mean[row] = average;
      rstd[row] = scale;
    }`,
});

/** What the forward pass keeps: mean (0 where it is not centred) and 1 / standard deviation (or root mean square) of each row. */
export const savedStatistics = ({ x }: Each<NormInputs, Shape>): Record<string, Shape> => {
  const { R } = rowsAndColumns(x);
  return { mean: [R], rstd: [R] };
};

/** The forward variants of a norm. */
export function normForward(centred: 0 | 1): Record<'naive' | 'rows', Variant<NormInputs, NormAttributes>> {
  const by =
    (kernel: typeof naive | typeof rows) =>
    ({ inputs, output: y, saved: { mean, rstd }, attributes: { eps } }: Call<NormInputs, NormAttributes>): void =>
      kernel({ ...inputs, y, mean, rstd }, { ...rowsAndColumns(y.shape), eps, centred });
  return {
    naive: { idea: 'An invocation a row, which it walks over three times, number by number.', run: by(naive) },
    rows: {
      idea: 'A subgroup a row, which stays in registers, as do the weights for all rows of a workgroup.',
      gain: `lavapipe, (3072, 256): ${centred ? '3.8' : '2.9'} times naive, half of the bandwidth of a buffer copy; a walk over the row for the moments and one for y: 1.8 times`,
      run: by(rows),
    },
  };
}
