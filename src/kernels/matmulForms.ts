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

export type MatmulPoint = { LANES: number; IMAGE: number; TM: number; TN: number };

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
    ${vectors.map((i) => `let a${i} = a[aAt${i} + k * params.aCol];`).join(' ')}
    ${parts.map((j) => `let b${j} = b[bAt${j} + k * params.bRow];`).join(' ')}
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

/** Which way each operand runs in memory: 1 where its k are neighbours, which is known when the image form is compiled. */
export const A_ALONG = 1;
export const B_ALONG = 2;

/**
 * The image form: a step of the loop takes four k. Of an operand whose k are neighbours, a lane loads one texel: four k of its
 * row or column. Of one that runs across, it loads a texel for each k: four neighbouring rows or columns. The images fill up
 * their last texel with zeros; where both run across, k past the end is masked instead.
 */
export function imageForm({ TM, TN }: MatmulPoint, S: number, store: string, form: number): string {
  const [aAlong, bAlong] = [(form & A_ALONG) > 0, (form & B_ALONG) > 0];
  const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  const rows = range(TM);
  const parts = range(TN / S);
  const component = (i: number): string => 'xyzw'[i];
  // a texel of each lane covers 4 S rows or columns when it runs across
  const [aTexels, bTexels] = [range(Math.ceil(TM / (aAlong ? S : 4 * S))), range(bAlong ? TN / S : TN / (4 * S))];
  const column = (j: number): string =>
    bAlong ? `n0 + ${j * S}u + lane` : `n0 + ${4 * S * (j >> 2)}u + 4u * lane + ${j & 3}u`;
  const loadAlong = (name: string, start: string, size: string, i: number): string =>
    `let ${name}${i} = textureLoad(${name}, vec2<u32>(k4, ${name}Top + min(${start} + ${i * S}u + lane, params.${size} - 1u)));`;
  const loadAcross = (name: string, start: string, u: number, i: number): string =>
    `textureLoad(${name}, vec2<u32>(${start} / 4u + ${i * S}u + lane, ${name}Top + 4u * k4 + ${u}u))`;
  const masked = (load: string, u: number): string =>
    bAlong ? load : `select(vec4<f32>(), ${load}, 4u * k4 + ${u}u < params.K)`;
  const rowValue = (m: number, u: number): string =>
    aAlong
      ? `subgroupShuffle(a${Math.floor(m / S)}.${component(u)}, ${m % S}u)`
      : `subgroupShuffle(a${u}_${Math.floor(m / (4 * S))}.${component(m % 4)}, ${Math.floor((m % (4 * S)) / 4)}u)`;
  const colValue = (j: number, u: number): string =>
    bAlong ? `b${j}.${component(u)}` : `b${u}_${j >> 2}.${component(j & 3)}`;
  const fours = range(4);
  const across = (u: number): string => /* wgsl */ `
    ${aAlong ? '' : aTexels.map((i) => `let a${u}_${i} = ${masked(loadAcross('a', 'm0', u, i), u)};`).join(' ')}
    ${bAlong ? '' : bTexels.map((i) => `let b${u}_${i} = ${loadAcross('b', 'n0', u, i)};`).join(' ')}`;
  // row by row, so that each sum is fetched once for four k: registers hold 16 vectors, the sums are up to 128
  const multiplyRow = (m: number): string => /* wgsl */ `
    ${fours.map((u) => `let r${m}_${u} = ${rowValue(m, u)};`).join(' ')}
    ${parts.map((j) => fours.map((u) => `c${m}_${j} = fma(r${m}_${u}, ${colValue(j, u)}, c${m}_${j});`).join(' ')).join(' ')}`;
  return /* wgsl */ `${store}
@compute @workgroup_size(${S})
fn main${HEAD} {
${locateTile(TM, TN)}
  // the matrices of a batch stand one under another
  let aTop = matrix * params.${aAlong ? 'M' : 'K'};
  let bTop = matrix * params.${bAlong ? 'N' : 'K'};
  ${rows.map((m) => parts.map((j) => `var c${m}_${j} = 0.0;`).join(' ')).join('\n  ')}
  for (var k4 = 0u; k4 < (params.K + 3u) / 4u; k4++) {
    ${aAlong ? aTexels.map((i) => loadAlong('a', 'm0', 'M', i)).join(' ') : ''}
    ${bAlong ? bTexels.map((i) => loadAlong('b', 'n0', 'N', i)).join(' ') : ''}
    ${fours.map(across).join('')}${rows.map(multiplyRow).join('')}
  }
  // through an array, so that the epilogue is compiled once and not for each row
  var sums = array<f32, ${TM * parts.length}>(${rows.flatMap((m) => parts.map((j) => `c${m}_${j}`)).join(', ')});
  for (var i = 0u; i < ${opaque(TM)}; i++) {
    let m = m0 + i;
    ${parts.map((j) => `if (m < params.M && ${column(j)} < params.N) { store(matrix, m, ${column(j)}, sums[i * ${parts.length}u + ${j}u]); }`).join('\n    ')}
  }
}`;
}
