import { range } from '../skeleton/text.ts';
import { HEAD, locateTile, type MatmulPoint, opaque } from './tiles.ts';

/*
 * The WGSL of matmul for all GPUs: tiles in workgroup memory.
 */

/** Depth of the slices that are staged in workgroup memory. */
export const TILE_DEPTH = 16;

/** An operand: SIDE rows of a (or columns of b) are staged, four to a vector, DEPTH vectors of k deep. */
interface Stage {
  name: 'a' | 'b';
  side: number;
  invocations: number;
  /** WGSL of the first row (column); the param with their number; the strides between them and along k. */
  first: string;
  size: string;
  across: string;
  along: string;
}

/** Vectors from one k to the next: one more than are used, so that neighbours in k lie in other banks. */
export const pitchOf = (side: number): number => side / 4 + 1;

/** Stages a tile. Neighbours load neighbours: along k where those are dense, across where the others are. */
const stageTile = ({ name, side, invocations, first, size, across, along }: Stage): string => /* wgsl */ `
    for (var i = lane; i < ${opaque((side / 4) * TILE_DEPTH)}; i += ${invocations}u) {
      let dense = params.${along} == 1u;
      let quad = select(i % ${side / 4}u, i / DEPTH, dense);
      let k = select(i / ${side / 4}u, i % DEPTH, dense);
      let lines = ${first} + 4u * quad + vec4<u32>(0u, 1u, 2u, 3u);
      let inside = (lines < vec4<u32>(params.${size})) & vec4<bool>(k0 + k < params.K);
      let at = select(vec4<u32>(), ${name}Start + lines * params.${across} + (k0 + k) * params.${along}, inside);
      let values = vec4<Operand>(${name}[at.x], ${name}[at.y], ${name}[at.z], ${name}[at.w]);
      ${name}Tile[k * ${pitchOf(side)}u + quad] = select(vec4<Operand>(), values, inside);
    }`;

const stageColumns = (side: number, invocations: number): string =>
  stageTile({ name: 'b', side, invocations, first: 'n0', size: 'N', across: 'bCol', along: 'bRow' });

/**
 * Each invocation has an 8 x 8 (or 4 x 4) square of sums, whose rows and columns lie in vectors of four, a
 * workgroup's width apart. Mesa's compiler for AMD's navi21 and navi31 makes an inner loop of it that is nine tenths
 * multiply-adds (four tenths with scalars in the tiles), without spills, 8 subgroups a SIMD. That takes bounds of the inner
 * loop that Dawn knows, for then it leaves out its tests of the indices, and offsets that are constant within a step. The
 * small tile hides them: compilers would unroll its short loop, for which LLVM takes thrice as long.
 *
 * In mixed precision the tiles are f16, half as large; the squares of sums are f32 all the same. Packed columns have a
 * `stageB` of their own.
 */
export function tileShader({ TM, TN }: Pick<MatmulPoint, 'TM' | 'TN'>, store: string, stageB = stageColumns): string {
  const each = TM >= 64 ? 8 : 4;
  const steps = each === 8 ? 2 : 4; // of k at a time
  const bound = each === 8 ? `${TILE_DEPTH / steps}u` : `${TILE_DEPTH / steps}u * min(1u, params.M)`;
  const [down, across] = [TM / each, TN / each];
  const invocations = down * across;
  const numbers = range(each);
  const quads = range(each / 4);
  const element = (i: number): string => `${i >> 2}.${'xyzw'[i & 3]}`;
  const step = (u: number): string => /* wgsl */ `{
        ${quads.map((q) => `let a${q} = vec4<f32>(aTile[aAt + ${u * pitchOf(TM) + q * down}u]);`).join(' ')}
        ${quads.map((q) => `let b${q} = vec4<f32>(bTile[bAt + ${u * pitchOf(TN) + q * across}u]);`).join(' ')}
        ${numbers.map((m) => numbers.map((n) => `c${m}_${n} = fma(a${element(m)}, b${element(n)}, c${m}_${n});`).join(' ')).join('\n        ')}
      }`;
  return /* wgsl */ `${store}
const DEPTH = ${TILE_DEPTH}u;
var<workgroup> aTile: array<vec4<Operand>, ${TILE_DEPTH * pitchOf(TM)}>;
var<workgroup> bTile: array<vec4<Operand>, ${TILE_DEPTH * pitchOf(TN)}>;
@compute @workgroup_size(${invocations})
fn main${HEAD} {
${locateTile(TM, TN)}
  let aStart = matrix * params.aBatch;
  let bStart = matrix * params.bBatch;
  let row = lane / ${across}u;
  let col = lane % ${across}u;
  ${numbers.map((m) => numbers.map((n) => `var c${m}_${n} = 0.0;`).join(' ')).join('\n  ')}
  for (var k0 = 0u; k0 < params.K; k0 += DEPTH) {
    ${stageTile({ name: 'a', side: TM, invocations, first: 'm0', size: 'M', across: 'aRow', along: 'aCol' })}
    ${stageB(TN, invocations)}
    workgroupBarrier();
    for (var i = 0u; i < ${bound}; i++) {
      let aAt = i * ${steps * pitchOf(TM)}u + row;
      let bAt = i * ${steps * pitchOf(TN)}u + col;
      ${range(steps).map(step).join(' ')}
    }
    workgroupBarrier();
  }
  // through an array, so that the epilogue is compiled once and not for each sum
  var sums = array<f32, ${each * each}>(${numbers.flatMap((m) => numbers.map((n) => `c${m}_${n}`)).join(', ')});
  for (var i = 0u; i < ${opaque(each * each)}; i++) {
    let m = m0 + 4u * (row + i / ${4 * each}u * ${down}u) + i / ${each}u % 4u;
    let n = n0 + 4u * (col + i % ${each}u / 4u * ${across}u) + i % 4u;
    if (m < params.M && n < params.N) { store(matrix, m, n, sums[i]); }
  }
}`;
}
