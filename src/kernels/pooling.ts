import { UserError } from '../errors.ts';
import { type BackwardCall, type Call, defineOp, type OpDefinition } from '../tensor/op.ts';
import { format, type Shape } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { defineElementwise, writeOrAdd } from './skeleton/snippets.ts';

/*
 * A sequence in one row: the mean of a run of its rows, `first` to before `last`, that one number of each batch entry tells.
 * The gradient of each of them is that of the mean by their count; the other rows get 0.
 */

/** What the number n of a batch entry stands for, in WGSL and in numbers. An empty run has a mean of 0. */
interface Run {
  wgsl: { first: string; last: string };
  rows: (n: number, T: number) => { first: number; last: number };
}

const PARAMS = { N: 'u32', T: 'u32', C: 'u32', accumulate: 'u32' } as const;

function kernelsOf(name: string, { first, last }: Run['wgsl']) {
  const run = (b: string): string => /* wgsl */ `
    let n = which[${b}];
    let first = ${first};
    let last = ${last};
    let count = f32(max(last - first, 1u));`;
  const forward = defineElementwise({
    name,
    bind: { x: 'read', which: 'read u32', y: 'write' },
    params: PARAMS,
    lengths: ['N', 'C'],
    body: /* wgsl */ `
    let b = i / params.C;
    ${run('b')}
    var sum = T();
    for (var t = first; t < last; t++) { sum += x[(b * params.T + t) * params.C + i % params.C]; }
    y[i] = sum / count;`,
  });
  const gradient = defineElementwise({
    name: `${name}_gradient`,
    bind: { dy: 'read', which: 'read u32', dx: 'write' },
    params: PARAMS,
    lengths: ['N', 'C'],
    body: /* wgsl */ `
    let t = i / params.C % params.T;
    let b = i / params.C / params.T;
    ${run('b')}
    var value = T();
    if (t >= first && t < last) { value = dy[b * params.C + i % params.C] / count; }
    ${writeOrAdd('dx[i]', 'value', 'accumulate')}`,
  });
  return { forward, gradient };
}

function shapeOf(op: string, which: string, [x, numbers]: readonly (Shape | undefined)[]): Shape {
  if (x!.length !== 3) throw new UserError(`${op}: x must have 3 axes (B, T, C), got ${format(x!)}`);
  if (numbers!.length === 1 && numbers![0] === x![0]) return [x![0], x![2]];
  throw new UserError(`${op}: ${which} must be (${x![0]}), one for each batch entry of x, got ${format(numbers!)}`);
}

/** An op whose second input, named `which`, holds the numbers. */
function pooling(name: string, which: string, { wgsl, rows }: Run): OpDefinition<object> {
  const kernels = kernelsOf(name, wgsl);
  return {
    name,
    inputs: ['x', which],
    shape: (shapes) => shapeOf(name, which, shapes),
    run: {
      vectors: ({ inputs: [x, numbers], output: y }: Call<object>) => {
        const [, T, C] = x!.shape;
        kernels.forward({ x: x!, which: numbers!, y }, { N: y.size, T, C, accumulate: 0 });
      },
    },
    reference: ([x, numbers]) => {
      const [B, T, C] = x!.shape;
      return Float64Array.from({ length: B * C }, (_, i) => {
        const b = Math.floor(i / C);
        const { first, last } = rows(numbers!.data[b], T);
        let sum = 0;
        for (let t = first; t < last; t++) sum += x!.data[(b * T + t) * C + (i % C)];
        return sum / Math.max(last - first, 1);
      });
    },
    backward: ({ inputs: [x, numbers], dy, target }: BackwardCall<object>) => {
      const dx = target(0);
      const [, T, C] = x!.shape;
      if (!dx) return;
      const params = { N: x!.size, T, C, accumulate: dx.accumulate };
      kernels.gradient({ dy, which: numbers!, dx: dx.tensor }, params);
    },
    reduction: ([x]) => x![1],
    cases: [
      { inputs: [[1, 1, 1], { shape: [1], below: 1 }] },
      { inputs: [[3, 7, 5], { shape: [3], below: 7 }] },
      { inputs: [[2, 3, 65], { shape: [2], below: 9 }] }, // past the end
      { inputs: [[5, 2, 257], { shape: [5], below: 2 }] },
      { inputs: [[3, 33, 36], { shape: [3], below: 34 }] }, // vectors
    ],
  };
}

/**
 * One row of each batch entry: y[b,c] = x[b,index[b],c], as for the hidden state of each prompt's last token. An index past
 * the end takes the last row.   x: (B, T, C), index: (B) u32 -> (B, C)
 * @throws UserError when shapes do not fit.
 */
export const selectRows = defineOp<[x: Tensor, index: Tensor]>(
  pooling('selectRows', 'index', {
    wgsl: { first: 'min(n, params.T - 1u)', last: 'first + 1u' },
    rows: (n, T) => ({ first: Math.min(n, T - 1), last: Math.min(n, T - 1) + 1 }),
  }),
);

/**
 * Mean of the first lengths[b] rows of each batch entry: y[b,c] = sum over t < lengths[b] of x[b,t,c] / lengths[b], as for
 * sequences that are padded behind. A length past T counts as T; where it is 0, y is 0.   x: (B, T, C), lengths: (B) u32 -> (B, C)
 * @throws UserError when shapes do not fit.
 */
export const meanRows = defineOp<[x: Tensor, lengths: Tensor]>(
  pooling('meanRows', 'lengths', {
    wgsl: { first: '0u', last: 'min(n, params.T)' },
    rows: (n, T) => ({ first: 0, last: Math.min(n, T) }),
  }),
);
