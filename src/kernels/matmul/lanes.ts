import { range } from '../skeleton/text.ts';
import { HEAD, locateTile, type MatmulPoint, opaque } from './tiles.ts';

/*
 * The WGSL of matmul for software adapters, whose loads cost as much as 8 multiply-adds: memory is touched once for TM of these.
 */

/** A workgroup is one subgroup of S lanes; lane l holds columns l, l + S, ... of TN, and TM rows of each. */
export function lanesShader({ TM, TN }: MatmulPoint, S: number, store: string): string {
  const rows = range(TM);
  const parts = range(TN / S);
  const vectors = range(Math.ceil(TM / S));
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
