import { range } from '../skeleton/text.ts';
import { HEAD, locateTile, type MatmulForm, type MatmulPoint, opaque } from './tiles.ts';

/*
 * The WGSL of matmul from textures, from which software adapters load four numbers in the time that one takes from a buffer.
 */

/**
 * A step of the loop takes four k. Of an operand whose k are neighbours, a lane loads one texel: four k of its
 * row or column. Of one that runs across, it loads a texel for each k: four neighbouring rows or columns. The images fill up
 * their last texel with zeros; where both run across, k past the end is masked instead. A lane's columns are four neighbours.
 */
export function imageShader({ TM }: MatmulPoint, S: number, store: string, form: MatmulForm, biased: boolean): string {
  const { aAlong, bAlong, fours: inFours, kFours } = form;
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
    bAlong || kFours ? load : `select(vec4<f32>(), ${load}, 4u * k4 + ${u}u < params.K)`;
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
  let start = ${biased ? 'bias[min(n, params.N - 4u) / 4u]' : 'vec4<f32>()'};
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
    ${inFours ? 'if (n < params.N) { store(matrix, m, n, sums[i]); }' : fours.map(storeOne).join('\n    ')}
  }
}`;
}
