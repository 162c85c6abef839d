/** The ladders: an op from its plainest kernel to its best, each rung by one idea. Rungs are variants and tuning points. */

import type { AnyCase, AnyOp } from '../src/check/ops.ts';
import { UsageError } from '../src/errors.ts';
import { attention } from '../src/kernels/attention/attention.ts';
import { matmul } from '../src/kernels/matmul/matmul.ts';
import { softmax } from '../src/kernels/softmax.ts';
import type { Capabilities, Point } from '../src/tensor/kernel.ts';
import type { Amounts } from './kernels.ts';

export interface Rung {
  name: string;
  /** What it does otherwise than the rung before, in a sentence. */
  idea: string;
  variant: string;
  /** The tuning point, where the variant's kernel has some. */
  point?: (adapter: Capabilities) => Point;
}

export interface Ladder {
  op: AnyOp;
  /** Names of a shape's numbers. */
  axes: readonly string[];
  /** The shape unless another is chosen: one that software adapters bear, and one that fills a GPU. */
  shapes: { software: readonly number[]; gpu: readonly number[] };
  /** The op's case for a shape, and what it does. */
  test: (shape: readonly number[]) => AnyCase;
  amounts: (shape: readonly number[]) => Amounts;
  rungs: readonly Rung[];
}

const matmulPoint =
  (LANES: number, IMAGE: number, TM: number, TN?: number) =>
  ({ subgroupSize }: Capabilities): Point => ({ LANES, IMAGE, MATRIX: 0, TM, TN: TN ?? 4 * subgroupSize });

const MATMUL: Ladder = {
  op: matmul as unknown as AnyOp,
  axes: ['M', 'N', 'K'],
  shapes: { software: [512, 512, 512], gpu: [4096, 4096, 4096] },
  test: ([M, N, K]) => ({
    inputs: [
      [M, K],
      [K, N],
    ],
  }),
  amounts: ([M, N, K]) => ({ flops: 2 * M * N * K }),
  rungs: [
    {
      name: 'naive',
      idea: 'An invocation an element: every multiply-add loads both of its operands from memory.',
      variant: 'naive',
    },
    {
      name: 'tile32',
      idea: 'A workgroup stages 32 x 32 tiles in workgroup memory, so that a load from memory serves 32 multiply-adds; each invocation sums 4 x 4 of them in registers.',
      variant: 'best',
      point: matmulPoint(0, 0, 32, 32),
    },
    {
      name: 'tile64',
      idea: '64 x 64 tiles and 8 x 8 sums an invocation: 64 multiply-adds for four vectors from workgroup memory. What GPUs want.',
      variant: 'best',
      point: matmulPoint(0, 0, 64, 64),
    },
    {
      name: 'lanes8',
      idea: 'A subgroup by itself, without barriers, which CPUs pay dearly: lanes own columns, and 8 rows go around by shuffles in place of loads.',
      variant: 'best',
      point: matmulPoint(1, 0, 8),
    },
    {
      name: 'lanes16',
      idea: '16 rows: every column that was loaded serves twice as many multiply-adds.',
      variant: 'best',
      point: matmulPoint(1, 0, 16),
    },
    {
      name: 'lanes32',
      idea: '32 rows: twice as many again; more would not fit the registers.',
      variant: 'best',
      point: matmulPoint(1, 0, 32),
    },
    {
      name: 'image',
      idea: 'Operands come as textures, from which a CPU loads four numbers in the time that a buffer takes for one; the copies are counted.',
      variant: 'best',
      point: matmulPoint(1, 1, 32, 32),
    },
    {
      name: 'image64',
      idea: '64 rows from textures: each value of B that is loaded serves twice as many multiply-adds.',
      variant: 'best',
      point: matmulPoint(1, 1, 64, 32),
    },
  ],
};

const SOFTMAX: Ladder = {
  op: softmax as unknown as AnyOp,
  axes: ['R', 'C'],
  shapes: { software: [3072, 256], gpu: [65536, 1024] },
  test: (shape) => ({ inputs: [shape] }),
  amounts: ([R, C]) => ({ bytes: 8 * R * C }),
  rungs: [
    {
      name: 'naive',
      idea: 'An invocation a row, which it walks over three times, number by number.',
      variant: 'naive',
    },
    {
      name: 'workgroup',
      idea: 'A workgroup a row, on vectors of four: 256 lanes stride over the columns, and trees in workgroup memory find maximum and sum.',
      variant: 'rows',
      point: () => ({ LANES: 256 }),
    },
    {
      name: 'sixteen',
      idea: '16 lanes a row and four rows a workgroup: the trees have four levels in place of eight, and short rows leave no lane idle.',
      variant: 'rows',
      point: () => ({ LANES: 16 }),
    },
    {
      name: 'subgroup',
      idea: 'A subgroup a row: its own instructions find maximum and sum, without workgroup memory or a barrier.',
      variant: 'rows',
      point: () => ({ LANES: 0 }),
    },
  ],
};

const ATTENTION: Ladder = {
  op: attention as unknown as AnyOp,
  axes: ['B', 'H', 'T', 'D'],
  shapes: { software: [8, 6, 256, 64], gpu: [16, 12, 1024, 64] },
  test: ([B, H, T, D]) => ({ inputs: [[B, T, 3 * H * D]], attributes: { nHead: H, nKvHead: H, causal: true } }),
  amounts: ([B, H, T, D]) => ({ flops: 2 * B * H * T * (T + 1) * D }),
  rungs: [
    {
      name: 'naive',
      idea: 'An invocation a query and head: it walks over the keys before it, number by number from memory.',
      variant: 'naive',
    },
    {
      name: 'staged',
      idea: 'A query a lane, held in registers with a running maximum and sum (FlashAttention); 64 lanes share tiles of keys and values in workgroup memory.',
      variant: 'flash',
      point: () => ({ R: 1, SUBGROUP: 0, SPLIT: 1 }),
    },
    {
      name: 'shuffled',
      idea: 'A subgroup by itself: its lanes load a key together and hand it around by shuffles, without a barrier.',
      variant: 'flash',
      point: ({ subgroupSize }) => ({ R: 1, SUBGROUP: subgroupSize, SPLIT: 1 }),
    },
    {
      name: 'two',
      idea: 'Two queries a lane: every key and value that was loaded serves both.',
      variant: 'flash',
      point: ({ subgroupSize }) => ({ R: 2, SUBGROUP: subgroupSize, SPLIT: 1 }),
    },
  ],
};

export const LADDERS: Readonly<Record<string, Ladder>> = { matmul: MATMUL, softmax: SOFTMAX, attention: ATTENTION };

/** A ladder by the name of its op. @throws UsageError when there is none */
export function ladderOf(name: string): Ladder {
  if (Object.hasOwn(LADDERS, name)) return LADDERS[name];
  throw new UsageError(`there is no ladder of "${name}"; there are ${Object.keys(LADDERS).join(', ')}`);
}

/** The numbers of a shape such as "512x512x512". @throws UsageError when it does not fit the ladder */
export function parseShape({ op, axes }: Ladder, text: string): number[] {
  const shape = text.split('x').map(Number);
  if (shape.length === axes.length && shape.every((size) => Number.isInteger(size) && size > 0)) return shape;
  throw new UsageError(
    `a shape of ${op.definition.name} is ${axes.join('x')}, ${axes.length} whole numbers from 1 with an x between; got "${text}"`,
  );
}
