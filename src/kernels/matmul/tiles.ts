/** What matmul's tiled variants share. Each ends in the epilogue `store(matrix, m, n, sum)`, which its caller writes in front. */

/** The constants of a variant: the side of its tile in rows and columns, and which way it is computed. */
export type MatmulPoint = { LANES: number; IMAGE: number; MATRIX: number; TM: number; TN: number };

/** What is known of a product when its shader is compiled, each 0 or 1. */
export interface MatmulForm {
  /** The k of an operand are neighbours in memory. */
  aAlong: number;
  bAlong: number;
  /** c is added to. */
  accumulate: number;
  /** Columns, and k, come in fours. */
  fours: number;
  kFours: number;
  /** The image of b is that of its transpose. */
  bTurned: number;
}

/** The builtins of every matmul shader. */
export const HEAD = /* wgsl */ `(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32)`;

/** `count`, written so that the compiler does not know it: unrolled loops of loads or stores take LLVM many seconds. */
export const opaque = (count: number): string => `min(${count}u, ${count}u * params.M)`;

/** Which tile a workgroup computes: `matrix` of the batch, rows from `m0`, columns from `n0`. */
export const locateTile = (
  TM: number,
  TN: number,
): string => /* wgsl */ `  let tilesN = (params.N + ${TN - 1}u) / ${TN}u;
  let tilesM = (params.M + ${TM - 1}u) / ${TM}u;
  let index = groupIndex(group, groups);
  let matrix = index / (tilesM * tilesN);
  if (matrix >= params.batch) { return; }
  let m0 = index / tilesN % tilesM * ${TM}u;
  let n0 = index % tilesN * ${TN}u;`;
