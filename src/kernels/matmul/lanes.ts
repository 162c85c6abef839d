/*
 * The WGSL of matmul's forms for software adapters, and what all forms share. Each ends in the epilogue
 * `store(matrix, m, n, sum)`, which its caller writes in front.
 */

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

export type MatmulPoint = { LANES: number; IMAGE: number; MATRIX: number; TM: number; TN: number };

/** The lanes form: a workgroup is one subgroup of S lanes; lane l holds columns l, l + S, ... of TN, and TM rows of each. */
export function lanesForm({ TM, TN }: MatmulPoint, S: number, store: string): string {
  const rows = Array.from({ length: TM }, (_, m) => m);
  const parts = Array.from({ length: TN / S }, (_, j) => j);
  const vectors = Array.from({ length: Math.ceil(TM / S) }, (_, i) => i);
  return /* wgsl */ `${store}
@compute @workgroup_size(${S})
fn main${HEAD} {
${locateTile(TM, TN)}
  // rows and columns past the end read the last one; their sums are not stored
  ${vectors.map((i) => `let aAt${i} = matrix * params.aBatch + min(m0 + ${i * S}u + lane, params.M - 1u) * params.aRow;`).join('\n  ')}
  ${parts.map((j) => `let bAt${j} = matrix * params.bBatch + min(n0 + ${j * S}u + lane, params.N - 1u) * params.bCol;`).join('\n  ')}
  ${rows.map((m) => parts.map((j) => `var c${m}_${j} = 0.0;`).join(' ')).join('\n  ')}
  for (var k = 0u; k < params.K; k++) {
    ${vectors.map((i) => `let a${i} = f32(a[aAt${i} + k * params.aCol]);`).join(' ')}
    ${parts.map((j) => `let b${j} = f32(b[bAt${j} + k * params.bRow]);`).join(' ')}
    ${rows
      .map((m) => {
        const sums = parts.map((j) => `c${m}_${j} = fma(r${m}, b${j}, c${m}_${j});`).join(' ');
        return `let r${m} = subgroupShuffle(a${Math.floor(m / S)}, ${m % S}u); ${sums}`;
      })
      .join('\n    ')}
  }
  // through an array, so that the epilogue is compiled once and not for each sum
  var sums = array<f32, ${TM * parts.length}>(${rows.flatMap((m) => parts.map((j) => `c${m}_${j}`)).join(', ')});
  for (var i = 0u; i < ${opaque(TM * parts.length)}; i++) {
    let m = m0 + i / ${parts.length}u;
    let n = n0 + i % ${parts.length}u * ${S}u + lane;
    if (m < params.M && n < params.N) { store(matrix, m, n, sums[i]); }
  }
}`;
}

/** What the image form knows when it is compiled: which operands' k are neighbours in memory (form bits, see `matmulKernels.ts`). */
export const A_ALONG = 1;
export const B_ALONG = 2;
/** c is added to. */
export const ACCUMULATE = 4;
/** Columns come in fours. */
export const FOURS = 8;
/** k come in fours. */
export const K_FOURS = 16;

/**
 * The image form: a step of the loop takes four k. Of an operand whose k are neighbours, a lane loads one texel: four k of its
 * row or column. Of one that runs across, it loads a texel for each k: four neighbouring rows or columns. The images fill up
 * their last texel with zeros; where both run across, k past the end is masked instead. A lane's columns are four neighbours.
 */
export function imageForm({ TM }: MatmulPoint, S: number, store: string, form: number, beginWithBias: boolean): string {
  const [aAlong, bAlong] = [(form & A_ALONG) > 0, (form & B_ALONG) > 0];
  const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  const rows = range(TM);
  const fours = range(4);
  const component = (i: number): string => 'xyzw'[i];
  // a texel of each lane covers 4 S rows when it runs across
  const aTexels = range(Math.ceil(TM / (aAlong ? S : 4 * S)));
  const loadA = (i: number): string =>
    `let a${i} = textureLoad(a, vec2<u32>(k4, aTop + min(m0 + ${i * S}u + lane, params.M - 1u)));`;
  const loadB = (j: number): string =>
    `let b${j} = textureLoad(b, vec2<u32>(k4, bTop + min(n + ${j}u, params.N - 1u)));`;
  const across = (name: string, at: string, u: number): string =>
    `textureLoad(${name}, vec2<u32>(${at}, ${name}Top + 4u * k4 + ${u}u))`;
  const masked = (load: string, u: number): string =>
    bAlong || form & K_FOURS ? load : `select(vec4<f32>(), ${load}, 4u * k4 + ${u}u < params.K)`;
  const loadAAcross = (u: number): string =>
    aTexels.map((i) => `let a${u}_${i} = ${masked(across('a', `m0 / 4u + ${i * S}u + lane`, u), u)};`).join(' ');
  const loadBAcross = (u: number): string => `let b${u} = ${across('b', 'n / 4u', u)};`;
  const rowValue = (m: number, u: number): string =>
    aAlong
      ? `subgroupShuffle(a${Math.floor(m / S)}.${component(u)}, ${m % S}u)`
      : `subgroupShuffle(a${u}_${Math.floor(m / (4 * S))}.${component(m % 4)}, ${Math.floor((m % (4 * S)) / 4)}u)`;
  const colValue = (j: number, u: number): string => (bAlong ? `b${j}.${component(u)}` : `b${u}.${component(j)}`);
  // row by row, so that each sum is fetched once for four k: registers hold 16 vectors, the sums are up to 256
  const multiplyRow = (m: number): string => /* wgsl */ `
    ${fours.map((u) => `let r${m}_${u} = ${rowValue(m, u)};`).join(' ')}
    ${fours.map((j) => fours.map((u) => `c${m}_${j} = fma(r${m}_${u}, ${colValue(j, u)}, c${m}_${j});`).join(' ')).join(' ')}`;
  const storeOne = (j: number): string =>
    `if (n + ${j}u < params.N) { store(matrix, m, n + ${j}u, sums[i].${component(j)}); }`;
  return /* wgsl */ `${store}
@compute @workgroup_size(${S})
fn main${HEAD} {
${locateTile(TM, 4 * S)}
  let n = n0 + 4u * lane;
  // the matrices of a batch stand one under another
  let aTop = matrix * params.${aAlong ? 'M' : 'K'};
  let bTop = matrix * params.${bAlong ? 'N' : 'K'};
  let start = ${beginWithBias ? 'bias[min(n, params.N - 4u) / 4u]' : 'vec4<f32>()'};
  ${rows.map((m) => fours.map((j) => `var c${m}_${j} = start.${component(j)};`).join(' ')).join('\n  ')}
  for (var k4 = 0u; k4 < (params.K + 3u) / 4u; k4++) {
    ${aAlong ? aTexels.map(loadA).join(' ') : fours.map(loadAAcross).join('\n    ')}
    ${(bAlong ? fours.map(loadB) : fours.map(loadBAcross)).join('\n    ')}${rows.map(multiplyRow).join('')}
  }
  // through an array, so that the epilogue is compiled once and not for each row
  var sums = array<vec4<f32>, ${TM}>(${rows.map((m) => `vec4<f32>(c${m}_0, c${m}_1, c${m}_2, c${m}_3)`).join(', ')});
  for (var i = 0u; i < ${opaque(TM)}; i++) {
    let m = m0 + i;
    if (m >= params.M) { break; }
    ${form & FOURS ? 'if (n < params.N) { store(matrix, m, n, sums[i]); }' : fours.map(storeOne).join('\n    ')}
  }
}`;
}
