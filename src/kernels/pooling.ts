import { UserError } from '../errors.ts';
import { defineOp, type OpDefinition } from '../tensor/op.ts';
import { format, type Shape } from '../tensor/shape.ts';
import { ELEMENT_BYTES, type Tensor } from '../tensor/tensor.ts';
import { defineEach } from './skeleton/each.ts';
import { assign } from './skeleton/text.ts';

/*
 * A sequence in one row: the mean of a run of its rows, `first` to before `last`, that one number of each batch entry tells.
 * The gradient of each of them is that of the mean by their count; the other rows get 0.
 */

/** What the number n of a batch entry stands for, in WGSL and in numbers. An empty run has a mean of 0. */
interface Run {
  wgsl: { first: string; last: string };
  rows: (n: number, T: number) => { first: number; last: number };
}

function kernelsOf(name: string, { first, last }: Run['wgsl']) {
  const run = /* wgsl */ `
    let n = which[b];
    let first = ${first};
    let last = ${last};
    let count = f32(max(last - first, 1u));`;
  const forward = {
    bind: { x: 'read T', which: 'read u32', y: 'write T' },
    params: { N: 'u32', T: 'u32', C: 'u32' },
    each: ['N'],
    body: /* wgsl */ `
    let b = i / params.C;
    ${run}
    var sum = T();
    for (var t = first; t < last; t++) { sum += x[(b * params.T + t) * params.C + i % params.C]; }
    y[i] = sum / count;`,
  } as const;
  const gradient = defineEach({
    name: `${name}_gradient`,
    bind: { dy: 'read T', which: 'read u32', dx: 'write T' },
    params: { ...forward.params, accumulate: 'u32' },
    each: ['N'],
    lengths: ['N', 'C'],
    body: ({ constants: { accumulate } }) => /* wgsl */ `
    let t = i / params.C % params.T;
    let b = i / params.C / params.T;
    ${run}
    var value = T();
    if (t >= first && t < last) { value = dy[b * params.C + i % params.C] / count; }
    ${assign('dx[i]', 'value', accumulate)}`,
  });
  const naive = defineEach({ name: `${name}_naive`, ...forward });
  return { naive, vectors: defineEach({ name, ...forward, lengths: ['N', 'C'] }), gradient };
}

function shapeOf(op: string, which: string, x: Shape, numbers: Shape): Shape {
  if (x.length !== 3) throw new UserError(`${op}: x must have 3 axes (B, T, C), got ${format(x)}`);
  if (numbers.length === 1 && numbers[0] === x[0]) return [x[0], x[2]];
  throw new UserError(`${op}: ${which} must be (${x[0]}), one for each batch entry of x, got ${format(numbers)}`);
}

/** What both ops have in common: an op whose second input, named `which`, holds the numbers. */
function pooling(name: string, which: string, { wgsl, rows }: Run) {
  const { naive, vectors, gradient } = kernelsOf(name, wgsl);
  const run =
    (kernel: typeof vectors): Definition['run'][string] =>
    ({ inputs, output: y }) => {
      const [, T, C] = inputs.x.shape;
      kernel({ x: inputs.x, which: inputs[which], y }, { N: y.size, T, C });
    };
  return {
    name,
    shape: (shapes) => shapeOf(name, which, shapes.x, shapes[which]),
    run: { naive: run(naive), vectors: run(vectors) },
    reference: ({ x: { shape, data }, [which]: numbers }) => {
      const [B, T, C] = shape;
      return Float64Array.from({ length: B * C }, (_, i) => {
        const b = Math.floor(i / C);
        const { first, last } = rows(numbers.data[b], T);
        let sum = 0;
        for (let t = first; t < last; t++) sum += data[(b * T + t) * C + (i % C)];
        return sum / Math.max(last - first, 1);
      });
    },
    backward: ({ inputs, dy, target }) => {
      const dx = target('x');
      const { size: N, shape } = inputs.x;
      const [, T, C] = shape;
      if (dx) gradient({ dy, which: inputs[which], dx: dx.tensor }, { N, T, C, accumulate: dx.accumulate });
    },
    reduction: ({ x }) => x[1],
  } satisfies Partial<Definition>;
}

type Definition = OpDefinition<Record<string, Tensor>, object>;

/** Shapes of x, and below what the numbers are. */
const CASES = [
  { x: [1, 1, 1], below: 1 },
  { x: [3, 7, 5], below: 7 },
  { x: [2, 3, 65], below: 9 }, // past the end
  { x: [5, 2, 257], below: 2 },
  { x: [3, 33, 36], below: 34 }, // vectors
];

/**
 * One row of each batch entry: y[b,c] = x[b,index[b],c], as for the hidden state of each prompt's last token. An index past
 * the end takes the last row.   x: (B, T, C), index: (B) u32 -> (B, C)
 * @throws UserError when shapes do not fit.
 */
export const selectRows = defineOp<{ x: Tensor; index: Tensor }>({
  ...pooling('selectRows', 'index', {
    wgsl: { first: 'min(n, params.T - 1u)', last: 'first + 1u' },
    rows: (n, T) => ({ first: Math.min(n, T - 1), last: Math.min(n, T - 1) + 1 }),
  }),
  inputs: ['x', 'index'],
  cases: CASES.map(({ x, below }) => [{ x, index: { shape: [x[0]], below } }]),
  workloads: ({ B, T, C }) => [
    { case: [{ x: [B, T, C], index: { shape: [B], below: T } }], bytes: ELEMENT_BYTES * 2 * B * C },
  ],
});

/**
 * Mean of the first lengths[b] rows of each batch entry: y[b,c] = sum over t < lengths[b] of x[b,t,c] / lengths[b], as for
 * sequences that are padded behind. A length past T counts as T; where it is 0, y is 0.   x: (B, T, C), lengths: (B) u32 -> (B, C)
 * @throws UserError when shapes do not fit.
 */
export const meanRows = defineOp<{ x: Tensor; lengths: Tensor }>({
  ...pooling('meanRows', 'lengths', {
    wgsl: { first: '0u', last: 'min(n, params.T)' },
    rows: (n, T) => ({ first: 0, last: Math.min(n, T) }),
  }),
  inputs: ['x', 'lengths'],
  cases: CASES.map(({ x, below }) => [{ x, lengths: { shape: [x[0]], below } }]),
  workloads: ({ B, T, C }) => [{ case: [{ x: [B, T, C], lengths: { shape: [B], below: T + 1 } }] }],
  operations: 1,
});
