import type { Capabilities } from '../../tensor/capabilities.ts';
import { sizeClasses } from '../../tensor/tuning/choose.ts';

/*
 * How the fast kernels of attention share out their work. Rows are owned (queries; keys where their gradients are summed up)
 * and held in registers, while a loop goes over the rows of the other side. What the loop reads is the same for all owned rows,
 * and there are two ways to hand it around, by the tuning constant SUBGROUP:
 *   n  a workgroup is one subgroup of n lanes; they load a row together, four numbers each, and shuffle it to one another:
 *      for CPU adapters, where a load costs a dozen multiply-adds, a shuffle one, and a barrier many.
 *   0  the lanes stage tiles of rows in workgroup memory, from which the hardware broadcasts: for GPUs.
 * A lane owns R rows; SPLIT lanes own the same ones, each every SPLITth quad of them, and add up their parts of a dot product
 * in workgroup memory. That is what keeps wide heads in registers: GPUs have at most 256 a lane, and of those that a lane
 * takes depends how many subgroups a core can hold.
 */
export interface TilePoint extends Record<string, number> {
  R: number;
  SUBGROUP: number;
  SPLIT: number;
}

/** T tokens, H query heads, KV key heads of width D, `quads` = ceil(D / 4); a grid of `heads` x B times tiles of owned rows. */
export const TILE_PARAMS = {
  B: 'u32',
  T: 'u32',
  H: 'u32',
  KV: 'u32',
  D: 'u32',
  causal: 'u32',
  heads: 'u32',
  quads: 'u32',
} as const;
export type TileParams = Record<keyof typeof TILE_PARAMS, number>;

/**
 * Numbers of its rows that a lane may hold. Mesa's compiler takes 120 to 144 registers for 64, which lets RDNA 2 and 3 run
 * 8 to 12 subgroups a SIMD; for 96 to 128 it takes 170 to 250 (4 to 6 subgroups), and from 128 on it may spill.
 */
const MOST_HELD = 64;
const SPLITS = [1, 2, 4, 8, 16, 32];

/** Lanes of a workgroup. */
export const lanesOf = ({ SUBGROUP, SPLIT }: TilePoint): number => SUBGROUP || (SPLIT > 1 ? 128 : 64);

/** Rows that a workgroup owns. */
export const ownedBy = (point: TilePoint): number => (lanesOf(point) / point.SPLIT) * point.R;

/** Quads of a row that a lane owns. */
export const ownQuadsOf = (D: number, SPLIT: number): number => Math.ceil(D / 4 / SPLIT);

/** Rows of the loop that are taken together: sums that do not wait for one another, and that share a barrier. */
export const stepOf = (D: number, { SPLIT }: TilePoint): number => (SPLIT > 1 && D <= 256 ? 4 : 2);

/** The fewest lanes that hold R rows of `numbers` each for every number of an owned row. */
const splitFor = (D: number, numbers: number, R: number): number =>
  SPLITS.find((SPLIT) => 4 * ownQuadsOf(D, SPLIT) * R * numbers <= MOST_HELD) ?? SPLITS.at(-1)!;

/** Two rows a lane halve the reads of the loop, but past four lanes a row the sums of the dot products cost as much. */
const mostRows = (D: number, numbers: number): number => (splitFor(D, numbers, 2) <= 4 ? 2 : 1);

/**
 * Tuning points of a kernel that holds `numbers` a lane for each number of an owned row. Its inner loop is unrolled, so D is
 * compiled in; heads whose width is a multiple of four are moved as vectors of four.
 */
export const tileLayout = (numbers: number) => ({
  tune: { R: [1, 2], SUBGROUP: [0, 4, 8], SPLIT: SPLITS },
  valid: ({ SUBGROUP, SPLIT }: TilePoint, { subgroupSize }: Capabilities): boolean =>
    !SUBGROUP || (SUBGROUP === subgroupSize && SPLIT === 1),
  fits: ({ R, SUBGROUP, SPLIT }: TilePoint, { D }: TileParams): boolean =>
    SUBGROUP > 0 || (R <= mostRows(D, numbers) && SPLIT === splitFor(D, numbers, R)),
  /** On CPUs past D = 64 the compilation of two rows a lane takes too long for the gain. */
  prefer: ({ software, subgroupSize }: Capabilities, { D }: TileParams): TilePoint => {
    if (software && [4, 8].includes(subgroupSize)) return { R: D > 64 ? 1 : 2, SUBGROUP: subgroupSize, SPLIT: 1 };
    const R = mostRows(D, numbers);
    return { R, SUBGROUP: 0, SPLIT: splitFor(D, numbers, R) };
  },
  enable: ({ SUBGROUP }: TilePoint) => (SUBGROUP ? (['subgroups'] as const) : []),
  ...headWidth,
  grid: ({ B, T, heads }: TileParams, point: TilePoint): readonly [number, number, number] => [
    Math.ceil(T / ownedBy(point)),
    heads,
    B,
  ],
});

/** Of kernels that have the width of a head compiled in: vectors where it allows, and measurements for exactly that width. */
export const headWidth = {
  constants: ({ D }: Record<'D', number>) => ({ D }),
  width: ({ D }: Record<'D', number>): 1 | 4 => (D % 4 === 0 ? 4 : 1),
  shapeClass: ({ D, ...sizes }: Record<string, number>): string => {
    const types = Object.fromEntries(Object.keys(sizes).map((name) => [name, 'u32' as const]));
    return `D=${D} ${sizeClasses(types, sizes)}`;
  },
};
