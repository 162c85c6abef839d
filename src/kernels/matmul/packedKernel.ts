import { defineKernel } from '../../tensor/kernel.ts';
import { fitsImage } from '../../tensor/operands/image.ts';
import { GROUP } from '../../tensor/operands/packing.ts';
import { PackedReader } from '../../tensor/operands/quantized.ts';
import type { ShaderContext } from '../../tensor/shader.ts';
import { sizeClass } from '../../tensor/tuning/table.ts';
import { defineEach } from '../skeleton/each.ts';
import { range } from '../skeleton/text.ts';
import { BIND, storeWgsl } from './kernel.ts';
import { pitchOf, TILE_DEPTH, tileShader } from './tile.ts';
import { HEAD, locateTile, opaque } from './tiles.ts';

/*
 * c[m,n] = sum_k a[m,k] b[n,k] of a b that is packed (see tensor/operands/packing.ts): its numbers are unpacked on their way
 * into the product, and meet their scale there.
 */

const PARAMS = {
  M: 'u32',
  N: 'u32',
  K: 'u32',
  gelu: 'u32',
  /** As matmul's tiles read a, which is dense. */
  batch: 'u32',
  aBatch: 'u32',
  aRow: 'u32',
  aCol: 'u32',
  bBatch: 'u32',
} as const;

const readerOf = ({ packed }: ShaderContext): PackedReader => new PackedReader('b', packed.b, 'params.K');

const storeOf = ({ has, width, constants }: ShaderContext<typeof BIND>): string =>
  storeWgsl(has, 'false', width, constants.gelu === 1);

/** The lesson: one invocation an element; each number is unpacked by itself. */
export const naive = defineEach({
  name: 'packedMatmul_naive',
  bind: BIND,
  params: PARAMS,
  constants: ({ gelu }) => ({ gelu }),
  each: ['M', 'N'],
  functions: (context) => `${readerOf(context).functions}${storeOf(context)}`,
  body: (context) => /* wgsl */ `
  let n = i % params.N;
  let m = i / params.N;
  var sum = 0.0;
  for (var k = 0u; k < params.K; k++) { sum += f32(a[m * params.K + k]) * ${readerOf(context).at('n', 'k')}; }
  store(0u, m, n, sum);`,
});

type PackedPoint = { IMAGE: number; TM: number };

/**
 * A workgroup is one subgroup of S lanes, a lane four columns and TM rows. A texel of b, loaded in the time that one of plain
 * numbers takes, holds two, four or eight k of its columns; the rows of a go around by shuffles, as in image.ts.
 */
function imageShader(
  { TM }: PackedPoint,
  S: number,
  store: string,
  b: PackedReader,
  width: number,
  biased: boolean,
): string {
  const rows = range(TM);
  const vectors = range(Math.ceil(TM / S));
  const step = Math.max(4, b.inputs);
  const quads = range(step / 4);
  const load = (i: number, q: number): string =>
    `let a${i}_${q} = textureLoad(a, vec2<u32>(min(k / 4u + ${q}u, lastK), min(m0 + ${i * S}u + lane, params.M - 1u)));`;
  const texels = range(step / b.inputs).map((t) => `let b${t} = ${b.texel('quad', `k + ${t * b.inputs}u`)};`);
  const weights = range(step).map(
    (u) => `let w${u} = ${b.four(`b${Math.floor(u / b.inputs)}`, u % b.inputs)}${b.scaled ? ' * scale' : ''};`,
  );
  const multiply = (m: number): string => {
    const [vector, lane] = [Math.floor(m / S), m % S];
    const around = quads.map((q) => `let r${m}_${q} = subgroupShuffle(a${vector}_${q}, ${lane}u);`);
    return `${around.join(' ')} ${range(step)
      .map((u) => `c${m} += r${m}_${u >> 2}.${'xyzw'[u & 3]} * w${u};`)
      .join(' ')}`;
  };
  const storeOne = (j: number): string => `if (n + ${j}u < params.N) { store(0u, m, n + ${j}u, sums[i][${j}]); }`;
  return /* wgsl */ `${b.functions}${store}
@compute @workgroup_size(${S})
fn main${HEAD} {
${locateTile(TM, 4 * S)}
  let n = n0 + 4u * lane;
  let quad = min(n, params.N - 1u) / 4u;
  let lastK = (params.K - 1u) / 4u;
  let start = ${biased ? 'bias[quad]' : 'vec4<f32>()'};
  ${rows.map((m) => `var c${m} = start;`).join(' ')}
  for (var first = 0u; first < params.K; first += ${GROUP}u) {
    ${b.scaled ? `let scale = ${b.scale('quad', 'first')};` : ''}
    let end = min(first + ${GROUP}u, params.K);
    for (var k = first; k < end; k += ${step}u) {
      ${vectors.flatMap((i) => quads.map((q) => load(i, q))).join(' ')}
      ${texels.join(' ')}
      ${weights.join(' ')}
      ${rows.map(multiply).join('\n      ')}
    }
  }
  // through an array, so that the epilogue is compiled once and not for each row
  var sums = array<vec4<f32>, ${TM}>(${rows.map((m) => `c${m}`).join(', ')});
  for (var i = 0u; i < ${opaque(TM)}; i++) {
    let m = m0 + i;
    if (m >= params.M) { break; }
    ${width === 4 ? 'if (n < params.N) { store(0u, m, n, sums[i]); }' : range(4).map(storeOne).join('\n    ')}
  }
}`;
}

/** Stages a tile of packed columns as plain numbers: an invocation unpacks a texel, which lies in the tile as it comes. */
const stagePacked =
  (b: PackedReader) =>
  (side: number, invocations: number): string =>
    /* wgsl */ `
    for (var i = lane; i < ${opaque((side / 4) * (TILE_DEPTH / b.inputs))}; i += ${invocations}u) {
      let quad = i % ${side / 4}u;
      let k = i / ${side / 4}u * ${b.inputs}u;
      let column = min(n0 / 4u + quad, (params.N - 1u) / 4u);
      let texel = ${b.texel('column', 'k0 + k')};
      ${b.scaled ? `let scale = ${b.scale('column', 'k0 + k')};` : ''}
      ${range(b.inputs)
        .map(
          (u) =>
            `bTile[(k + ${u}u) * ${pitchOf(side)}u + quad] = vec4<Operand>(${b.four('texel', u)}${b.scaled ? ' * scale' : ''});`,
        )
        .join('\n      ')}
    }`;

/** Rows of a lane: more take adapters with few lanes long to compile. */
const mostRows = (S: number): number => S * S;

/** The fast variants: from images for software adapters, by tiles for GPUs. */
export const fast = defineKernel<typeof BIND, keyof typeof PARAMS, PackedPoint>({
  name: 'packedMatmul',
  bind: BIND,
  params: PARAMS,
  tune: { IMAGE: [1, 0], TM: [8, 16, 32, 64] },
  valid: ({ IMAGE, TM }, { subgroupSize: S, workgroupInvocations, precision }) =>
    IMAGE
      ? precision === 'float32' && (S === 4 || S === 8) && TM <= mostRows(S)
      : TM >= 32 && workgroupInvocations >= 64,
  fits: ({ IMAGE }, { M, K }, { textureSide }) => !IMAGE || fitsImage({ rows: M, cols: K }, textureSide),
  prefer: ({ software, subgroupSize: S, precision, textureSide }, { M, N, K }) => {
    const image = software && precision === 'float32' && (S === 4 || S === 8);
    if (image && fitsImage({ rows: M, cols: K }, textureSide)) {
      return { IMAGE: 1, TM: Math.min(mostRows(S), M <= 8 ? 8 : M <= 16 ? 16 : M <= 32 ? 32 : 64) };
    }
    return { IMAGE: 0, TM: M >= 64 && N >= 64 ? 64 : 32 };
  },
  shapeClass: ({ M, N, K }) => `M=${sizeClass(M)} N=${sizeClass(N)} K=${sizeClass(K)}`,
  images: ({ M, K }) => ({ a: { rows: M, cols: K } }),
  constants: ({ N, gelu }) => ({ fours: Number(N % 4 === 0), gelu }),
  width: ({ N }, { IMAGE }) => (IMAGE && N % 4 === 0 ? 4 : 1),
  enable: ({ IMAGE }) => (IMAGE ? ['subgroups'] : []),
  grid: ({ M, N }, { IMAGE, TM }, { subgroupSize: S }) => Math.ceil(M / TM) * Math.ceil(N / (IMAGE ? 4 * S : TM)),
  wgsl: ({ IMAGE, TM }, context) => {
    const { has, width, adapter } = context;
    const b = readerOf(context);
    const store = storeOf(context);
    if (IMAGE) return imageShader({ IMAGE, TM }, adapter.subgroupSize, store, b, width, width === 4 && has.bias);
    return tileShader({ TM, TN: TM }, `${b.functions}${store}`, stagePacked(b));
  },
});
